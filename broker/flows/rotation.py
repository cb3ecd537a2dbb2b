"""How often a refresh token serves (RFC 6749 section 6; RFC 9700 section 4.14).

Whoever proves a key each time keeps the token: confidential clients, which authenticate
(FAPI 2.0 section 5.3.2.1 number 9), and public ones whose token is bound to a DPoP key.
A token that anybody could use who has it is rotated: each use gives its successor, and
one that is seen again after that was in two hands, so the whole family ends.

Answers get lost between server and phone, and the phone then asks again. The successor
is derived from the token, so for a few seconds, as long as nobody used the successor,
the same question has the same answer. A thief gains nothing by it: he gets what the
owner got, and the first of the two to come later ends the family for both. Nothing is
kept for it but two hashes, so it holds under concurrency and after a restart.

Who proves a key when a token is rotated gets one that is bound to it (RFC 9449 section 5)
and kept from then on. The same question is then one by the same key; by another one, or by
none, it comes from another hand.
"""

from __future__ import annotations

from broker.errors import InvalidGrantError, ProofMissingError
from broker.flows.sessions import fingerprint
from broker.ports import Services, UnitOfWork
from broker.records import Client, RefreshToken
from keys.encoding import encode_base64url
from mandates.model import Instant

GRACE_SECONDS = 10
"""From its first use, how long a rotated token still answers with its successor."""


class ReusedError(Exception):
    """A token that was rotated away was seen again: it is in two hands."""

    code = "refresh_token_reused"


def use(
    services: Services,
    uow: UnitOfWork,
    client: Client,
    token: RefreshToken,
    unverified_token: str,
    jkt: str | None,
    now: Instant,
) -> str | None:
    """Use a token once: the successor to answer with, or None if it stays as it is.

    `jkt` is the key that the request proved. Raise `ProofMissingError` without the proof
    that the token asks for, `InvalidGrantError` for a proof by another key, `ReusedError`.
    """
    if token.jkt is not None:
        if jkt is None:
            raise ProofMissingError
        if jkt != token.jkt:
            raise InvalidGrantError
    if client.auth != "none" or token.jkt is not None:
        if token.used_at is not None:
            raise ReusedError  # rotated away while the client was still a public one
        return None
    successor = successor_of(services, unverified_token)
    if uow.grants.use_refresh_token(token.hash, fingerprint(successor), now):
        # It ends when the first of its family does.
        uow.grants.add_refresh_token(
            RefreshToken(fingerprint(successor), token.grant, now, token.expires_at, jkt=jkt)
        )
        return successor
    if _answer_was_lost(uow, token.hash, fingerprint(successor), jkt, now):
        return successor
    raise ReusedError


def successor_of(services: Services, token: str) -> str:
    """256 bits that follow from the token for whoever has the vault's key, and for nobody else."""
    return encode_base64url(bytes.fromhex(services.vault.index(token, "refresh-successor")))


def _answer_was_lost(
    uow: UnitOfWork, token_hash: str, successor_hash: str, jkt: str | None, now: Instant
) -> bool:
    """Whether the token was used a moment ago, with this key or none, and what it was rotated into never."""
    # Read again: whoever used it first may have committed while we waited for the row.
    used = uow.grants.find_refresh_token(token_hash)
    if used is None or used.used_at is None or used.successor != successor_hash:
        return False
    successor = uow.grants.find_refresh_token(successor_hash)
    if successor is None or successor.jkt != jkt:
        return False
    return now < used.used_at + GRACE_SECONDS and successor.used_at is None
