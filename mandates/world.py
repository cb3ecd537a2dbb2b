"""What the engine is handed: the catalogue, the parties, the mandates, and how fresh they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mandates.catalogue import Catalogue
from mandates.model import Mandate, Party


@dataclass(frozen=True, slots=True)
class World:
    """A consistent view. It must hold the actor and every party of its mandates.

    A party that is missing is unknown, and an unknown party neither gives nor
    holds power. It need not hold every mandate there is: those that can make a
    chain to the actor suffice.
    """

    catalogue: Catalogue
    parties: Mapping[str, Party]
    mandates: tuple[Mandate, ...]
    revision: int
    """Of the store that it was read from; grows with every change."""
