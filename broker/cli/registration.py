"""What is said of a client at its registration, and whether it can be true together.

Each refusal names the options and says what to give instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from broker.flows.claims import IDENTITY_SCOPES, OBO
from broker.flows.registry import RS256
from broker.records import Audience, Client

NUMBERS = frozenset({"insz", "obo:insz"})
"""Scopes that show a national number: by an option of their own, never by --scope."""
ACTORS_NUMBER = "insz_actor"


@dataclass(frozen=True, slots=True)
class Application:
    """The options of `volmacht clients add`, by their own names."""

    client_id: str
    name: str | None
    redirect_uris: tuple[str, ...]
    post_logout: tuple[str, ...]
    auth: str
    profile: str | None
    jwks: Path | None
    jwks_uri: str | None
    dpop: bool
    exchange: bool
    scopes: tuple[str, ...]
    machine_scopes: tuple[str, ...]
    allow_insz: bool
    allow_insz_actor: bool
    audiences: tuple[str, ...]
    serves: bool
    sector: str | None
    mandate_types: tuple[str, ...]
    id_token_alg: str
    vetted: bool

    @property
    def resolved_profile(self) -> str:
        """As it was said, or what the method of authentication implies (tokens.md section 7)."""
        implied = {"private_key_jwt": "fapi", "client_secret_basic": "compatible", "none": "public"}
        return self.profile or implied[self.auth]

    def client(self, own: frozenset[str], jwks: Mapping[str, Any] | None) -> Client:
        """The record; `own` are the broker's audiences, which nobody is and which are nobody's sector."""
        delegated = any(scope.startswith(OBO) for scope in self.scopes)
        numbers = {one for one in NUMBERS if self.allow_insz and (delegated or not one.startswith(OBO))}
        mark = {ACTORS_NUMBER} if self.allow_insz_actor else set()
        return Client(
            id=self.client_id,
            name=self.name or self.client_id,
            profile=self.resolved_profile,
            auth=self.auth,
            redirect_uris=self.redirect_uris,
            post_logout_redirect_uris=self.post_logout,
            scopes=frozenset((*self.scopes, *self.machine_scopes, *numbers, *mark)),
            audiences=self.audiences,
            serves=tuple(uri for uri in self.audiences if uri not in own) if self.serves else (),
            mandate_types=self.mandate_types,
            sector=self.sector or next((uri for uri in self.audiences if uri not in own), self.client_id),
            vetted=self.vetted,
            jwks=jwks,
            jwks_uri=self.jwks_uri,
            dpop=self.dpop,
            exchange=self.exchange,
            id_token_alg=self.id_token_alg,
        )

    def served(self, client: Client, own: frozenset[str]) -> list[Audience]:
        """The audiences of this client, with the scopes that it brings; the broker's own are not its."""
        machine = frozenset(self.machine_scopes)
        scopes = client.scopes - IDENTITY_SCOPES - machine - {ACTORS_NUMBER}
        delegated = any(scope.startswith(OBO) for scope in scopes)
        return [
            Audience(uri, client.name, self.sector or uri, delegated, scopes, machine)
            for uri in client.audiences
            if uri not in own
        ]


def check(said: Application) -> None:
    """Raise `click.UsageError` for what cannot be true together."""
    _check_keys(said)
    _check_profile(said)
    _check_scopes(said)
    for address in (*said.redirect_uris, *said.post_logout):
        _check_address(address)


def _check_keys(said: Application) -> None:
    given = (said.jwks is not None) + (said.jwks_uri is not None)
    if given != (said.auth == "private_key_jwt"):
        raise click.UsageError("--auth private_key_jwt goes with --jwks or --jwks-uri, and only with one.")
    if said.jwks_uri is not None:
        _check_address(said.jwks_uri)


def _check_profile(said: Application) -> None:
    if said.profile and said.auth == "none":
        raise click.UsageError("--auth none has a profile of its own: leave --profile out.")
    if said.profile == "fapi" and said.auth != "private_key_jwt":
        raise click.UsageError("--profile fapi goes with --auth private_key_jwt (FAPI 2.0).")
    if said.id_token_alg == RS256 and said.resolved_profile == "fapi":
        raise click.UsageError("--id-token-alg RS256 is not for fapi (FAPI 2.0 section 5.4).")
    if said.exchange and said.auth == "none":
        raise click.UsageError("--exchange is for clients that keep a secret or a key.")


def _check_scopes(said: Application) -> None:
    # Whoever only exchanges what others bring needs no redirect URI to come back to.
    comes_back = bool(said.redirect_uris) or said.exchange
    if not (said.scopes or said.machine_scopes) or (said.scopes and not comes_back):
        raise click.UsageError("Give --scope with --redirect-uri for people, --machine-scope, or all three.")
    if said.redirect_uris and not said.scopes:
        raise click.UsageError("--redirect-uri is where people come back: give --scope, too.")
    if said.machine_scopes and said.auth == "none":
        raise click.UsageError("--machine-scope is for clients that keep a secret or a key.")
    named = (*said.scopes, *said.machine_scopes)
    if any(" " in scope for scope in named):
        raise click.UsageError("--scope takes one scope; repeat it for more.")
    if (NUMBERS | {ACTORS_NUMBER}) & set(named):
        raise click.UsageError(
            "National numbers are not for --scope: give --allow-insz or --allow-insz-actor."
        )
    if said.allow_insz_actor and not said.allow_insz:
        raise click.UsageError("--allow-insz-actor comes on top of --allow-insz.")
    if said.allow_insz and "openid" not in said.scopes:
        raise click.UsageError("--allow-insz goes with --scope openid: the number is read at UserInfo.")


def _check_address(address: str) -> None:
    """https, or http on loopback for development; nothing that a browser would run."""
    parts = urlsplit(address)
    loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if (
        not parts.hostname
        or parts.username is not None
        or parts.fragment
        or parts.scheme not in ({"https", "http"} if loopback else {"https"})
    ):
        raise click.UsageError(
            f"{address}: give an https address without user name or fragment (http on loopback only)."
        )
