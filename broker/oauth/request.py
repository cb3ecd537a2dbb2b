"""A request as the protocol sees it, whatever carried it: a form or a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import OAuth2Payload

from mandates.model import Instant, Level

if TYPE_CHECKING:
    from broker.oauth.client_auth import RegisteredClient
    from broker.oauth.rar import MandateRequest

# Settings has judged the transport; Authlib would look at the hop behind the proxy.
TRANSPORT_JUDGED = "https://transport.judged.by.settings.invalid"


@dataclass(frozen=True, slots=True)
class UsedOnce:
    """Something signed that counts once: a client assertion, or a proof of possession."""

    kind: str
    key: str
    seconds: int
    """How long it could be believed a second time."""
    issued_at: Instant


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters as lists, whatever carried them."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    @cached_property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._values.items() if values}

    @property
    def datalist(self) -> Mapping[str, list[str]]:
        return self._values

    def name_client(self, client_id: str) -> None:
        """Say who asks, where the proof of who asks said it alone (RFC 9126 section 2)."""
        self._values.setdefault("client_id", [client_id])
        self.data.setdefault("client_id", client_id)


class Request(OAuth2Request):  # type: ignore[misc]
    """An Authlib request, with what the table of checks finds out about it."""

    client: RegisteredClient
    """Who asks; there once it is proven (or, for an authorization request, named)."""

    def __init__(
        self, method: str, values: dict[str, list[str]], headers: Mapping[str, str], *, is_form: bool = True
    ) -> None:
        super().__init__(method, TRANSPORT_JUDGED, headers=headers)
        self.payload = Payload(values)
        self.is_form = is_form
        """Whether a body came as the specifications want it."""
        self.column = ""
        """The column of `checks.CHECKS` that judges it; empty until one does."""
        self.mandate: MandateRequest | None = None
        """What it asks of a mandate, if anything."""
        self.audience = ""
        """Of an authorization request: the one API that it is for."""
        self.level = Level.NONE
        """Of an authorization request: the least login that satisfies it."""
        self.max_age: int | None = None
        """Of an authorization request: seconds since the login, at most."""
        self.jkt: str | None = None
        """Thumbprint of the key that its DPoP proof was signed with."""
        self.assertion_jkt: str | None = None
        """Thumbprint of the key that its client assertion was signed with."""
        self.used_once: list[UsedOnce] = []

    @property
    def form(self) -> dict[str, str]:
        """Each parameter's first value; that there is no second one is checked."""
        return self.payload.data

    @property
    def args(self) -> dict[str, str]:
        """As `form`: one request has one source of parameters (RFC 6750 section 2.3)."""
        return self.payload.data

    def asked(self, name: str) -> list[str]:
        """Every value of a parameter that may be repeated (`resource`, `audience`)."""
        values: list[str] = self.payload.datalist.get(name, [])
        return values

    def get(self, name: str) -> Any:
        """One parameter, None if it was not sent."""
        return self.payload.data.get(name)
