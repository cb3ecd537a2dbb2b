"""A database of an earlier release, with data in every table of the engine, brought up to date."""

import dataclasses

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from broker.records import Basis, MandateVersion, RefreshToken, StatusEntry, Wanted
from broker.storage.database import SqlDatabase
from broker.storage.migrations import _config
from broker.storage.tables import metadata
from mandates.model import Approval, Ending, Evidence, PartyKind, Recognition, Source, Suspension
from storage.records import NOW

PARTIES = [
    {
        "id": "maria",
        "kind": "person",
        "name": "Zoë D'Hondt",
        "org_kinds": "[]",
        "insz_index": "i",
        "insz_sealed": "s",
    },
    {"id": "bram", "kind": "person", "name": "Bram", "org_kinds": "[]", "deceased_at": NOW + 9},
    {
        "id": "ocmw",
        "kind": "organisation",
        "name": "OCMW",
        "org_kinds": '["issuer","ocmw"]',
        "kbo": "0999000129",
    },
    {"id": "firm", "kind": "organisation", "name": "Firm", "org_kinds": "[]", "ceased_at": NOW + 9},
]
PLAIN = {
    "type": "ocmw-beneficiary",
    "principal": "maria",
    "representative": "ocmw",
    "powers": '["vouchers:read"]',
    "valid_from": NOW,
    "valid_until": NOW + 1000,
    "requested_at": NOW - 5,
    "requested_by": "bram",
    "catalogue_version": "0123456789ab",
    "source": "stored",
    "evidence": '{"note":"intake","sha256":null,"typed_name":"Zoë"}',
    "approvals": '[{"at":5,"by":"bram","kind":"second_officer"}]',
    "activated_at": NOW,
    "grounds": "",
    "version": 1,
    "revision": 1,
}
NO_EVIDENCE = '{"note":"","sha256":null,"typed_name":""}'
MANDATES = [
    {"id": "runs"},
    {"id": "beside"},  # the old program did not keep two from running beside each other
    {"id": "suspended", "suspended_at": NOW + 7, "version": 4, "approvals": "[]", "evidence": NO_EVIDENCE},
    {
        "id": "by-manager",
        "type": "company-employee",
        "principal": "firm",
        "representative": "bram",
        "suspended_at": NOW + 3,
    },
    {"id": "revoked", "ended_at": NOW + 8, "ended_by": "maria", "ending": "revoked", "grounds": "weg"},
    {"id": "unsaid", "ended_at": NOW + 8},
    {"id": "waits", "activated_at": None, "lapses_at": NOW + 99},
    {"id": "claimed", "principal": "ocmw", "representative": "bram", "source": "claims", "session": "s1"},
    {"id": "passed-on", "representative": "firm", "parent": "runs"},
]


def at_step(database, step):
    with database._engines.write.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def fill(database):
    with database._engines.write.begin() as connection:
        tables = inspect(connection)

        def add(name, rows):
            names = {column["name"] for column in tables.get_columns(name)}
            for row in rows:
                assert set(row) <= names
                columns = ", ".join(f'"{one}"' for one in row)
                values = ", ".join(f":{one}" for one in row)
                connection.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({values})"), row)

        add("parties", [one | {"created_at": NOW - 50 + number} for number, one in enumerate(PARTIES)])
        add("identities", [{"issuer": "i", "subject": "1", "party": "maria", "created_at": 1}])
        add("mandates", [PLAIN | one for one in MANDATES])
        session = {
            "id": "s1",
            "sid": "sid",
            "party": "bram",
            "level": 3,
            "upstream": "u",
            "upstream_sub": "1",
        }
        times = {"started_at": 1, "last_seen_at": 1, "expires_at": 9, "claims_at": 1, "staff": "[]"}
        add("sessions", [session | times])
        grant = {"id": "g", "client": "c", "session": "s1", "actor": "bram", "principal": "maria", "level": 3}
        rest = {"scopes": "[]", "audience": "a", "created_at": 1, "mandate": "runs", "executor": "claimed"}
        add("grants", [grant | rest | {"ended_reason": ""}])
        add("refresh_tokens", [{"hash": "h", "grant": "g", "issued_at": 1, "expires_at": 9}])
        listed = {"id": "l", "audience": "a", "number": 1, "size": 64, "version": 3, "created_at": 1}
        add("status_lists", [listed | {"decoys": "[5]"}])
        entry = {"list": "l", "grant": "g", "audience": "a", "last_exp": 9}
        add("status_entries", [entry | {"index": 6}, entry | {"index": 7, "revoked_at": 8}])
        empty = (
            "redirect_uris",
            "post_logout_redirect_uris",
            "scopes",
            "audiences",
            "serves",
            "mandate_types",
        )
        client = {"name": "C", "auth": "private_key_jwt", "sector": "c", "vetted": True}
        client |= dict.fromkeys(empty, "[]")
        add(
            "clients", [client | {"id": f"c-{profile}", "profile": profile} for profile in ("fapi", "public")]
        )
        connection.execute(text("UPDATE counters SET value = 41 WHERE name = 'revision'"))


@pytest.fixture(params=["0001", "0002"])
def upgraded(request, empty_url):
    database = SqlDatabase(empty_url)
    at_step(database, request.param)
    fill(database)
    database.upgrade()
    yield database
    database.close()


