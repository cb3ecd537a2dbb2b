"""Access tokens that a service received and brings to be exchanged (RFC 8693 sections 1.1 and 2.1).

They are verified by the guard that every service uses; only the status is not asked of a
list but of the database, in the one statement that also reads what the new token will be
judged on. Nobody gets the token without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from broker.errors import ExchangeRefusedError
from broker.flows import issuing, status_lists
from broker.flows.registry import API
from broker.flows.sessions import is_live
from broker.ports import Services
from broker.records import Client, Standing
from keys.errors import PseudonymError
from mandates.model import Instant
from volmacht_guard import GuardError, VerifiedToken
from volmacht_guard.dpop import Proof, verify_proof
from volmacht_guard.jws import json_object
from volmacht_guard.urls import lies_within

SUBJECT, ACTOR = "subject_token", "actor_token"
USE = "mandate:use"
"""Scope of an actor token: the client may act under her mandates."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
"""Of the request that brought an actor token to its API: that API judged which."""
_CARRIED = frozenset(
    {
        "iss", "aud", "client_id", "sub", "iat", "exp", "jti", "acr", "auth_time", "scope", "status", "cnf",
        "act", "authorization_details",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """A token that was verified, and what it stands on as it was a moment ago."""

    kind: str
    """`subject_token` or `actor_token`."""
    token: VerifiedToken
    mandate: str | None
    """Whose chain is looked at; None for none."""
    standing: Standing


class _AskedNext:
    """The guard's source of status where `_looked_up` asks for it at once, with all that is needed."""

    def check(self, uri: str, index: int, now: int) -> None:
        """Say nothing: a token is not out of `_verified` before its standing was looked at."""


_ASKED_NEXT = _AskedNext()


def actor_token(
    services: Services, client: Client, unverified_token: str, mandate: str, now: Instant
) -> Received:
    """A live self token by which this client may use a person's mandates (tokens.md section 4).

    It came to an API that the client is, or is the client's own for the broker's API. Raise
    `ExchangeRefusedError`.
    """
    api = services.settings.issuer + API

    def asked(token: VerifiedToken) -> str:
        if USE not in token.scopes:
            raise ExchangeRefusedError(f"The actor_token lacks the scope {USE}.")
        if token.audience not in client.serves and token.client_id != client.id:
            raise ExchangeRefusedError("The actor_token is another client's.")
        return mandate

    return _verified(services, ACTOR, unverified_token, {"self"}, {*client.serves, api}, asked, now)


def subject_token(services: Services, client: Client, unverified_token: str, now: Instant) -> Received:
    """A live token about a person, for an audience that this client is. Raise `ExchangeRefusedError`.

    That the sender holds the key in its `cnf` was for the client to verify, where it came in.
    """

    def asked(token: VerifiedToken) -> str | None:
        if token.mandate is None:
            return None
        sector = issuing.find_audience(services, services.registrations(), token.audience).sector
        try:
            return services.vault.resolve(token.mandate.identifier, "m-", sector)
        except PseudonymError:
            raise ExchangeRefusedError("The subject_token names no mandate of its audience.") from None

    return _verified(services, SUBJECT, unverified_token, {"self", "delegated"}, client.serves, asked, now)


def again(services: Services, one: Received, now: Instant) -> Standing:
    """What it stands on now. Raise `ExchangeRefusedError` if it was revoked meanwhile."""
    return _looked_up(services, one.kind, one.token, one.mandate, now)


def check_possession(
    services: Services,
    actor: Received,
    unverified_token: str,
    proof_jkt: str | None,
    unverified_proof: str | None,
    now: Instant,
) -> None:
    """Raise `ExchangeRefusedError` unless whoever sent a bound actor token was shown to hold its key.

    Either the caller holds it itself, as its own proof says, or it hands on the proof that came
    to its API with the token: for an address of that API, made a moment ago, taken once.
    """
    if unverified_proof is None:
        if actor.token.jkt not in {None, proof_jkt}:
            raise ExchangeRefusedError(
                "The actor_token is bound to a key: send its proof as actor_token_dpop."
            )
        return
    try:
        proof = verify_proof(
            Proof(unverified_proof, "", None), now, access_token=unverified_token, methods=METHODS
        )
    except GuardError as error:
        raise ExchangeRefusedError(f"The actor_token_dpop is refused: {error}.") from None
    if proof.jkt != actor.token.jkt or not lies_within(proof.url, actor.token.audience):
        raise ExchangeRefusedError("The actor_token_dpop is not for this actor_token at its API.")
    mark = hashlib.sha256(proof.mark.encode()).hexdigest()
    free, epoch = services.ephemeral.claim_all([("actor_proof", mark, proof.lives(now))])
    if not free or proof.iat < epoch:
        raise ExchangeRefusedError("The actor_token_dpop was used before.")


def _verified(
    services: Services,
    kind: str,
    unverified_token: str,
    serves: Collection[str],
    audiences: Collection[str],
    asked: Callable[[VerifiedToken], str | None],
    now: Instant,
) -> Received:
    guard = services.guard(services.settings.issuer, _ASKED_NEXT)
    try:
        token = guard.authenticate(unverified_token, serves=serves, audiences=audiences, bound=True)
    except GuardError as error:
        raise ExchangeRefusedError(f"The {kind} is refused: {error}.") from None
    if token.expires_at <= now:
        raise ExchangeRefusedError(f"The {kind} is refused: the token has expired.")  # no leeway at home
    _check_whole(kind, unverified_token)
    mandate = asked(token)
    return Received(kind, token, mandate, _looked_up(services, kind, token, mandate, now))


def _check_whole(kind: str, verified_token: str) -> None:
    """Raise `ExchangeRefusedError` for a token with a claim that would not stand in what is made from it.

    Nothing is stripped, `may_act` and nested actors least of all: whoever signed such a
    claim meant it to limit something (RFC 8693 section 4.4).
    """
    claims = json_object(verified_token.split(".")[1])
    if not claims.keys() <= _CARRIED or not claims.get("act", {}).keys() <= {"iss", "sub"}:
        raise ExchangeRefusedError(f"The {kind} is refused: it says more than its successor could.")


def _looked_up(
    services: Services, kind: str, token: VerifiedToken, mandate: str | None, now: Instant
) -> Standing:
    """Step 6 of the guard, by the database: the bit, the grant and the session behind the token."""
    if token.status is None:
        raise ExchangeRefusedError(f"The {kind} is refused: it has no status.")
    status_list = status_lists.list_at(services.settings.issuer, token.status.uri)
    found = services.database.standing(status_list, token.status.index, mandate)
    if found is None or found.entry.revoked_at is not None or found.grant.ended_at is not None:
        raise ExchangeRefusedError(f"The {kind} is refused: the token was revoked.")
    if not is_live(found.session, services.settings, now):
        raise ExchangeRefusedError(f"The {kind} is refused: the session behind it is over.", "session_ended")
    return found
