"""Authorization codes: sixty seconds, one use, and a mark that outlives them (RFC 6749 section 4.1.2)."""

from __future__ import annotations

import secrets
from typing import Any

from broker.flows.choices import AuthorizationRequest
from broker.flows.sessions import fingerprint
from broker.ports import Services
from broker.records import Grant
from mandates.model import Instant

CODE_SECONDS = 60
SPENT_SECONDS = 3600


def issue_code(services: Services, request: AuthorizationRequest, grant: Grant, now: Instant) -> str:
    """A code for this grant, bound to client, redirect URI and PKCE challenge, and to a key if named."""
    code = secrets.token_urlsafe(32)
    record = {
        "grant": grant.id,
        "client": request.client,
        "redirect_uri": request.redirect_uri,
        "code_challenge": request.code_challenge,
        "nonce": request.nonce,
        "dpop_jkt": request.dpop_jkt,
        "issued_at": now,
    }
    services.ephemeral.put("made_code", fingerprint(code), {"grant": grant.id}, SPENT_SECONDS)
    services.ephemeral.put("code", fingerprint(code), record, CODE_SECONDS)
    return code


def take_code(services: Services, code: str) -> dict[str, Any] | None:
    """Claim a code: the first caller gets what it stands for, every later one nothing."""
    return services.ephemeral.take("code", fingerprint(code))


def grant_of_spent_code(services: Services, code: str) -> str | None:
    """The grant of a code that is used or too old.

    A code seen again means that somebody else had it: its grant ends (RFC 9700
    section 4.5; threats: class 3). The mark is set when the code is made, so that
    there is no moment between its use and the mark.
    """
    made = services.ephemeral.get("made_code", fingerprint(code))
    return made["grant"] if made else None
