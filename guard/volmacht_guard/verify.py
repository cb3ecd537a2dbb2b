"""The checks, numbered as in the contract between broker and services, in that order.

Steps 1 to 6 are here. Step 7, a finer question put to the broker, is the
service's to ask; step 8, the audit line, is written by the adapter, which knows
what became of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from volmacht_guard import clock
from volmacht_guard.claims import (
    ACR_ORDER,
    MANDATE,
    VerifiedToken,
    instant,
    reaches,
    read_acr,
    read_actor,
    read_auth_time,
    read_mandate,
    read_scopes,
    read_status,
    text,
)
from volmacht_guard.dpop import MemoryReplayStore, Proof, ReplayStore
from volmacht_guard.errors import (
    BEARER,
    DPOP,
    GuardError,
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    InvalidTokenError,
)
from volmacht_guard.jws import parse_jws, verify_header, verify_signature
from volmacht_guard.keys import KeySource
from volmacht_guard.sender import Presented, verify_sender
from volmacht_guard.status_list import StatusSource

ALGORITHMS = frozenset({"ES256", "EdDSA"})
"""What an access token can be signed with at all; a guard allows some of these."""

KINDS = frozenset({"self", "delegated", "machine"})

_OBO = "obo:"
_FOR_PEOPLE = ("act", "acr", "auth_time", "status", "authorization_details")


class Guard:
    """Verifies the access tokens of one issuer for one audience.

    `audience` is what this service is registered as. `leeway`, in seconds,
    forgives clocks that differ; it applies to `exp`, `nbf` and `iat`, never to
    the end of a mandate. `replays` remembers used proofs: inside this process
    if nothing else is said, so a service with several hands in one that they share.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: KeySource,
        status: StatusSource,
        *,
        algorithms: Collection[str] = ("ES256",),
        leeway: int = 5,
        clock: Callable[[], int] = clock.now,
        replays: ReplayStore | None = None,
    ) -> None:
        if isinstance(algorithms, str):
            raise TypeError("algorithms is a collection of names")
        if not issuer or not audience:
            raise ValueError("a guard has an issuer and an audience")
        if not algorithms or not set(algorithms) <= ALGORITHMS:
            raise ValueError("a guard allows ES256, EdDSA or both")
        self.audience = audience
        self._issuer = issuer
        self._audiences = frozenset((audience,))
        self._algorithms = frozenset(algorithms)
        self._keys = keys
        self._status = status
        self._leeway = leeway
        self._clock = clock
        self._replays = MemoryReplayStore(clock=clock) if replays is None else replays

    def verify(
        self,
        unverified_token: str,
        *,
        power: str,
        serves: Collection[str],
        acr: str | None = None,
        proof: Proof | None = None,
        scheme: str = BEARER,
    ) -> VerifiedToken:
        """Return the token if it may do `power` here; raise a `GuardError` otherwise.

        `power` is the name of one power (for a machine: of its scope); `serves`
        says whom the route serves, a subset of `self`, `delegated` and
        `machine`; `acr` is the level of login that it asks for, if any. `scheme`
        and `proof` are how the token came: a token that is bound to a key needs
        the scheme DPoP and its proof (RFC 9449 section 7).
        """
        check_requirement(power, serves, acr)
        return self._judge(unverified_token, serves, (power, acr), self._audiences, Presented(scheme, proof))

    def authenticate(
        self,
        unverified_token: str,
        *,
        serves: Collection[str],
        audiences: Collection[str] | None = None,
        proof: Proof | None = None,
        scheme: str = BEARER,
        bound: bool = False,
    ) -> VerifiedToken:
        """Return the token if it stands, without asking what it may do: steps 1 to 4 and 6.

        For the endpoints where the operation follows from the token itself
        (UserInfo, introspection). An API must not use it: whoever holds any
        token for this audience passes. `audiences`, in place of this guard's own,
        is for the broker, which introspects on behalf of many: the token's one
        audience must be among them; naming none refuses every token. With `bound`
        the proof of a bound token is the caller's to ask for, who finds the key in
        `VerifiedToken.jkt`: where the token is spoken of, not presented.
        """
        if isinstance(audiences, str):
            raise TypeError("audiences is a collection of names")
        _check_serves(serves)
        allowed = self._audiences if audiences is None else frozenset(audiences)
        return self._judge(unverified_token, serves, None, allowed, Presented(scheme, proof, bound))

    def _judge(
        self,
        unverified_token: str,
        serves: Collection[str],
        operation: tuple[str, str | None] | None,
        audiences: frozenset[str],
        presented: Presented,
    ) -> VerifiedToken:
        now = self._clock()
        token = None
        try:
            claims = self._verify_signed(unverified_token)  # steps 1 and 2
            audience = self._verify_registered(claims, audiences, now)  # step 2
            jkt = verify_sender(claims, unverified_token, presented, now, self._replays)  # step 2
            entry = _verify_partition(claims, audience)  # step 3
            token = self._read(claims, audience, entry, jkt)  # step 4
            _verify_period_and_kind(token, serves, now)  # step 5
            if operation is not None:
                _verify_operation(token, *operation)
            if token.status is not None:  # step 6; step 4 has seen to it that only machines have none
                self._status.check(token.status.uri, token.status.index, now)
        except GuardError as error:
            error.token = token
            if presented.is_dpop:
                error.schemes = (DPOP,)
            raise
        return token

    def _verify_signed(self, unverified_token: str) -> dict[str, Any]:
        """Steps 1 and 2: type, algorithm, key; then the signature. Nothing else is read before it holds."""
        jws = parse_jws(unverified_token)
        alg, kid = verify_header(jws.unverified_header, "at+jwt", self._algorithms)
        return verify_signature(jws, alg, kid, self._keys)

    def _verify_registered(self, claims: dict[str, Any], audiences: frozenset[str], now: int) -> str:
        """Step 2: issuer, audience, times, required claims (RFC 9068 section 2.2)."""
        if claims.get("iss") != self._issuer:
            raise InvalidTokenError("iss", "the token is of another issuer")
        audience = claims.get("aud")
        if not isinstance(audience, str) or audience not in audiences:
            raise InvalidTokenError("aud", "the token is for another audience")
        if now >= instant(claims, "exp", "exp_shape") + self._leeway:
            raise InvalidTokenError("expired", "the token has expired")
        if instant(claims, "iat", "iat_shape") > now + self._leeway:
            raise InvalidTokenError("iat", "the token is from the future")
        if "nbf" in claims and instant(claims, "nbf", "nbf_shape") > now + self._leeway:
            raise InvalidTokenError("nbf", "the token is not valid yet")
        for name in ("sub", "client_id", "jti"):
            text(claims, name, name)
        return audience

    def _read(
        self, claims: dict[str, Any], audience: str, entry: dict[str, Any] | None, jkt: str | None
    ) -> VerifiedToken:
        """Step 4: the shapes of everything that is about people."""
        subject = claims["sub"]
        machine = subject == claims["client_id"]
        if machine and any(name in claims for name in _FOR_PEOPLE):
            raise InvalidTokenError("machine_claims", "a token of a machine speaks of people")
        return VerifiedToken(
            issuer=self._issuer,
            subject=subject,
            actor=None if entry is None else read_actor(claims, subject),
            mandate=None if entry is None else read_mandate(entry, subject),
            client_id=claims["client_id"],
            scopes=read_scopes(claims),
            acr=read_acr(claims),
            jti=claims["jti"],
            issued_at=claims["iat"],
            expires_at=claims["exp"],
            audience=audience,
            status=None if machine else read_status(claims),
            jkt=jkt,
            auth_time=read_auth_time(claims),
        )


