"""Records for the tests of the stores: complete, so that a column that is lost is seen."""

from __future__ import annotations

import dataclasses

from broker.records import Grant, NewParty, Session
from mandates.model import Approval, Evidence, Level, Mandate, Party, PartyKind

NOW = 1_795_420_000
LIST_SIZE = 64
"""Bits in a status list of these tests."""

PEOPLE = ("maria", "jozef", "bram", "fatima")
ORGANISATIONS = ("ocmw", "company")


def person(key):
    return Party(key, PartyKind.PERSON, key.title())


def organisation(key, **facts):
    return Party(key, PartyKind.ORGANISATION, key.title(), **facts)


def mandate(key, principal, representative, **facts):
    plain = Mandate(
        id=key,
        type="ocmw-beneficiary",
        principal=principal,
        representative=representative,
        powers=("vouchers:read", "vouchers:order"),
        valid_from=NOW,
        valid_until=NOW + 1000,
        requested_at=NOW - 10,
        requested_by="bram",
        catalogue_version="0123456789ab",
        evidence=Evidence("intake: “gesprek”", "ab" * 32),
        approvals=(Approval("second_officer", "fatima", NOW - 5),),
        lapses_at=NOW + 500,
        activated_at=NOW - 5,
    )
    return dataclasses.replace(plain, **facts)


def session(key, party="bram", **facts):
    plain = Session(
        id=key,
        sid=f"sid-{key}",
        party=party,
        level=Level.HIGH,
        upstream="https://acm.example.be",
        upstream_sub="acm-1",
        started_at=NOW,
        last_seen_at=NOW,
        expires_at=NOW + 28_800,
        claims_at=NOW - 2,
        staff=frozenset({"reviewer", "operator"}),
    )
    return dataclasses.replace(plain, **facts)


def grant(key, in_session="s1", **facts):
    plain = Grant(
        id=key,
        client="voucher-web",
        session=in_session,
        actor="bram",
        principal="maria",
        level=Level.SUBSTANTIAL,
        scopes=("openid", "obo:vouchers:read"),
        audience="https://vouchers.example.be/api",
        created_at=NOW,
    )
    return dataclasses.replace(plain, **facts)


def populate(database):
    """The village, and one session of Bram's."""
    with database.write() as unit:
        for key in PEOPLE:
            unit.parties.add(NewParty(person(key)), NOW)
        for key in ORGANISATIONS:
            unit.parties.add(NewParty(organisation(key)), NOW)
        unit.sessions.add(session("s1"))
        unit.commit()
