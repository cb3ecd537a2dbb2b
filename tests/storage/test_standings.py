"""From a place in a status list to everything that its token stands on, in one statement."""

import dataclasses

import pytest
from sqlalchemy import event

from broker.records import Basis, NewParty, Question, Standing
from mandates.model import Level, Source
from storage.records import NOW, grant, mandate, person, populate, session

API = "https://vouchers.example.be/api"


@pytest.fixture
def village(database):
    """Maria gave to the OCMW, who passed on to the company; Bram may act for both, and for part of the first."""
    populate(database)
    given = mandate("m1", "maria", "ocmw")
    with database.write() as unit:
        unit.parties.add(NewParty(person("noise")), NOW)
        unit.mandates.add(given, NOW)
        unit.mandates.add(mandate("m2", "maria", "company", parent="m1"), NOW)
        unit.mandates.add(mandate("x1", "ocmw", "bram", type="ocmw-executor", whole=False), NOW)
        unit.mandates.add(mandate("x2", "company", "bram", type="company-employee"), NOW)
        unit.mandates.add(mandate("noise", "jozef", "noise"), NOW)
        unit.mandates.add_to_caseload("x1", ["maria", "jozef"], NOW)
        unit.sessions.add(session("s2", organisation="ocmw", auth_time=NOW - 7, ended_at=NOW + 1))
        unit.grants.add(
            grant("g1", "s2", mandate="m1", executor="x1", ended_at=NOW + 1, ended_reason="logout")
        )
        unit.grants.add(grant("g0", principal="bram", scopes=("mandate:use",), level=Level.HIGH))
        unit.commit()
    return database


def placed(database, basis):
    with database.write() as unit:
        entry = unit.status.allocate(basis, NOW + 300, NOW)
        unit.commit()
    return entry


def test_it_holds_entry_grant_session_and_what_a_look_would_tell(village):
    entry = placed(village, Basis("g0", "voucher-web", API, "m1", "x1", 3))
    found = village.standing(entry.list, entry.index, "m1")
    with village.read() as unit:
        assert found == Standing(entry, unit.grants.find("g0"), unit.sessions.find("s1"), found.snapshot)
    look = village.look([Question("maria", "bram", "s1")])
    assert {one.id for one in look.mandates} == {"m1", "m2", "x1", "x2"}
    assert {one.id: one for one in found.snapshot.mandates} == {one.id: one for one in look.mandates}
    assert found.snapshot.parties == look.parties
    assert found.snapshot.caseloads == look.caseloads
    assert found.snapshot.revision == look.revision > 0
    # Any mandate of that principal's leads to the same chains.
    assert village.standing(entry.list, entry.index, "m2").snapshot == found.snapshot


def test_every_field_comes_back_also_of_what_has_ended(village):
    with village.write() as unit:
        unit.grants.add(grant("g2", "s2", mandate="m1", executor="x1"))
        entry = unit.status.allocate(Basis("g2", "voucher-web", API, "m1", "x1"), NOW + 300, NOW)
        unit.status.revoke(["g2"], NOW + 5)
        unit.grants.end(["g2"], "logout", NOW + 6)
        unit.commit()
    found = village.standing(entry.list, entry.index, None)
    assert found.entry == dataclasses.replace(entry, revoked_at=NOW + 5)
    ended = {"ended_at": NOW + 6, "ended_reason": "logout"}
    assert found.grant == grant("g2", "s2", mandate="m1", executor="x1", **ended)
    assert found.session == session("s2", organisation="ocmw", auth_time=NOW - 7, ended_at=NOW + 1)


@pytest.mark.parametrize("named", [None, "unknown"])
def test_without_a_mandate_that_is_stored_it_holds_the_actor_alone(village, named):
    entry = placed(village, Basis("g0", "voucher-web", API))
    found = village.standing(entry.list, entry.index, named)
    assert found.grant.id == "g0"
    assert found.snapshot.mandates == found.snapshot.caseloads == ()
    assert found.snapshot.parties == {"bram": person("bram")}
    assert found.snapshot.revision > 0


def test_claims_of_another_session_are_left_out(village):
    claims = {"source": Source.CLAIMS, "type": "company-manager"}
    with village.write() as unit:
        unit.mandates.add(mandate("c1", "ocmw", "bram", session="s1", **claims), NOW)
        unit.mandates.add(mandate("c2", "ocmw", "bram", session="s2", **claims), NOW)
        unit.commit()
    entry = placed(village, Basis("g0", "voucher-web", API))
    found = village.standing(entry.list, entry.index, "m1")
    assert {one.id for one in found.snapshot.mandates} == {"m1", "m2", "x1", "x2", "c1"}


def test_a_place_that_is_nobodys_has_no_standing(village):
    entry = placed(village, Basis("g0", "voucher-web", API))
    assert village.standing(entry.list, (entry.index + 1) % 64, "m1") is None
    assert village.standing("no-list", entry.index, None) is None


def test_it_is_one_statement_outside_any_transaction(village):
    entry = placed(village, Basis("g0", "voucher-web", API))
    sent = []
    for engine in (village._engines.read, village._engines.write):
        event.listen(engine, "before_cursor_execute", lambda *values: sent.append(values[2]))
    assert village.standing(entry.list, entry.index, "m1")
    assert sent == []
