"""Which mandates the roles in ACM claims give, before anyone looks a party up."""

from __future__ import annotations

from collections.abc import Iterable

from mandates.catalogue import Catalogue


def claimed_types(catalogue: Catalogue, roles: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs (type key, organisation code) that these roles give, in order, each once.

    A role reads `Right-Context:CODE`. The context must equal one of the type's
    `ex_officio_roles`, whatever the case (ACM changed the case of roles before); a
    role without context or without code gives nothing. The code is as ACM sent it:
    a KBO number or an OVO code, to be checked by the caller.
    """
    found: dict[tuple[str, str], None] = {}
    for role in roles:
        name, _, code = role.rpartition(":")
        right, _, context = name.rpartition("-")
        if not (right and context and code):
            continue
        for mandate_type in catalogue.types.values():
            if context.casefold() in {given.casefold() for given in mandate_type.ex_officio_roles}:
                found[mandate_type.key, code] = None
    return tuple(found)
