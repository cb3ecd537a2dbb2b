"""The only place where parties become `sub`, `act` and `represents` (tokens.md sections 2 and 3).

Access tokens: `sub` is the party whose right is exercised, `act` the human at the
keyboard. ID tokens: `sub` is always the human, `represents` the party acted for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from broker.records import Audience, Client, Grant, Session
from keys.vault import Vault
from mandates.decide import Decision
from mandates.mandate_type import MandateType
from mandates.model import Instant, Level, Party, PartyKind

MANDATE_TYPE = "urn:volmacht:mandate"
OBO = "obo:"
ACR = {
    Level.LOW: "http://eidas.europa.eu/LoA/low",
    Level.SUBSTANTIAL: "http://eidas.europa.eu/LoA/substantial",
    Level.HIGH: "http://eidas.europa.eu/LoA/high",
}
SIGN_IN_SCOPES = frozenset({"openid", "profile"})
"""What the ID token answers, for herself and for another alike."""
IDENTITY_SCOPES = SIGN_IN_SCOPES | {"insz", OBO + "profile", OBO + "insz"}
"""Who somebody is, which UserInfo alone is asked: the audience `<issuer>`."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain that a delegated grant stands on, with its parties loaded."""

    decision: Decision
    principal: Party
    representative: Party

    @property
    def mandate(self) -> str:
        """Identifier of the link under which the representative acts: given, or passed on."""
        return self.decision.acting.mandate

    @property
    def executor(self) -> str | None:
        """Identifier of the link from the organisation to the person, if there is one."""
        return self.decision.executor.mandate if self.decision.executor else None

    @property
    def kind(self) -> str:
        """Type of the mandate."""
        return self.decision.acting.type


def subject(vault: Vault, sector: str, party: Party) -> str:
    """A party's name in one sector: pairwise for people, the enterprise number for organisations."""
    if party.kind is PartyKind.ORGANISATION:
        return f"iso6523-actorid-upis::0208:{party.kbo}"
    return vault.pseudonym("p-", sector, party.id)


def mandate_entry(
    vault: Vault, sector: str, audience: str, chain: Chain, scopes: frozenset[str]
) -> dict[str, Any]:
    """The one `authorization_details` entry that names mandate, parties and limits."""
    return {
        "type": MANDATE_TYPE,
        "identifier": vault.pseudonym("m-", sector, chain.mandate),
        "mandate_type": chain.kind,
        "locations": [audience],
        "actions": sorted(actions(scopes)),
        "principal": subject(vault, sector, chain.principal),
        "representative": subject(vault, sector, chain.representative),
        "not_after": chain.decision.not_after,
    }


def actions(scopes: frozenset[str]) -> frozenset[str]:
    """The powers behind `obo:` scopes: one name everywhere."""
    return frozenset(scope.removeprefix(OBO) for scope in scopes if scope.startswith(OBO))


def identity(scopes: Iterable[str], *, delegated: bool) -> tuple[str, ...]:
    """The identity scopes among these that a grant of this kind can have, in their order.

    `insz` alone is about herself, `obo:profile` and `obo:insz` about whom she acts for;
    the sign-in scopes go with either.
    """
    kept = SIGN_IN_SCOPES | {s for s in IDENTITY_SCOPES - SIGN_IN_SCOPES if s.startswith(OBO) is delegated}
    return tuple(scope for scope in scopes if scope in kept)


def opened(kind: MandateType, powers: Iterable[str], audience: str) -> frozenset[str]:
    """The powers of a mandate that this API may see: a power can be for some audiences only."""
    return frozenset(
        power
        for power in powers
        if not kind.powers[power].audiences or audience in kind.powers[power].audiences
    )


def access_token(
    vault: Vault,
    *,
    issuer: str,
    client: Client,
    session: Session,
    grant: Grant,
    actor: Party,
    chain: Chain | None,
    audience: Audience,
    scopes: frozenset[str],
    status_uri: str,
    index: int,
    jkt: str | None,
    jti: str,
    now: Instant,
    exp: Instant,
) -> dict[str, Any]:
    """Claims of an RFC 9068 access token, (a) for herself or (b), (c) for somebody else.

    `jkt` is the thumbprint of the key that the token is bound to (RFC 9449 section 6.1).
    """
    human = subject(vault, audience.sector, actor)
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience.uri,
        "client_id": client.id,
        "sub": subject(vault, audience.sector, chain.principal) if chain else human,
        "iat": now,
        "exp": exp,
        "jti": jti,
        "acr": ACR[grant.level],
        "scope": " ".join(sorted(scopes)),
        "status": {"status_list": {"uri": status_uri, "idx": index}},
    }
    if session.auth_time is not None:
        claims["auth_time"] = session.auth_time
    if jkt is not None:
        claims["cnf"] = {"jkt": jkt}
    if chain:
        claims["act"] = {"iss": issuer, "sub": human}
        claims["authorization_details"] = [mandate_entry(vault, audience.sector, audience.uri, chain, scopes)]
    return claims


def id_token(
    vault: Vault,
    *,
    issuer: str,
    client: Client,
    session: Session,
    grant: Grant,
    actor: Party,
    chain: Chain | None,
    scopes: frozenset[str],
    nonce: str | None,
    now: Instant,
    exp: Instant,
) -> dict[str, Any]:
    """Claims of an ID token: the human, and whom she represents (NL GOV profile)."""
    named = "profile" in scopes
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": client.id,
        "sub": subject(vault, client.sector, actor),
        "iat": now,
        "exp": exp,
        "acr": ACR[grant.level],
        "sid": session.sid,
    }
    if session.auth_time is not None:
        claims["auth_time"] = session.auth_time
    if nonce is not None:
        claims["nonce"] = nonce
    if named:
        claims["name"] = actor.name
    if chain:
        claims["represents"] = represents(vault, issuer, client.sector, chain, named=named)
    return claims


def represents(vault: Vault, issuer: str, sector: str, chain: Chain, *, named: bool) -> dict[str, Any]:
    """Whom she represents along this chain (NL GOV profile), with names if the client may know them."""
    organisation = chain.representative if chain.executor else None
    return represented(vault, issuer, sector, chain.principal, organisation, named=named)


def represented(
    vault: Vault, issuer: str, sector: str, principal: Party, organisation: Party | None, *, named: bool
) -> dict[str, Any]:
    """The nested chain: the organisation that she acts through, if any; deepest the party represented."""

    def one(party: Party) -> dict[str, Any]:
        value = {"iss": issuer, "sub": subject(vault, sector, party)}
        return {**value, "name": party.name} if named else value

    if organisation is None:
        return one(principal)
    return {**one(organisation), "represents": one(principal)}
