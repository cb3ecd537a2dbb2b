"""Catalogues for random worlds: the shapes that mandates come in, with depth, level and powers varied."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

from mandates.catalogue import Catalogue
from mandates.mandate_type import MandateType, PowerType
from mandates.model import Level, PartyKind

POWERS = ("vouchers:read", "vouchers:order", "vouchers:assign")
CATALOGUES = 60
"""How many there are; each is made once."""


@cache
def some_catalogue(number: int) -> Catalogue:
    """One of the catalogues; number 0 is the plainest, the others vary depth, level and powers."""
    chance = Random(number)
    types = [
        _type("beneficiary", "person", "organisation", depth=2, representative_org_kinds={"ocmw"}),
        _type("partner", "organisation", "organisation", depth=3),
        _type("helper", "person", "person", depth=3),
        _type("clerk", "organisation", "person", depth=1, principal_org_kinds={"company"}),
        _type("parent", "person", "person", until_adult=True),
        _type("staff", "organisation", "person", executor=True),
        _type("desk", "organisation", "person", executor=True, principal_org_kinds={"ocmw"}),
    ]
    varied = [one if number == 0 else _varied(chance, one) for one in types]
    return Catalogue(version=f"{number:012x}", types={one.key: one for one in varied})


def _type(key: str, principal: str, representative: str, **facts: object) -> MandateType:
    values = {
        "key": key,
        "label": {"nl": key, "fr": key, "en": key},
        "principal_kind": PartyKind(principal),
        "representative_kind": PartyKind(representative),
        "powers": {name: PowerType(name, {"nl": name, "fr": name, "en": name}) for name in POWERS},
        "level_to_give": Level.LOW,
        "level_to_use": Level.LOW,
        "default_days": 30,
        "longest_days": 90,
        "request_by": ("principal", "manager"),
        "pass_on_by": ("representative",) if facts.get("depth") else (),
        "executors": ("staff", "desk") if representative == "organisation" else (),
    }
    return MandateType(**(values | facts))


def _varied(chance: Random, plain: MandateType) -> MandateType:
    depth = 0 if plain.executor else chance.choice((1, 2, 3, 0))
    kept = chance.choice((POWERS, POWERS, POWERS[1:], POWERS[:1], POWERS[::2]))
    return replace(
        plain,
        depth=depth,
        pass_on_by=("representative",) if depth else (),
        powers={name: plain.powers[name] for name in kept},
        level_to_use=chance.choice((Level.LOW, Level.LOW, Level.SUBSTANTIAL, Level.HIGH)),
        executors=chance.choice((*(plain.executors,) * 4, plain.executors[:1], ())),
        several=chance.random() < 0.5,
    )
