"""The outbox: what is to be told stands with what it tells of, or neither does."""

from __future__ import annotations

from broker.records import Basis, Message, NewParty
from storage.records import NOW, grant, organisation, person, populate


def message(party="p", what="mandate.revoked", topic="notice", **facts):
    return Message(NOW, topic, {"type": what}, party, "m", **facts)


def test_people_are_told_and_organisations_are_not(database):
    with database.write() as unit:
        unit.parties.add_many([NewParty(person("p")), NewParty(organisation("o", kbo="0999000129"))], NOW)
        unit.outbox.tell([message("p"), message("o"), message("nobody")])
        unit.commit()
    with database.read() as unit:
        assert [one.party for one in unit.outbox.waiting("notice", 10)] == ["p"]


def test_a_unit_that_is_not_committed_tells_nobody(database):
    with database.write() as unit:
        unit.outbox.post([message()])
    with database.read() as unit:
        assert unit.outbox.waiting("notice", 10) == []


def test_somebody_reads_what_is_hers_newest_first_and_page_by_page(database):
    with database.write() as unit:
        for number in range(5):
            unit.outbox.post([message(what=str(number)), message("other"), message(topic="status-changed")])
        unit.commit()
    with database.read() as unit:
        first = unit.outbox.of_party("p", "notice", None, 3)
        rest = unit.outbox.of_party("p", "notice", first[-1].seq, 3)
        assert [one.body["type"] for one in (*first, *rest)] == ["4", "3", "2", "1", "0"]
        assert [one.body["type"] for one in unit.outbox.waiting("notice", 3)] == ["0", "mandate.revoked", "1"]


def test_a_revocation_posts_the_indices_that_it_set(database):
    populate(database)
    entries = []
    with database.write() as unit:
        for key in ("g0", "g1", "g2"):
            unit.grants.add(grant(key))
            entries.append(
                unit.status.allocate(
                    Basis(key, "voucher-web", "https://vouchers.example.be/api"), NOW + 300, NOW
                )
            )
        unit.status.revoke(["g0", "g2"], NOW + 5)
        unit.commit()
    with database.read() as unit:
        (told,) = unit.outbox.waiting("status-changed", 10)
    assert told.body == {
        "audience": "https://vouchers.example.be/api",
        "list": entries[0].list,
        "idx": sorted([entries[0].index, entries[2].index]),
    }
    assert (told.party, told.at) == (None, NOW + 5)
