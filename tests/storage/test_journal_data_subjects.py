"""What is kept of a person, on both databases: shown whole, erased whole, let go in its time."""

import dataclasses

import pytest
from sqlalchemy import text

from broker.port_errors import ConflictError
from broker.records import Basis, Contact, NewParty, RefreshToken, Review, StaffRole, Use
from mandates.events import Event
from mandates.model import Evidence, Suspension
from storage.records import NOW, grant, mandate, organisation, person, session

DAY = 86_400
TERM = NOW - 100
"""Everything of the fixture ended at TERM, a moment before or just after."""


def ended_mandate(key):
    return mandate(
        f"m-{key}",
        key,
        "ocmw",
        valid_from=TERM - 50,
        valid_until=TERM,
        requested_at=TERM - 60,
        activated_at=TERM - 55,
        suspensions=(Suspension(TERM - 40, "bram", "officer", f"omdat {key}", TERM - 30),),
        evidence=Evidence("gesprek", "ab" * 32, f"{key} typed"),
        grounds=f"eerst {key}",
    )


@pytest.fixture
def kept(database):
    """Maria gave the OCMW a mandate and signed in once; all of it is over. Jozef did the same."""
    with database.write() as unit:
        for key in ("maria", "jozef", "bram"):
            unit.parties.add(NewParty(person(key), f"index-{key}", f"sealed-{key}"), NOW)
            unit.parties.add_identity("https://acm.example.be", f"acm-{key}", key, NOW)
        unit.parties.add(NewParty(organisation("ocmw")), NOW)
        for key in ("maria", "jozef"):
            unit.parties.save(dataclasses.replace(person(key), name=f"{key.title()} Nieuw"), NOW)
            unit.mandates.add(first := ended_mandate(key), TERM - 60)
            unit.mandates.save(dataclasses.replace(first, version=2, grounds="verhuisd"), TERM)
            unit.contacts.put(Contact(key, f"address-{key}", "gemeente", NOW))
            unit.staff.give(StaffRole(key, "reviewer", NOW, "els"))
            unit.reviews.add_many(
                [Review(f"r-{key}", f"m-{key}", "misuse", NOW, text=f"melding {key}", grounds=f"want {key}")]
            )
            unit.uses.add_many(
                [Use("web", key, "vouchers:order", f"m-{key}", key, "bram", "ocmw", "permit", TERM)], NOW
            )
            unit.sessions.add(session(f"s-{key}", key, started_at=1, last_seen_at=1, expires_at=TERM))
            unit.grants.add(
                grant(f"g-{key}", f"s-{key}", actor=key, principal=key, mandate=f"m-{key}", created_at=1)
            )
            unit.grants.add_refresh_token(RefreshToken(f"hash-{key}", f"g-{key}", 1, TERM))
            unit.grants.remember_consent(key, "voucher-web", ["vouchers:read"], TERM)
            unit.status.allocate(Basis(f"g-{key}", "voucher-web", "https://a.example"), TERM, 1)
        events = [
            Event(
                "mandate.revoked", NOW, "bram", mandate="m-maria", principal="maria", representative="ocmw"
            ),
            Event(
                "mandate.revoked", NOW, "maria", mandate="m-maria", principal="maria", grounds="mijn reden"
            ),
            Event(
                "mandate.revoked", NOW, "jozef", mandate="m-jozef", principal="jozef", grounds="zijn reden"
            ),
        ]
        unit.journal.append(events, TERM)
        unit.commit()
    return database


def everything(database):
    with database._engines.read.begin() as connection:
        return {
            table: str(connection.execute(text(f"SELECT * FROM {table}")).all())
            for table in (
                "parties",
                "party_history",
                "identities",
                "contacts",
                "staff",
                "reviews",
                "mandates",
                "mandate_history",
                "sessions",
                "consents",
                "refresh_tokens",
                "journal",
            )
        }


def erase(database, party="maria"):
    with database.write() as unit:
        touched = unit.data_subjects.erase(party, "test", NOW)
        unit.commit()
    return touched


