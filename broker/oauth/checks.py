"""Every protocol check of ours, once, beside the requests that it judges.

The table at the end is read from the top: one line is one check, and its right half names the
columns in which it runs. A request has one column. At the token endpoint that is its grant.
`AuthorizationServer.authenticate_client` runs the column, and every handler must call it to
know who asks: so none can forget a line. A check raises an `OAuth2Error`; what it finds out it
leaves on the request.

Authlib adds, for authorization requests, that the client's redirect URI is registered before
any error travels there (threats: class 2), and the form of PKCE.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, UnauthorizedClientError

from broker.errors import InvalidTargetError
from broker.flows.claims import OBO
from broker.oauth import client_auth, dpop, levels, rar
from broker.oauth.errors import (
    ClientRefusedError,
    InvalidDpopProofError,
    InvalidTargetOAuthError,
    RequestNotSupportedError,
)
from broker.oauth.request import Request
from broker.ports import Services

PAR, AUTHORIZE = "par", "authorize"
CODE, REFRESH, EXCHANGE, MACHINE = "code", "refresh", "exchange", "machine"
INTROSPECT, REVOKE = "introspection", "revocation"

REQUESTS = frozenset({PAR, AUTHORIZE})
TOKENS = frozenset({CODE, REFRESH, EXCHANGE, MACHINE})
POSTED = TOKENS | {PAR, INTROSPECT, REVOKE}
EVERY = POSTED | REQUESTS
PROVABLE = TOKENS | {PAR}
"""Where a proof of possession is read (RFC 9449 sections 5 and 10.1)."""

GRANTS = {
    "authorization_code": CODE,
    "refresh_token": REFRESH,
    client_auth.TOKEN_EXCHANGE: EXCHANGE,
    "client_credentials": MACHINE,
}
"""`grant_type` -> column."""

MAX_PARAMETER = 4096
MAX_TOKEN = 8192
"""Of the parameters that carry a whole token."""
MAX_REQUEST = 16_384
MAX_STATE, MAX_NONCE = 2048, 512
MAX_AGE = re.compile(r"[0-9]{1,9}")
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
PROMPTS = frozenset({"none", "login", "select_account", "consent"})
WHOLE_TOKENS = frozenset(
    {"client_assertion", "subject_token", "actor_token", "actor_token_dpop", "token", "refresh_token"}
)
REPEATABLE = {"resource": EVERY, "audience": frozenset({EXCHANGE})}
"""Parameters that may stand there more than once, and where (RFC 8707 section 2, RFC 8693 section 2.1)."""
EXCHANGE_ALONE = ("audience", "subject_token", "actor_token", "requested_token_type")
OF_OTHER_SERVERS = ("may_act", "requested_actor", "requested_issuer", "requested_subject", "subject_issuer")
UNHONOURED = {
    PAR: ("registration", "id_token_hint"),
    AUTHORIZE: ("registration", "id_token_hint"),
    CODE: ("claims", *EXCHANGE_ALONE),
    REFRESH: ("claims", *EXCHANGE_ALONE),
    EXCHANGE: ("claims", "authorization_details", *OF_OTHER_SERVERS),
    MACHINE: ("claims", "authorization_details", *EXCHANGE_ALONE),
}
"""Parameters that would change the answer, where they cannot be honoured (tokens.md section 4)."""

Check = Callable[[Services, Request], None]


# --- what was sent ---


def is_a_form(_services: Services, request: Request) -> None:
    """A body is application/x-www-form-urlencoded (RFC 6749 appendix B)."""
    if not request.is_form:
        raise InvalidRequestError("Send application/x-www-form-urlencoded.")


def bounded(_services: Services, request: Request) -> None:
    """No parameter is longer than anybody needs (threats: class 16)."""
    total = 0
    for name, values in request.payload.datalist.items():
        most = MAX_TOKEN if name in WHOLE_TOKENS else MAX_PARAMETER
        if any(len(value) > most for value in values):
            raise InvalidRequestError(f"A parameter is longer than {most} characters.")
        total += sum(len(name) + len(value) for value in values)
    if total > MAX_REQUEST:
        raise InvalidRequestError(f"The request is longer than {MAX_REQUEST} characters.")


def sent_once(_services: Services, request: Request) -> None:
    """No parameter twice, but those that may be (RFC 6749 sections 3.1 and 3.2)."""
    for name, values in request.payload.datalist.items():
        if len(values) > 1 and request.column not in REPEATABLE.get(name, ()):
            raise InvalidRequestError("A parameter was sent more than once.")


# --- who asks ---


def known_client(services: Services, request: Request) -> None:
    """The client, by its one registered method (RFC 6749 section 2.3)."""
    request.client = client_auth.authenticate(services, request)
    request.auth_method = request.client.record.auth


def keeps_a_secret(_services: Services, request: Request) -> None:
    """Not a public client: it proves nothing of itself (RFC 7662 section 2.1, RFC 8693 section 5)."""
    if request.client.record.auth == "none":
        raise ClientRefusedError("Public clients may not do this.", status_code=401)


def registered_grant(_services: Services, request: Request) -> None:
    """The client is registered for this grant (RFC 6749 section 5.2)."""
    if not request.client.check_grant_type(request.payload.grant_type):
        raise UnauthorizedClientError("This client is not registered for this grant_type.")


def proven_key(services: Services, request: Request) -> None:
    """A proof of possession, if one came, proves its key (RFC 9449 section 4.3)."""
    endpoint = "pushed_authorization_request_endpoint" if request.column == PAR else "token_endpoint"
    proof = dpop.prove(services, request, endpoint)
    if proof is not None:
        dpop.check_nonce(services, proof, demanded=request.column != PAR)


def bound_when_registered(_services: Services, request: Request) -> None:
    """A client registered for DPoP gets no token that whoever finds it can use (FAPI 2.0 section 5.3.2.1)."""
    if request.client.record.dpop and request.jkt is None:
        raise InvalidDpopProofError("This client must send a DPoP proof.")


def used_once(services: Services, request: Request) -> None:
    """Assertion and proof count once; those of before the replay store remembers do not count (0005)."""
    signed = request.used_once
    if not signed:
        return
    free, epoch = services.ephemeral.claim_all([(one.kind, one.key, one.seconds) for one in signed])
    # The epoch was read after the claim: a store that was lost a moment ago has its new one by now.
    late = [one.kind for one in signed if one.issued_at < epoch]
    if free and not late:
        return
    why = "used before, or issued before what the replay store remembers"
    if request.assertion_jkt is None or late == ["dpop"]:
        raise InvalidDpopProofError(f"The DPoP proof is refused: {why}.")
    raise ClientRefusedError(f"The client assertion, or a DPoP proof beside it, is refused: {why}.")


# --- what an authorization request asks ---


def pushed_when_fapi(_services: Services, request: Request) -> None:
    """FAPI 2.0 section 5.3.2.2 number 3: without PAR no authorization."""
    if request.client.record.profile == "fapi":
        raise InvalidRequestError(
            "This client must push its request to the pushed_authorization_request_endpoint."
        )


def no_reference(_services: Services, request: Request) -> None:
    """A pushed request is the request, not the name of another one (RFC 9126 section 2.1)."""
    if request.get("request_uri") is not None:
        raise InvalidRequestError("request_uri may not be pushed.")


def no_request_object(_services: Services, request: Request) -> None:
    """`request` is not supported; `request_uri` only as we issued it."""
    if request.get("request"):
        raise RequestNotSupportedError("Request objects are not supported; use PAR.")


def nothing_ignored(_services: Services, request: Request) -> None:
    """A parameter that would change the answer and that we cannot honour is refused (tokens.md section 4)."""
    unsupported = [name for name in UNHONOURED[request.column] if request.get(name)]
    if unsupported:
        raise InvalidRequestError(f"Not supported here: {', '.join(unsupported)}.")


def short_memory(_services: Services, request: Request) -> None:
    """`state` and `nonce` are carried for the client: a reference, not its data (threats: class 16)."""
    state = request.get("state") or ""
    if len(state) > MAX_STATE or not (state.isascii() and (state.isprintable() or not state)):
        raise InvalidRequestError(f"state is longer than {MAX_STATE} characters, or not printable ASCII.")
    if len(request.get("nonce") or "") > MAX_NONCE:
        raise InvalidRequestError(f"nonce is longer than {MAX_NONCE} characters.")


def known_level(_services: Services, request: Request) -> None:
    """`acr_values` and `claims` name at least one level that we know (eIDAS URIs; RFC 9470 section 4)."""
    request.level = levels.floor(request)


def whole_age(_services: Services, request: Request) -> None:
    """`max_age` is a number of seconds; whether it can be proven is found out at sign-in."""
    age = request.get("max_age")
    if age is None:
        return
    if not MAX_AGE.fullmatch(age):
        raise InvalidRequestError("max_age is not a number of seconds.")
    request.max_age = int(age)


def query_mode(_services: Services, request: Request) -> None:
    """The response travels in the query; another mode is refused, not ignored."""
    if (request.get("response_mode") or "query") != "query":
        raise InvalidRequestError("Only response_mode=query is supported.")


def pkce_s256(_services: Services, request: Request) -> None:
    """RFC 7636, S256 only, always."""
    if not request.get("code_challenge") or request.get("code_challenge_method") != "S256":
        raise InvalidRequestError("Send code_challenge with code_challenge_method=S256.")


def known_prompt(_services: Services, request: Request) -> None:
    """Known values, each once, and `none` alone (OIDC Core section 3.1.2.1)."""
    prompts = (request.get("prompt") or "").split()
    if set(prompts) - PROMPTS or len(set(prompts)) != len(prompts):
        raise InvalidRequestError("Unknown or repeated prompt.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequestError("prompt=none stands alone.")


def one_key(_services: Services, request: Request) -> None:
    """`dpop_jkt` is a thumbprint, and that of the proof's key if there is a proof (RFC 9449 section 10.1)."""
    named = request.get("dpop_jkt")
    if named is None:
        return
    if not THUMBPRINT.fullmatch(named):
        raise InvalidRequestError("dpop_jkt is not a thumbprint of RFC 7638.")
    if request.jkt not in {None, named}:
        raise InvalidDpopProofError("dpop_jkt is not the key of the DPoP proof.")


