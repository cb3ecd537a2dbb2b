"""Token exchanges as a client sends them, and as an attacker bends them."""

from __future__ import annotations

from typing import Any

import requests

from attack_tools import App
from provers import kept

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
ACCESS, REFERENCE = f"{TYPES}access_token", "urn:volmacht:token-type:mandate"
POWERS = "vouchers:read vouchers:order obo:vouchers:read obo:vouchers:order"
SCOPE = f"openid profile mandate:use {POWERS}"


def exchange(app: App, form: dict[str, Any], **options: Any) -> requests.Response:
    return app.post("/token", grant_type=EXCHANGE, **kept(form), **options)


def under(reference: str, own: dict[str, Any], target: str, **changes: Any) -> dict[str, Any]:
    """The form of a mandate-bound exchange, by whom the response `own` is about."""
    return {
        "subject_token": reference,
        "subject_token_type": REFERENCE,
        "actor_token": own["access_token"],
        "actor_token_type": ACCESS,
        "resource": target,
        "scope": "obo:vouchers:order",
    } | changes


def passed_on(token: str, target: str, **changes: Any) -> dict[str, Any]:
    """The form of a narrowing."""
    return {"subject_token": token, "subject_token_type": ACCESS, "resource": target} | changes


def refused(answer: requests.Response) -> str:
    """The OAuth error; there is no token in the answer, neither a new one nor one that was sent."""
    assert answer.status_code in {400, 401}, answer.text
    assert "access_token" not in answer.json()
    assert "eyJ" not in answer.text
    return str(answer.json()["error"])
