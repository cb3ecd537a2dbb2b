"""`id_token_hint`: an ID token of ours that comes back to say whose session should end.

It is a hint and no credential (RP-Initiated Logout 1.0 section 2): it names a session and a
client, and the browser must have that very session.
"""

from __future__ import annotations

from dataclasses import dataclass

from keys.algorithms import is_signed
from keys.errors import HintError
from keys.jws import UnverifiedJws, parse_jws
from keys.keyring import Instant, Keyring

MAX_HINT = 8192
"""Characters."""
PURPOSES = ("tokens", "id_tokens_rs256")
"""Of the keys that sign ID tokens."""


@dataclass(frozen=True, slots=True)
class VerifiedHint:
    """What an ID token of ours said, of whatever age."""

    client: str
    sid: str


def verify_id_token_hint(
    unverified_hint: str, *, issuer: str, keyring: Keyring, now: Instant
) -> VerifiedHint:
    """Return what the hint names; raise `HintError` if we did not sign it as an ID token.

    It may have expired long ago (RP-Initiated Logout 1.0 section 4), but not have outlived its
    key: what we can no longer verify is nobody's word. An access token carries `typ` `at+jwt`
    and is no ID token, though the same key signs both (RFC 8725 section 3.11).
    """
    if len(unverified_hint) > MAX_HINT:
        raise HintError("too_long")
    try:
        jws = parse_jws(unverified_hint)
    except ValueError:
        raise HintError("malformed") from None
    _verify_signature(jws, keyring, now)
    claims = jws.unverified_claims
    if claims.get("iss") != issuer:
        raise HintError("issuer")
    client, sid = claims.get("aud"), claims.get("sid")
    if not isinstance(client, str) or not client:
        raise HintError("audience")
    if not isinstance(sid, str) or not sid:
        raise HintError("session")
    return VerifiedHint(client, sid)


def _verify_signature(jws: UnverifiedJws, keyring: Keyring, now: Instant) -> None:
    header = jws.unverified_header
    kid = header.get("kid")
    if header.get("typ") != "JWT" or "crit" in header or not isinstance(kid, str):
        raise HintError("header")
    key = keyring.verification_key(kid, now, PURPOSES)
    # The key says which algorithm is right; the header may only agree (RFC 8725 section 3.1).
    if key is None or header.get("alg") != key.alg:
        raise HintError("key")
    if not is_signed(key.key, key.alg, jws.signed, jws.signature):
        raise HintError("signature")