def something_to_grant(_services: Services, request: Request) -> None:
    """At least one registered scope: empty means no."""
    if not request.client.get_allowed_scope(request.payload.scope):
        raise InvalidScopeError("None of these scopes is registered for this client.")


def understood_details(_services: Services, request: Request) -> None:
    """RFC 9396 section 5: unknown types, fields or values are refused; as where less is asked (section 6)."""
    request.mandate = rar.parse(request.client.record, request.get("authorization_details"))


def one_target(_services: Services, request: Request) -> None:
    """`locations` and `resource` say the same, or one of them is silent."""
    asked, resources = request.mandate, request.asked("resource")
    if asked and asked.locations and resources and list(asked.locations) != resources:
        raise InvalidTargetOAuthError("resource and locations name different audiences.")


def registered_audience(services: Services, request: Request) -> None:
    """One audience of this client (RFC 8707; tokens.md section 3)."""
    try:
        request.audience = rar.audience_of(services, request.client.record, rar.resources(request))
    except InvalidTargetError as error:
        raise InvalidTargetOAuthError("Name one resource that is registered for this client.") from error


def obo_needs_a_mandate(_services: Services, request: Request) -> None:
    """A fapi client says for which mandate; `compatible` ones may ask an `obo:` scope alone."""
    asks_obo = any(scope.startswith(OBO) for scope in (request.payload.scope or "").split())
    if asks_obo and request.client.record.profile == "fapi" and not request.get("authorization_details"):
        raise rar.InvalidAuthorizationDetailsError("Send authorization_details with the obo: scopes.")


