"""What the journal commits to: leaves that bind every word of a row without holding one of them.

A leaf is kept for ever and handed to others; a person may be forgotten. So a leaf
holds, for each party of the row and for its contents, a salted hash (mandates.md
section 8). Each party has a secret salt; from it every row gets a salt of its own
per role, the *opening*. Who is shown an opening can check that one row, and cannot
look for the same party elsewhere in the tree. When the party's salt is destroyed,
nobody can make or guess an opening again, and every leaf stays what it was.

Rows written before there were commitments are leaves of version 1: the hash of the
row itself, which cannot be recomputed once its contents were erased.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from mandates.ledger import canonical, leaf_hash
from mandates.model import Instant

ROLES = ("actor", "principal", "representative")
"""The parties of a row, in the order in which their openings seal its contents."""
CONTENT = "content"

Parties = Mapping[str, str | None]
"""Role -> party id."""
Openings = Mapping[str, str | None]
"""Role -> opening (hex); None where nobody stands in that role, or nobody any more."""


def openings(
    parties: Parties, salts: Mapping[str, str], at: Instant, type_: str, mandate: str | None
) -> dict[str, str | None]:
    """The openings of a row, one a role, made from the secret salts (hex) of its parties.

    A party that has no salt is none that is stored: what names it needs no hiding.
    """
    return {
        role: _opening(salts.get(party, ""), role, at, type_, mandate) if party else None
        for role, party in ((role, parties.get(role)) for role in ROLES)
    }


def commitments(parties: Parties, body: Mapping[str, Any], opened: Openings) -> dict[str, str | None]:
    """The commitments (hex) of a row: one to each party, one to its contents."""
    made: dict[str, str | None] = {}
    for role in ROLES:
        salt, party = opened.get(role), parties.get(role)
        made[role] = None if party is None or salt is None else _commit(bytes.fromhex(salt), role, party)
    made[CONTENT] = _commit(_content_salt(opened), CONTENT, dict(body))
    return made


def leaf_of_commitments(
    *,
    seq: int,
    at: Instant,
    recorded_at: Instant,
    type_: str,
    mandate: str | None,
    committed: Mapping[str, str | None],
) -> bytes:
    """The leaf hash of a row, version 2."""
    said = {
        "v": 2,
        "seq": seq,
        "at": at,
        "recorded_at": recorded_at,
        "type": type_,
        "mandate": mandate,
        "commitments": dict(committed),
    }
    return leaf_hash(canonical(said))


def leaf_of_contents(
    *, seq: int, at: Instant, type_: str, actor: str | None, body: Mapping[str, Any]
) -> bytes:
    """The leaf hash of a row of before, version 1: over everything that it says."""
    return leaf_hash(canonical({"seq": seq, "at": at, "type": type_, "actor": actor, "body": dict(body)}))


def _opening(salt: str, role: str, at: Instant, type_: str, mandate: str | None) -> str:
    """Keyed with the secret salt, so that one opening tells nothing of another."""
    return hmac.digest(bytes.fromhex(salt), canonical([role, at, type_, mandate]), "sha256").hex()


def _content_salt(opened: Openings) -> bytes:
    """Of all the parties together: when one of them is forgotten, the contents are too."""
    return hashlib.sha256("".join(opened.get(role) or "-" for role in ROLES).encode()).digest()


def _commit(salt: bytes, role: str, value: Any) -> str:
    """The salt has one length, 32 bytes: no other pair of salt and value makes the same text."""
    return hashlib.sha256(salt + canonical({role: value})).hexdigest()
