"""What the engine is handed: the catalogue, the parties, the mandates, and how fresh they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mandates.catalogue import Catalogue
from mandates.model import Caseload, Instant, Mandate, Party


@dataclass(frozen=True)
class World:
    """A consistent view. It must hold the actor and every party of its mandates.

    A party that is missing is unknown, and an unknown party neither gives nor
    holds power. It need not hold every mandate there is: those that can make a
    chain to the actor suffice, with every mandate that they were passed on from.
    """

    catalogue: Catalogue
    parties: Mapping[str, Party]
    mandates: tuple[Mandate, ...]
    revision: int
    """Of the store that it was read from; grows with every change."""
    caseloads: tuple[Caseload, ...] = ()
    """Of the executors that are not for all principals."""

    def get(self, mandate: str) -> Mandate | None:
        """The mandate of this id, if it is in view."""
        return self._by_id.get(mandate)

    def held_by(self, party: str) -> tuple[Mandate, ...]:
        """Mandates of which this party is the representative, in whatever state."""
        return self._by_representative.get(party, ())

    def given_by(self, party: str) -> tuple[Mandate, ...]:
        """Mandates of which this party is the principal, in whatever state."""
        return self._by_principal.get(party, ())

    def in_caseload(self, executor: str, principal: str, now: Instant) -> bool:
        """Whether this principal is in the caseload of this executor at this instant."""
        return any(
            one.added_at <= now and (one.removed_at is None or now < one.removed_at)
            for one in self._caseloads.get((executor, principal), ())
        )

    # A batch asks a thousand questions of one world: each index is made once.

    @cached_property
    def _by_id(self) -> dict[str, Mandate]:
        return {mandate.id: mandate for mandate in self.mandates}

    @cached_property
    def _by_representative(self) -> dict[str, tuple[Mandate, ...]]:
        return _grouped((mandate.representative, mandate) for mandate in self.mandates)

    @cached_property
    def _by_principal(self) -> dict[str, tuple[Mandate, ...]]:
        return _grouped((mandate.principal, mandate) for mandate in self.mandates)

    @cached_property
    def _caseloads(self) -> dict[tuple[str, str], list[Caseload]]:
        found: dict[tuple[str, str], list[Caseload]] = {}
        for one in self.caseloads:
            found.setdefault((one.executor, one.principal), []).append(one)
        return found


def _grouped(pairs: Iterable[tuple[str, Mandate]]) -> dict[str, tuple[Mandate, ...]]:
    groups: dict[str, list[Mandate]] = {}
    for key, mandate in pairs:
        groups.setdefault(key, []).append(mandate)
    return {key: tuple(group) for key, group in groups.items()}
