"""Builders of the values that tests speak of: a small village, and mandates in it.

Everything has a sensible default, so that a test names only what it is about.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

from mandates.capacity import Actor
from mandates.catalogue import Catalogue, load_catalogue
from mandates.lifecycle import request_mandate
from mandates.model import Ending, Evidence, Level, Mandate, Party, PartyKind, Recognition, Source, Suspension
from mandates.world import World

CATALOGUE_TEXT = (Path(__file__).parents[1] / "config" / "catalogue.toml").read_text(encoding="utf-8")

NOW = 1_795_420_000
"""2026-11-23T07:46:40Z."""
DAY = 86_400


@cache
def catalogue() -> Catalogue:
    return load_catalogue(CATALOGUE_TEXT)


def person(key: str, **facts) -> Party:
    return Party(id=key, kind=PartyKind.PERSON, name=facts.pop("name", key.title()), **facts)


def organisation(key: str, *kinds: str, **facts) -> Party:
    return Party(
        id=key,
        kind=PartyKind.ORGANISATION,
        name=facts.pop("name", key.title()),
        recognitions=tuple(Recognition(kind) for kind in kinds),
        **facts,
    )


VILLAGE = {
    party.id: party
    for party in (
        person("maria"),  # beneficiary
        person("jozef"),  # another beneficiary
        person("bram"),  # officer
        person("fatima"),  # another officer
        person("els"),  # runs the company
        person("tom"),  # its clerk
        person("noor"),  # reviewer
        organisation("ocmw", "ocmw", kbo="0999000129"),
        organisation("ocmw-far", "ocmw", kbo="0999000327"),
        organisation("company", "recognised_company", kbo="0999000228"),
        organisation("bakery", kbo="0999000426"),
    )
}


def actor(party: str, level: Level = Level.SUBSTANTIAL, session: str | None = None, *staff: str) -> Actor:
    return Actor(party=party, level=level, session=session, staff=frozenset(staff))


def mandate(type_key: str, principal: str, representative: str, **facts) -> Mandate:
    """Active since a day before NOW, until ten days after; all powers of the type."""
    values = {
        "id": f"{principal}-{representative}",
        "type": type_key,
        "principal": principal,
        "representative": representative,
        "powers": tuple(catalogue().types[type_key].powers),
        "valid_from": NOW - DAY,
        "valid_until": NOW + 10 * DAY,
        "requested_at": NOW - DAY,
        "requested_by": "nobody",
        "catalogue_version": catalogue().version,
        "activated_at": NOW - DAY,
    }
    suspended_at = facts.pop("suspended_at", None)
    if suspended_at is not None:
        capacity = next(iter(catalogue().types[type_key].suspend_by), "manager")
        values["suspensions"] = (Suspension(suspended_at, "somebody", capacity),)
    return Mandate(**(values | facts))


def claimed(type_key: str, principal: str, representative: str, session: str = "s1", **facts) -> Mandate:
    return mandate(type_key, principal, representative, source=Source.CLAIMS, session=session, **facts)


def ended(ending: Ending, at: int = NOW) -> dict[str, object]:
    return {"ending": ending, "ended_at": at, "ended_by": "somebody"}


def world(
    *mandates: Mandate, parties: dict[str, Party] | None = None, catalogue: Catalogue | None = None
) -> World:
    """The village with these mandates; `parties` replaces or adds."""
    return World(
        catalogue=catalogue or globals()["catalogue"](),
        parties=VILLAGE | (parties or {}),
        mandates=mandates,
        revision=7,
    )


# --- one OCMW, one company, and what is asked there ---

OFFICERS = (claimed("ocmw-executor", "ocmw", "bram"), claimed("ocmw-executor", "ocmw", "fatima", "s2"))
MANAGER = claimed("company-manager", "company", "els")
VILLAGE_NOW = world(*OFFICERS, MANAGER)
BRAM, FATIMA, MARIA = actor("bram", session="s1"), actor("fatima", session="s2"), actor("maria")
ELS, TOM = actor("els", session="s1"), actor("tom")
SIGNED = Evidence(note="signed at the desk", sha256="ab" * 32)


def ask(
    who=BRAM, type_key="ocmw-beneficiary", principal="maria", representative="ocmw", w=VILLAGE_NOW, **facts
):
    values = {
        "id": "m",
        "type_key": type_key,
        "principal": w.parties[principal],
        "representative": w.parties[representative],
        "powers": ("vouchers:order", "vouchers:read"),
        "valid_from": NOW,
        "valid_until": None,
        "actor": who,
        "evidence": SIGNED,
        "world": w,
        "now": NOW,
    }
    return request_mandate(**(values | facts))


def give(representative="tom", who=ELS, **facts):
    facts = {"powers": ("payout:change", "performances:read"), "evidence": Evidence()} | facts
    return ask(who, "company-employee", "company", representative, **facts)


def helper(**facts):
    return mandate("citizen-helper", "maria", "tom", requested_by="maria", **facts)


def awaiting(**facts):
    return dataclasses.replace(ask().mandate, **facts)


def event_types(change):
    return [event.type for event in change.events]


def with_type(key, **facts):
    changed = dict(catalogue().types)
    changed[key] = dataclasses.replace(changed[key], **facts)
    return world(*OFFICERS, MANAGER, catalogue=Catalogue("f" * 12, changed))


# --- the life of mandates: who else has a hand in it, and how the village is seen then ---

NOOR = actor("noor", Level.SUBSTANTIAL, None, "reviewer")


def seen(*mandates: Mandate, parties=None, caseloads=(), types=None) -> World:
    """The village with its officers and manager, these mandates, and types changed as `{key: facts}`."""
    changed = dict(catalogue().types)
    for key, facts in (types or {}).items():
        changed[key] = dataclasses.replace(changed[key], **facts)
    known = Catalogue(catalogue().version, changed)
    w = world(*OFFICERS, MANAGER, *mandates, parties=parties, catalogue=known)
    return dataclasses.replace(w, caseloads=tuple(caseloads))


def given(**facts) -> Mandate:
    """Maria's mandate to the OCMW: in force, asked by Bram, approved by Fatima."""
    return mandate(
        "ocmw-beneficiary",
        "maria",
        "ocmw",
        **({"id": "m", "requested_by": "bram", "evidence": SIGNED} | facts),
    )


def after(w: World, *changes) -> World:
    """The world once these changes were stored."""
    stored = {one.id: one for one in w.mandates}
    for change in changes:
        stored |= {one.id: one for one in (*change.others, change.mandate)}
    return dataclasses.replace(w, mandates=tuple(stored.values()), revision=w.revision + len(changes))


def lasting(*mandates: Mandate, **facts) -> World:
    """The village as `seen`, in which the sessions of the officers last as long as the story."""
    officers = [dataclasses.replace(one, valid_until=NOW + 730 * DAY) for one in OFFICERS]
    w = seen(*mandates, **facts)
    return dataclasses.replace(w, mandates=(*officers, *w.mandates[len(officers) :]))