CHECKS: tuple[tuple[Check, frozenset[str]], ...] = (
    # What was sent is one request,
    (is_a_form, POSTED),
    (bounded, EVERY),
    (sent_once, EVERY),
    # of a client that proves who it is,
    (known_client, POSTED),
    (keeps_a_secret, frozenset({EXCHANGE, MACHINE, INTROSPECT})),
    (registered_grant, TOKENS),
    (proven_key, PROVABLE),
    (bound_when_registered, TOKENS),
    (used_once, POSTED),
    # and asks what can be answered.
    (pushed_when_fapi, frozenset({AUTHORIZE})),
    (no_reference, frozenset({PAR})),
    (no_request_object, REQUESTS),
    (nothing_ignored, REQUESTS | TOKENS),
    (short_memory, REQUESTS),
    (known_level, REQUESTS),
    (whole_age, REQUESTS),
    (query_mode, REQUESTS),
    (pkce_s256, REQUESTS),
    (known_prompt, REQUESTS),
    (one_key, REQUESTS),
    (something_to_grant, REQUESTS),
    (understood_details, REQUESTS | {CODE, REFRESH}),
    (one_target, REQUESTS),
    (registered_audience, REQUESTS),
    (obo_needs_a_mandate, REQUESTS),
)


def run(services: Services, request: Request, column: str) -> None:
    """Run the checks of one column, in the table's order. Raise an `OAuth2Error`."""
    request.column = column
    for check, columns in CHECKS:
        if column in columns:
            check(services, request)


def methods(column: str) -> list[str]:
    """How a client makes itself known in this column, for the metadata."""
    secret_only = any(check is keeps_a_secret and column in columns for check, columns in CHECKS)
    return client_auth.CONFIDENTIAL if secret_only else client_auth.METHODS
