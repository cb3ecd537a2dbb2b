"""What a service may say when it asks to sign somebody out (OpenID Connect RP-Initiated Logout 1.0).

Anybody can send a browser to the logout page. Only an ID token of ours that names this
browser's own session lets the service do it without a question to the person; everything
else is asked (threats: class 14).
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from broker.ports import Services
from broker.records import Session
from keys.errors import HintError
from keys.hints import VerifiedHint, verify_id_token_hint
from mandates.model import Instant

LONGEST = 2048
"""Characters of a parameter; a longer one is as good as none."""
HANDED_OVER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Who asks, and where the person should go then; nothing of it is believed but `sid`."""

    client_id: str = ""
    post_logout_redirect_uri: str = ""
    state: str = ""
    sid: str = ""
    """The session that a verified hint of this client names; empty without one."""

    def names(self, session: Session | None) -> bool:
        """Whether the hint is about this very session."""
        return session is not None and bool(self.sid) and self.sid == session.sid


def understood(
    services: Services,
    *,
    client_id: str,
    post_logout_redirect_uri: str,
    state: str,
    unverified_hint: str,
    now: Instant,
) -> LogoutRequest:
    """The request with what its hint proves. One for another client than it names proves nothing."""
    hint = _verified(services, unverified_hint, now)
    if hint is not None and client_id in {"", hint.client}:
        return LogoutRequest(hint.client, _bounded(post_logout_redirect_uri), _bounded(state), hint.sid)
    return LogoutRequest(_bounded(client_id), _bounded(post_logout_redirect_uri), _bounded(state))


def return_address(services: Services, asked: LogoutRequest) -> str | None:
    """Where the client registered that people may go, letter for letter (section 3); None if nowhere."""
    with services.database.read() as uow:
        client = uow.registry.find_client(asked.client_id)
    target = asked.post_logout_redirect_uri
    return target if client is not None and target in client.post_logout_redirect_uris else None


def hand_over(services: Services, asked: LogoutRequest) -> str:
    """Keep a request for the next navigation; the key says nothing and lives a minute."""
    key = secrets.token_urlsafe(24)
    services.ephemeral.put("logout", key, asdict(asked), HANDED_OVER_SECONDS)
    return key


def handed_over(services: Services, key: str) -> LogoutRequest:
    """What was kept under this key; a request without content if nothing is."""
    return LogoutRequest(**(services.ephemeral.get("logout", key) or {}))


def _verified(services: Services, unverified_hint: str, now: Instant) -> VerifiedHint | None:
    if not unverified_hint:
        return None
    try:
        hint = verify_id_token_hint(
            unverified_hint, issuer=services.settings.issuer, keyring=services.keyring(), now=now
        )
    except HintError:
        return None
    with services.database.read() as uow:
        return hint if uow.registry.find_client(hint.client) is not None else None


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else ""