def test_the_result_is_what_the_program_speaks_of_whatever_the_start(upgraded):
    assert upgraded.schema_is_current()
    with upgraded._engines.read.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_parties_keep_what_they_were_and_say_since_when_and_by_whom_they_are_recognised(upgraded):
    with upgraded.read() as unit:
        ocmw, maria, bram, firm = (unit.parties.get(key) for key in ("ocmw", "maria", "bram", "firm"))
        assert (ocmw.kind, ocmw.kbo, ocmw.name) == (PartyKind.ORGANISATION, "0999000129", "OCMW")
        assert set(ocmw.recognitions) == {
            Recognition("ocmw", 0, None, "migrated"),
            Recognition("issuer", 0, None, "migrated"),
        }
        assert ocmw.kinds_at(NOW) == {"ocmw", "issuer"}
        assert maria.recognitions == bram.recognitions == firm.recognitions == ()
        assert (bram.deceased_at, firm.ceased_at) == (NOW + 9, NOW + 9)
        assert unit.parties.insz_sealed("maria") == "s"
        assert unit.parties.identities("maria") == [("i", "1")]


def test_mandates_keep_what_they_were(upgraded):
    with upgraded.read() as unit:
        found = unit.mandates.get_many(one["id"] for one in MANDATES)
        assert len(found) == len(MANDATES)
        runs = found["runs"]
        assert runs.evidence == Evidence("intake", None, "Zoë")
        assert runs.approvals == (Approval("second_officer", "bram", 5),)
        assert (runs.whole, runs.several, runs.replaces, runs.ended_powers) == (True, False, None, ())
        assert (runs.powers, runs.source, runs.activated_at) == (("vouchers:read",), Source.STORED, NOW)
        assert found["suspended"].suspensions == (Suspension(NOW + 7, None, "principal"),)
        assert (found["suspended"].evidence, found["suspended"].approvals) == (Evidence(), ())
        assert found["by-manager"].suspensions == (Suspension(NOW + 3, None, "manager"),)
        assert (found["revoked"].ending, found["revoked"].grounds) == (Ending.REVOKED, "weg")
        assert found["unsaid"].ending is Ending.CASCADED
        assert (found["waits"].lapses_at, found["waits"].activated_at) == (NOW + 99, None)
        assert (found["claimed"].session, found["passed-on"].parent) == ("s1", "runs")
        assert unit.grants.find("g").mandate == "runs"
        assert unit.mandates.revision() == 41


def test_history_begins_with_the_last_thing_that_is_known(upgraded):
    with upgraded.read() as unit:
        for key, since in {"runs": NOW, "suspended": NOW + 7, "revoked": NOW + 8, "waits": NOW - 5}.items():
            assert unit.mandates.versions(key) == [MandateVersion(unit.mandates.find(key), since, None)]
        assert set(unit.mandates.known_at("maria", NOW).parties) == {"maria", "ocmw", "bram", "firm"}


def test_old_mandates_are_looked_up_and_listed_like_new_ones(upgraded):
    with upgraded.read() as unit:
        keys = {one.id for one in unit.mandates.between("maria", "bram", "s1")}
        assert keys == {one["id"] for one in MANDATES}
        page = unit.mandates.reach("nobody", ["ocmw"], [], None, Wanted(name="hondt"), NOW, None, 9)
        assert [(place[0], one.id) for place, one in page] == [
            ("zoe d hondt", "beside"),
            ("zoe d hondt", "runs"),
            ("zoe d hondt", "suspended"),
        ]


def test_old_mandates_are_changed_like_new_ones_also_those_that_ran_beside_each_other(upgraded):
    with upgraded.write() as unit:
        for key in ("beside", "runs"):
            one = unit.mandates.find(key)
            over = dataclasses.replace(one, version=2, ended_at=NOW + 5, ending=Ending.REVOKED)
            unit.mandates.save(over, NOW + 20)
            assert [v.mandate.version for v in unit.mandates.versions(key)] == [1, 2]
        unit.parties.save(dataclasses.replace(unit.parties.get("maria"), name="Mia"), NOW + 20)
        unit.commit()


def test_an_old_status_index_speaks_of_its_grants_client_and_chain(upgraded):
    of_grant = Basis("g", "c", "a", "runs", "claimed")
    with upgraded.write() as unit:
        assert unit.status.entry("l", 6) == StatusEntry("l", 6, "g", "a", 9, None, "c", "runs", "claimed", 0)
        assert unit.status.entry("l", 7) == StatusEntry("l", 7, "g", "a", 9, 8, "c", "runs", "claimed", 0)
        assert unit.status.allocate(of_grant, 10, 1).index == 6
        assert unit.status.revoked_indices("l") == [5, 7]
        assert unit.status.revoke_on_mandates(["claimed"], 10) == 1
        assert unit.status.revoked_indices("l") == [5, 6, 7]


def test_old_registrations_sign_ins_and_tokens_say_what_was_true_of_them(upgraded):
    with upgraded.read() as unit:
        fapi, public = unit.registry.clients()
        assert (fapi.dpop, public.dpop) == (True, False)
        for client in (fapi, public):
            assert (client.exchange, client.jwks_uri, client.id_token_alg) == (False, None, "ES256")
        assert unit.sessions.find("s1").auth_time is None
        assert unit.grants.find_refresh_token("h") == RefreshToken("h", "g", 1, 9)


def test_a_step_that_fails_leaves_the_database_as_it_was(empty_url):
    database = SqlDatabase(empty_url)
    at_step(database, "0002")
    fill(database)
    with database._engines.write.begin() as connection:
        impossible = PLAIN | {"id": "x", "valid_until": NOW}
        names = ", ".join(impossible)
        values = ", ".join(f":{one}" for one in impossible)
        connection.execute(text(f"INSERT INTO mandates ({names}) VALUES ({values})"), impossible)
    with pytest.raises(Exception):  # noqa: B017 - the databases say it differently
        database.upgrade()
    with database._engines.read.begin() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0002"
        assert "org_kinds" in {one["name"] for one in inspect(connection).get_columns("parties")}
    database.close()
