"""The Authlib server: our clients, our grants, our endpoints, and its way of reading requests."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from authlib.oauth2 import AuthorizationServer as BaseAuthorizationServer
from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from flask import Response
from flask import request as flask_request

from broker.oauth import checks, dpop
from broker.oauth.client_auth import RegisteredClient
from broker.oauth.code import CodeGrant, MandateCodeChallenge
from broker.oauth.errors import UnknownGrantTypeError, UnknownResponseTypeError
from broker.oauth.grants import GRANTS
from broker.oauth.introspection import Introspection
from broker.oauth.metadata import Metadata
from broker.oauth.request import Request
from broker.oauth.revocation import Revocation
from broker.ports import Services

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100
"""Parameters in one request: more than every specification here has together."""


class AuthorizationServer(BaseAuthorizationServer):  # type: ignore[misc]
    """Authlib's dispatcher with the broker's services at hand."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.metadata = Metadata(services)
        extensions = {CodeGrant: [MandateCodeChallenge(required=True), AuthorizationChecks()]}
        for grant in GRANTS:
            self.register_grant(grant, extensions.get(grant))
        self.register_endpoint(Revocation(self))
        self.register_endpoint(Introspection(self))

    def authenticate_client(
        self, request: Request, methods: list[str], endpoint: str = "token"
    ) -> RegisteredClient:
        """Who asks, after every check of the request's column: no handler can have the one without the other.

        Leaves `jkt` and `assertion_jkt` on the request. `methods` is what Authlib knows;
        the table knows more.
        """
        del methods
        if not request.column:
            column = checks.GRANTS[request.payload.grant_type] if endpoint == "token" else endpoint
            checks.run(self.services, request, column)
        return request.client

    def get_consent_grant(self, request: Request | None = None, end_user: Any = None) -> Any:
        """The grant of an authorization request whose client and redirect URI are registered.

        Looked at before Authlib does, because its errors quote what was sent.
        """
        sent = self.create_oauth2_request(request)
        asked = sent.payload
        client = self.query_client(asked.client_id or "")
        if client is None or not client.check_redirect_uri(asked.redirect_uri or ""):
            raise InvalidRequestError("The client or its redirect_uri is not registered.")
        if len(asked.datalist["redirect_uri"]) == 1 and asked.response_type != "code":
            raise UnknownResponseTypeError(
                "Only response_type=code is supported.", redirect_uri=asked.redirect_uri, state=asked.state
            )
        return super().get_consent_grant(sent, end_user)

    def get_token_grant(self, request: Request) -> Any:
        """The grant that is named; an unknown one is not quoted back."""
        if not request.payload.grant_type:
            raise InvalidRequestError("Send grant_type, in application/x-www-form-urlencoded.")
        if request.payload.grant_type not in checks.GRANTS:
            raise UnknownGrantTypeError("See grant_types_supported.")
        return super().get_token_grant(request)

    def create_token_response(self, request: Request | None = None) -> Response:
        """Answer a token request; with the newest nonce if it brought a proof, also to a refusal."""
        request = self.create_oauth2_request(request)
        try:
            grant = self.get_token_grant(request)
            grant.validate_token_request()
            response = self.handle_response(*grant.create_token_response())
        except OAuth2Error as error:
            response = self.handle_error_response(request, error)
        return dpop.offer_nonce(self.services, request, response)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The registered client, from what this process keeps of the registry."""
        record = self.services.registrations().find_client(client_id)
        return RegisteredClient(record) if record else None

    def create_oauth2_request(self, request: Request | None) -> Request:
        """Read the form of a POST, the query of a GET; never both (RFC 6750 section 2.3)."""
        if request is not None:
            return request
        if flask_request.method != "POST":
            return Request("GET", dict(flask_request.args.lists()), flask_request.headers)
        values = form_values(flask_request.get_data(cache=False)) if flask_request.mimetype == FORM else None
        return Request("POST", values or {}, flask_request.headers, is_form=values is not None)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        """No answer of these endpoints is ever cached (RFC 6749 section 5.1)."""
        text = json.dumps(body) if isinstance(body, dict) else body
        kept = [pair for pair in headers if pair[0] != "Cache-Control"]
        return Response(text, 303 if status == 302 else status, [*kept, ("Cache-Control", "no-store")])

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens; the journal records what matters."""


def form_values(body: bytes) -> dict[str, list[str]] | None:
    """The parameters of an urlencoded body; None if it has too many, or a NUL, which is nobody's typing.

    Read here and not by Werkzeug, whose way through streams costs twice as much; the length of a
    body was bounded by it before.
    """
    if b"%00" in body or b"\0" in body:
        return None
    try:
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None


class AuthorizationChecks:
    """Runs the column of a request that a browser brought, once client and redirect URI are known to be good.

    A pushed request had its column already, when its client was authenticated.
    """

    def __call__(self, grant: CodeGrant) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self._run)

    @staticmethod
    def _run(grant: CodeGrant, redirect_uri: str) -> None:
        del redirect_uri
        if not grant.request.column:
            checks.run(grant.server.services, grant.request, checks.AUTHORIZE)