def test_all_that_refers_to_a_person_is_shown_and_no_secret_of_ours(kept):
    with kept.read() as unit:
        found = unit.data_subjects.rows_of("maria")
    assert {"parties", "identities", "mandates", "sessions", "grants", "consents"} <= set(found)
    assert [row["name"] for row in found["parties"]] == ["Maria Nieuw"]
    assert [row["name"] for row in found["party_history"]] == ["Maria"]
    assert [row["grounds"] for row in found["mandate_history"]] == ["eerst maria"]
    assert [row["text"] for row in found["reviews"]] == ["melding maria"]
    assert [row["operation"] for row in found["uses"]] == ["vouchers:order"]
    assert found["mandates"][0]["evidence"]["note"] == "gesprek"
    assert found["sessions"][0]["staff"] == ["operator", "reviewer"]
    assert "jozef" not in str(found)
    assert not [name for rows in found.values() for row in rows for name in row if name in {"salt", "hash"}]
    assert "index-maria" not in str(found)
    assert "sealed-maria" not in str(found)
    assert "address-maria" not in str(found), "what is sealed is opened by a flow, or not shown"


def test_what_she_asked_for_others_is_shown_too(kept):
    with kept.read() as unit:
        asked = unit.data_subjects.rows_of("bram")["mandates"]
    assert {row["id"] for row in asked} == {"m-maria", "m-jozef"}
    assert not [row for row in asked if "evidence" in row], "what was written about others is theirs"


def test_nothing_tells_who_an_erased_person_was(kept):
    touched = erase(kept)
    assert touched == {
        "mandates": 1,
        "parties": 1,
        "party_history": 1,
        "identities": 1,
        "contacts": 1,
        "staff": 1,
        "reviews": 1,
        "consents": 1,
        "refresh_tokens": 1,
        "sessions": 1,
        "journal": 2,
    }
    left = everything(kept)
    for word in TELLING:
        assert word.format(*HER) not in str(left), word
        assert word.format(*HIM) in str(left), word
    assert "maria" not in left["journal"].replace("m-maria", "")
    with kept._engines.read.begin() as connection:
        salts = dict(connection.execute(text("SELECT id, salt FROM parties")).all())
    assert [party for party, salt in salts.items() if salt is None] == ["maria"]


HER, HIM = ("maria", "Maria", "mijn"), ("jozef", "Jozef", "zijn")
TELLING = (
    "{1}'",
    "{1} Nieuw",
    "{0} nieuw",
    "index-{0}",
    "sealed-{0}",
    "acm-{0}",
    "address-{0}",
    "hash-{0}",
    "{0} typed",
    "eerst {0}",
    "omdat {0}",
    "melding {0}",
    "want {0}",
    "{2} reden",
)


def test_those_who_stood_beside_her_in_the_journal_stay(kept):
    erase(kept)
    with kept.read() as unit:
        second, first = unit.journal.tail(2, "m-maria")
        (opened,) = unit.journal.openings([first])
    assert (first.actor, first.principal, first.representative) == ("bram", None, "ocmw")
    assert (second.actor, second.principal, second.body) == (None, None, {})
    assert opened["actor"] is not None
    assert opened["principal"] is None


def test_a_person_is_erased_once(kept):
    with kept.read() as unit:
        assert unit.data_subjects.is_erased("maria") is False
    erase(kept)
    with kept.read() as unit:
        assert unit.data_subjects.is_erased("maria") is True
        assert unit.data_subjects.is_erased("jozef") is False
    with pytest.raises(ConflictError):
        erase(kept)


def test_a_number_that_was_erased_may_be_recorded_anew(kept):
    erase(kept)
    with kept.write() as unit:
        unit.parties.add(NewParty(person("maria-again"), "index-maria", "sealed"), NOW)
        unit.parties.add_identity("https://acm.example.be", "acm-maria", "maria-again", NOW)


def test_mandates_and_sessions_of_a_person_are_found(kept):
    with kept.read() as unit:
        assert [one.id for one in unit.data_subjects.mandates_of("maria")] == ["m-maria"]
        assert len(unit.data_subjects.mandates_of("ocmw")) == 2
        assert unit.data_subjects.live_sessions("maria", TERM - 1) == 1
        assert unit.data_subjects.live_sessions("maria", TERM) == 0
        assert unit.data_subjects.live_sessions("bram", 0) == 0


# --- terms ---


def stale(database, kind, before):
    with database.read() as unit:
        return unit.retention.stale(kind, before)


def clear(database, kind, before, limit=1000):
    with database.write() as unit:
        cleared = unit.retention.clear_stale(kind, before, NOW, limit)
        unit.commit()
    return cleared


