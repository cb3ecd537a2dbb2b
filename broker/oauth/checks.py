"""Every protocol check of ours, once, beside the endpoints that run it.

Authlib itself checks client, redirect URI, response type, repeated parameters and
the form of PKCE. A check raises an `OAuth2Error`; the redirect URI has been verified
by then, so the error may travel to the client (threats: class 2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, OAuth2Error

from broker.errors import InvalidTargetError
from broker.flows.claims import ACR, OBO
from broker.oauth import rar
from broker.oauth.client_auth import RegisteredClient
from broker.ports import Services

PAR, AUTHORIZE, MACHINE = "par", "authorize", "machine"
MAX_PARAMETER = 4096
MAX_REQUEST = 16_384
PROMPTS = frozenset({"", "none", "login", "select_account", "consent"})

Payload = Any
Check = Callable[[Services, RegisteredClient, Payload], None]


class InvalidTargetOAuthError(OAuth2Error):  # type: ignore[misc]
    """RFC 8707 section 2."""

    error = "invalid_target"


class RequestNotSupportedError(OAuth2Error):  # type: ignore[misc]
    """OIDC Core section 6: request objects are not read, so they are refused, not ignored."""

    error = "request_not_supported"


class UnmetAuthenticationError(OAuth2Error):  # type: ignore[misc]
    """OpenID Connect Core Error Code unmet_authentication_requirements."""

    error = "unmet_authentication_requirements"


def bounded(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """No parameter is longer than anybody needs (threats: class 16)."""
    if any(len(value) > MAX_PARAMETER for values in payload.datalist.values() for value in values):
        raise InvalidRequestError("A parameter is longer than 4096 characters.")
    if (
        sum(len(name) + len(value) for name, values in payload.datalist.items() for value in values)
        > MAX_REQUEST
    ):
        raise InvalidRequestError("The request is longer than 16384 characters.")


def sent_once(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """No parameter twice, `resource` aside (RFC 6749 section 3.1)."""
    if any(len(values) > 1 for name, values in payload.datalist.items() if name != "resource"):
        raise InvalidRequestError("A parameter was sent more than once.")


def pushed_when_fapi(_services: Services, client: RegisteredClient, _payload: Payload) -> None:
    """FAPI 2.0 section 5.3.2.2 number 3: without PAR no authorization."""
    if client.record.profile == "fapi":
        raise InvalidRequestError(
            "This client must push its request to the pushed_authorization_request_endpoint."
        )


def pkce_s256(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """RFC 7636, S256 only, always."""
    if not payload.data.get("code_challenge") or payload.data.get("code_challenge_method") != "S256":
        raise InvalidRequestError("Send code_challenge with code_challenge_method=S256.")


def no_request_object(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """`request` is not supported; `request_uri` only as we issued it."""
    if payload.data.get("request"):
        raise RequestNotSupportedError("Request objects are not supported; use PAR.")


def nothing_ignored(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """A parameter that would change the answer and that we cannot honour is refused (tokens.md section 4)."""
    names = ("claims", "dpop_jkt", "id_token_hint", "registration")
    unsupported = [name for name in names if payload.data.get(name)]
    if unsupported:
        raise InvalidRequestError(f"Not supported here: {', '.join(unsupported)}.")


def provable_age(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """ACM states no auth_time, so the age of a login cannot be proven (tokens.md section 4)."""
    if payload.data.get("max_age") is not None:
        raise UnmetAuthenticationError("The age of a login at ACM cannot be proven; leave max_age out.")


def known_level(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """`acr_values` names at least one level that we know (eIDAS URIs)."""
    asked = (payload.data.get("acr_values") or "").split()
    if asked and not set(asked) & set(ACR.values()):
        raise UnmetAuthenticationError("None of these acr_values is known here.")


def query_mode(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """The response travels in the query; another mode is refused, not ignored."""
    if payload.data.get("response_mode", "query") != "query":
        raise InvalidRequestError("Only response_mode=query is supported.")


def known_prompt(_services: Services, _client: RegisteredClient, payload: Payload) -> None:
    """OIDC Core section 3.1.2.1."""
    if payload.data.get("prompt", "") not in PROMPTS:
        raise InvalidRequestError("Unknown prompt.")


def something_to_grant(_services: Services, client: RegisteredClient, payload: Payload) -> None:
    """At least one registered scope: empty means no."""
    if not client.get_allowed_scope(payload.scope):
        raise InvalidScopeError("None of these scopes is registered for this client.")


def registered_audience(services: Services, client: RegisteredClient, payload: Payload) -> None:
    """One audience of this client (RFC 8707; tokens.md section 3)."""
    details = rar.parse(client.record, payload.data.get("authorization_details"))
    asked = payload.datalist.get("resource", []) or (details.locations if details else ())
    try:
        rar.audience_of(services, client.record, asked)
    except InvalidTargetError as error:
        raise InvalidTargetOAuthError("Name one resource that is registered for this client.") from error


def one_target(_services: Services, client: RegisteredClient, payload: Payload) -> None:
    """`locations` and `resource` say the same, or one of them is silent."""
    details = rar.parse(client.record, payload.data.get("authorization_details"))
    resources = payload.datalist.get("resource", [])
    if details and details.locations and resources and list(details.locations) != list(resources):
        raise InvalidTargetOAuthError("resource and locations name different audiences.")


def understood_details(_services: Services, client: RegisteredClient, payload: Payload) -> None:
    """RFC 9396 section 5: unknown types, fields or values are refused."""
    rar.parse(client.record, payload.data.get("authorization_details"))


def obo_needs_a_mandate(_services: Services, client: RegisteredClient, payload: Payload) -> None:
    """A fapi client says for which mandate; `compatible` ones may ask an `obo:` scope alone."""
    asks_obo = any(scope.startswith(OBO) for scope in (payload.scope or "").split())
    if asks_obo and client.record.profile == "fapi" and not payload.data.get("authorization_details"):
        raise rar.InvalidAuthorizationDetailsError("Send authorization_details with the obo: scopes.")


CHECKS: tuple[tuple[Check, frozenset[str]], ...] = (
    (bounded, frozenset({PAR, AUTHORIZE, MACHINE})),
    (sent_once, frozenset({PAR, AUTHORIZE, MACHINE})),
    (pushed_when_fapi, frozenset({AUTHORIZE})),
    (no_request_object, frozenset({PAR, AUTHORIZE})),
    (nothing_ignored, frozenset({PAR, AUTHORIZE})),
    (provable_age, frozenset({PAR, AUTHORIZE})),
    (known_level, frozenset({PAR, AUTHORIZE})),
    (query_mode, frozenset({PAR, AUTHORIZE})),
    (pkce_s256, frozenset({PAR, AUTHORIZE})),
    (known_prompt, frozenset({PAR, AUTHORIZE})),
    (something_to_grant, frozenset({PAR, AUTHORIZE})),
    (registered_audience, frozenset({PAR, AUTHORIZE})),
    (understood_details, frozenset({PAR, AUTHORIZE})),
    (one_target, frozenset({PAR, AUTHORIZE})),
    (obo_needs_a_mandate, frozenset({PAR, AUTHORIZE})),
)


def run(endpoint: str, services: Services, client: RegisteredClient, payload: Payload) -> None:
    """Run the checks of one endpoint, in the table's order."""
    for check, endpoints in CHECKS:
        if endpoint in endpoints:
            check(services, client, payload)
