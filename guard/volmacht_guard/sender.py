"""Step 2, sender constraint: a token that is bound to a key is of use with it only (RFC 9449 section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from volmacht_guard.claims import read_confirmation
from volmacht_guard.dpop import Proof, ReplayStore, verify_proof
from volmacht_guard.errors import DPOP, InvalidProofError, InvalidTokenError


@dataclass(frozen=True, slots=True)
class Presented:
    """How a token came."""

    scheme: str
    proof: Proof | None
    bound: bool = False
    """Whether the caller sees to the proof."""

    @property
    def is_dpop(self) -> bool:
        """Schemes are case-insensitive (RFC 9110 section 11.1)."""
        return self.scheme.lower() == "dpop"


def verify_sender(
    claims: Mapping[str, Any], unverified_token: str, presented: Presented, now: int, replays: ReplayStore
) -> str | None:
    """Return the thumbprint of the key that the token is bound to, None if to none; raise a `GuardError`.

    To be called once the signature of the token holds: only its holder can then
    leave marks in `replays`.
    """
    jkt = read_confirmation(claims)
    if presented.bound:
        return jkt
    if jkt is None:
        if presented.is_dpop:
            # A proof beside a token that names no key proves nothing (section 7.1).
            raise InvalidTokenError("not_bound", "the token is not bound to a key")
        return None
    if not presented.is_dpop:
        # Presented as Bearer, a bound token is a stolen one (section 7.2).
        refused = InvalidTokenError("sender_constrained", "the token is bound to a key and needs its proof")
        refused.schemes = (DPOP,)
        raise refused
    if presented.proof is None:
        raise InvalidProofError("proof_missing", "the token is bound to a key and needs its proof")
    proof = verify_proof(presented.proof, now, access_token=unverified_token)
    if proof.jkt != jkt:
        raise InvalidProofError("proof_key", "the proof is by another key than the token's")
    if not replays.claim(proof.mark, proof.lives(now), proof.iat):
        raise InvalidProofError("proof_replayed", "the proof was used before")
    return jkt
