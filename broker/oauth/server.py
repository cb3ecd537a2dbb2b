"""The Authlib server: our clients, our grants, our endpoints, and its way of reading requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from authlib.oauth2 import AuthorizationServer as BaseAuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from flask import Response, g
from flask import request as flask_request

from broker.oauth import client_auth
from broker.oauth.client_auth import RegisteredClient
from broker.oauth.client_credentials import MachineGrant
from broker.oauth.code import CodeGrant, MandateCodeChallenge, ProtocolChecks
from broker.oauth.introspection import Introspection
from broker.oauth.refresh import RefreshGrant
from broker.oauth.revocation import Revocation
from broker.ports import Services

# Settings has judged the transport; Authlib would look at the hop behind the proxy.
TRANSPORT_JUDGED = "https://transport.judged.by.settings.invalid"


class Payload(OAuth2Payload):  # type: ignore[misc]
    """Parameters as lists, whatever carried them."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    @cached_property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._values.items() if values}

    @property
    def datalist(self) -> Mapping[str, list[str]]:
        return self._values


class Request(OAuth2Request):  # type: ignore[misc]
    """An Authlib request over given parameters: from a form, a query or a pushed request."""

    def __init__(self, method: str, values: Mapping[str, list[str]], headers: Mapping[str, str]) -> None:
        super().__init__(method, TRANSPORT_JUDGED, headers=dict(headers))
        self.payload = Payload(values)
        self.auth_method: str | None = None

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)


class AuthorizationServer(BaseAuthorizationServer):  # type: ignore[misc]
    """Authlib's dispatcher with the broker's services at hand."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        client_auth.register(self, services)
        self.register_grant(CodeGrant, [MandateCodeChallenge(required=True), ProtocolChecks()])
        self.register_grant(RefreshGrant)
        self.register_grant(MachineGrant)
        self.register_endpoint(Revocation(self))
        self.register_endpoint(Introspection(self))

    def get_consent_grant(self, request: Request | None = None, end_user: Any = None) -> Any:
        """Refuse characters that no address has before Authlib quotes them in an error text."""
        sent = self.create_oauth2_request(request)
        asked = sent.payload.data.get("redirect_uri") or ""
        if not (asked.isascii() and asked.isprintable()) or set(asked) & set(' "<>\\^`{|}'):
            raise InvalidRequestError("The redirect_uri is not an address.")
        return super().get_consent_grant(sent, end_user)

    def get_token_grant(self, request: Request) -> Any:
        """Refuse what the token endpoint cannot honour yet, rather than ignore it (tokens.md section 4)."""
        if "authorization_details" in request.payload.data:
            raise InvalidRequestError("authorization_details is understood in authorization requests only.")
        return super().get_token_grant(request)

    def create_token_response(self, request: Request | None = None) -> Response:
        """Errors of choosing the grant are answered like all others."""
        try:
            return super().create_token_response(request)
        except InvalidRequestError as error:
            return self.handle_error_response(request, error)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The registered client; read once a request, however often Authlib asks."""
        known: dict[str, RegisteredClient | None] = g.setdefault("clients", {})
        if client_id not in known:
            with self.services.database.read() as uow:
                record = uow.registry.find_client(client_id)
            known[client_id] = RegisteredClient(record) if record else None
        return known[client_id]

    def create_oauth2_request(self, request: Request | None) -> Request:
        """Read the form of a POST, the query of a GET; never both (RFC 6750 section 2.3)."""
        if request is not None:
            return request
        source = flask_request.form if flask_request.method == "POST" else flask_request.args
        return Request(flask_request.method, dict(source.lists()), flask_request.headers)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        """No answer of these endpoints is ever cached (RFC 6749 section 5.1)."""
        text = json.dumps(body) if isinstance(body, dict) else body
        response = Response(text, status=303 if status == 302 else status, headers=headers)
        response.headers["Cache-Control"] = "no-store"
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens; the journal records what matters."""