def check_requirement(power: str, serves: Collection[str], acr: str | None) -> None:
    """Raise `TypeError` or `ValueError` for a route that does not say what it needs: misuse, not refusal."""
    if not isinstance(power, str):
        raise TypeError("a route names the power that it needs")
    if not power or " " in power or power.startswith(_OBO):
        raise ValueError("a power is named without obo: and without spaces")
    _check_serves(serves)
    if acr is not None and acr not in ACR_ORDER:
        raise ValueError("unknown level of login")


def _check_serves(serves: Collection[str]) -> None:
    if isinstance(serves, str):
        raise TypeError("serves is a collection of kinds")
    if not serves or not KINDS.issuperset(serves):
        raise ValueError("a route serves self, delegated, machine or some of these")


def _verify_partition(claims: dict[str, Any], audience: str) -> dict[str, Any] | None:
    """Step 3: `act` <=> exactly one mandate entry for this audience <=> only `obo:` scopes.

    Whatever lies between the two kinds would be read as one by some service and
    as the other by the next, so it is refused. Returns the entry, or None.
    """
    scopes = read_scopes(claims)
    details = claims.get("authorization_details")
    if "act" not in claims:
        if "authorization_details" in claims:
            raise InvalidTokenError("details_without_act", "a mandate without an actor")
        if any(scope.startswith(_OBO) for scope in scopes):
            raise InvalidTokenError("obo_without_act", "a delegated scope without an actor")
        return None
    if not scopes or not all(scope.startswith(_OBO) for scope in scopes):
        raise InvalidTokenError("scope_with_act", "an actor with a scope that is not delegated")
    if not isinstance(details, list) or len(details) != 1 or not isinstance(details[0], dict):
        raise InvalidTokenError("details", "an actor without exactly one mandate")
    entry = details[0]
    if entry.get("type") != MANDATE:
        raise InvalidTokenError("details_type", "an authorization of a type that is not known")
    locations = entry.get("locations")
    if not isinstance(locations, list) or audience not in locations:
        raise InvalidTokenError("locations", "the mandate is for another audience")
    return entry


def _verify_period_and_kind(token: VerifiedToken, serves: Collection[str], now: int) -> None:
    """Step 5, what holds for every use: the mandate's own end, and whom the route serves."""
    if token.mandate is not None and now >= token.mandate.not_after:
        raise InvalidTokenError("mandate_expired", "the mandate has ended")
    if token.kind not in serves:
        raise InsufficientScopeError("kind", "this is not served to tokens of this kind")


def _verify_operation(token: VerifiedToken, power: str, acr: str | None) -> None:
    """Step 5, this operation: scope, actions, level of login."""
    scope = power if token.mandate is None else _OBO + power
    if scope not in token.scopes:
        raise InsufficientScopeError("scope", "the token lacks the scope for this")
    if token.mandate is not None and power not in token.mandate.actions:
        raise InsufficientScopeError("actions", "the mandate does not give this power")
    if acr is not None and not reaches(token.acr, acr):
        raise InsufficientUserAuthenticationError(acr)