@pytest.mark.parametrize("kind", ["refresh_tokens", "consents", "uses", "mandates", "journal"])
def test_a_term_begins_where_a_thing_ended_and_not_a_second_before(kept, kind):
    assert stale(kept, kind, TERM) == 0
    assert clear(kept, kind, TERM) == 0
    whole = 3 if kind == "journal" else 2
    assert stale(kept, kind, TERM + 1) == whole
    assert clear(kept, kind, TERM + 1, limit=1) == 1
    assert stale(kept, kind, TERM + 1) == whole - 1
    assert clear(kept, kind, TERM + 1) == whole - 1
    assert stale(kept, kind, TERM + 1) == 0


def test_a_grant_waits_until_nobody_can_ask_for_its_bit(kept):
    free = TERM + DAY
    assert stale(kept, "grants", free) == 0
    assert stale(kept, "grants", free + 1) == 2
    assert clear(kept, "grants", free + 1, limit=1) == 1
    assert clear(kept, "grants", free + 1) == 1
    with kept.read() as unit:
        assert unit.grants.find("g-maria") is None
        assert unit.grants.find_refresh_token("hash-maria") is None


def test_a_grant_of_a_living_session_stays(kept):
    with kept.write() as unit:
        unit.sessions.add(session("s-live", "bram", expires_at=NOW + 10 * DAY))
        unit.grants.add(grant("g-live", "s-live", actor="bram", principal="bram", created_at=1))
        unit.commit()
    clear(kept, "grants", NOW + 5 * DAY)
    clear(kept, "sessions", NOW + 5 * DAY)
    with kept.read() as unit:
        assert unit.grants.find("g-live") is not None
        assert unit.sessions.find("s-live") is not None
        assert unit.sessions.find("s-maria") is None


def test_a_session_waits_for_its_grants(kept):
    assert stale(kept, "sessions", TERM + 1) == 0
    clear(kept, "grants", TERM + DAY + 1)
    assert stale(kept, "sessions", TERM) == 0
    assert clear(kept, "sessions", TERM + 1) == 2


def test_texts_of_ended_mandates_go_and_their_facts_stay(kept):
    clear(kept, "mandates", TERM + 1)
    with kept.read() as unit:
        found = unit.mandates.find("m-maria")
        (first, _) = unit.mandates.versions("m-maria")
    assert (found.evidence, found.grounds) == (Evidence(), "")
    assert (first.mandate.evidence, first.mandate.grounds) == (Evidence(), "")
    for one in (found, first.mandate):
        assert one.suspensions == (Suspension(TERM - 40, "bram", "officer", "", TERM - 30),)
    assert (found.principal, found.valid_until, found.version) == ("maria", TERM, 2)


def test_grounds_of_a_suspension_alone_are_reason_enough(kept):
    quiet = dataclasses.replace(ended_mandate("bram"), evidence=Evidence(), grounds="")
    with kept.write() as unit:
        unit.mandates.add(quiet, TERM)
        unit.mandates.add(
            dataclasses.replace(quiet, id="m-none", representative="jozef", suspensions=()), TERM
        )
        unit.commit()
    before = stale(kept, "mandates", TERM + 1)
    assert before == 3
    assert clear(kept, "mandates", TERM + 1) == 3
    assert stale(kept, "mandates", TERM + 1) == 0


def test_a_mandate_in_force_keeps_its_texts(kept):
    with kept.write() as unit:
        living = mandate("m-live", "bram", "ocmw", valid_until=NOW + DAY, activated_at=NOW - 5)
        unit.mandates.add(living, NOW)
        unit.commit()
    clear(kept, "mandates", NOW)
    with kept.read() as unit:
        assert unit.mandates.find("m-live").evidence == living.evidence


def test_old_journal_rows_lose_parties_and_contents_and_keep_their_commitments(kept):
    with kept.read() as unit:
        before = {row.seq: row.commitments for row in unit.journal.tail(10)}
    clear(kept, "journal", TERM + 1)
    with kept.read() as unit:
        rows = unit.journal.tail(10)
    assert {row.seq: row.commitments for row in rows} == before
    assert {(row.actor, row.principal, row.representative) for row in rows} == {(None, None, None)}
    assert [row.body for row in rows] == [{}, {}, {}]
