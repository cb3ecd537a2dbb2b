"""Whether two parties can stand in a mandate of a type: one answer, for asking and for using.

It is judged again at each decision, so that a death, a ceased organisation or a
lost recognition takes effect at once, also before anyone ends the mandates.
"""

from __future__ import annotations

from mandates.mandate_type import MandateType
from mandates.model import Instant, Party, PartyKind
from mandates.reasons import Reason


def why_not_eligible(
    mandate_type: MandateType, principal: Party, representative: Party, now: Instant
) -> tuple[Reason, ...]:
    """What keeps these two from it; empty if nothing does."""
    return (
        *_obstacles_of_both(mandate_type, principal, representative, now),
        *_obstacles_of_side(principal, mandate_type.principal_kind, mandate_type.principal_org_kinds, now),
        *_obstacles_of_side(
            representative, mandate_type.representative_kind, mandate_type.representative_org_kinds, now
        ),
    )


def why_cannot_act(party: Party | None, now: Instant) -> Reason | None:
    """What keeps this party from acting at all; None if nothing does. Only living people act."""
    if party is None:
        return Reason("party_unknown")
    if party.kind is not PartyKind.PERSON:
        return Reason("party_kind", needs=PartyKind.PERSON.value)
    return Reason("actor_deceased", since=party.deceased_at) if _is_deceased(party, now) else None


def is_minor(party: Party, now: Instant) -> bool:
    """Whether she is known to be younger than eighteen."""
    return party.adult_at is not None and now < party.adult_at


def _is_deceased(party: Party, now: Instant) -> bool:
    return party.deceased_at is not None and party.deceased_at <= now


# Lists and not generators: a decision asks this for each link of each chain.


def _obstacles_of_both(
    mandate_type: MandateType, principal: Party, representative: Party, now: Instant
) -> list[Reason]:
    found = []
    if principal.id == representative.id:
        found.append(Reason("same_party"))
    if _is_deceased(principal, now):
        found.append(Reason("principal_deceased", since=principal.deceased_at))
    if _is_deceased(representative, now):
        found.append(Reason("representative_deceased", since=representative.deceased_at))
    if mandate_type.until_adult and not is_minor(principal, now):
        found.append(Reason("principal_adult", since=principal.adult_at))
    return found


def _obstacles_of_side(
    party: Party, kind: PartyKind, org_kinds: frozenset[str], now: Instant
) -> list[Reason]:
    found = []
    if party.kind is not kind:
        found.append(Reason("party_kind", needs=kind.value))
    if org_kinds and not org_kinds & party.kinds_at(now):
        found.append(Reason("organisation_kind", needs=" ".join(sorted(org_kinds))))
    if party.ceased_at is not None and party.ceased_at <= now:
        found.append(Reason("organisation_ceased", since=party.ceased_at))
    return found
