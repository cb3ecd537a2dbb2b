"""Introspections a second: a service with a secret asks about delegated tokens, status from PostgreSQL."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from shared import load  # noqa: E402
from shared.measured import measure, plain  # noqa: E402
from shared.serving import MANDATES, place  # noqa: E402
from shared.shares import environ  # noqa: E402
from token_exchange import MARKER, SCOPES, TARGET, Exchange  # noqa: E402

from broker.app import create_app  # noqa: E402
from broker.flows.registry import secret_digest  # noqa: E402
from broker.records import Client  # noqa: E402

SECRET = "a-secret-of-the-benchmark-alone"
TOKENS = 200


def delegated(sent: Exchange) -> list[str]:
    """Tokens for beneficiaries, exchanged as a back end does."""
    app, found = create_app(sent.place.services.settings, sent.place.services), []
    for request in sent.requests(TOKENS):
        body = b"".join(app(environ(request), lambda *_: None))
        if MARKER not in body:
            raise SystemExit(f"not the expected answer: {body[:300]!r}")
        found.append(json.loads(body)["access_token"])
    return found


def main() -> None:
    floor = plain()
    with place(MANDATES[0]) as country:
        sent = Exchange(country)
        service = Client(
            id="vouchers-api", name="Vouchers", profile="compatible", auth="client_secret_basic",
            scopes=SCOPES, serves=(TARGET,), sector="vouchers", secret_sha256=secret_digest(SECRET),
        )  # fmt: skip
        country.register(service)
        credentials = base64.b64encode(f"vouchers-api:{SECRET}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
        made = [load.post("/introspect", country.port, {"token": one}, headers) for one in delegated(sent)]
        measure(
            "introspection", floor, country, lambda count: [made[n % TOKENS] for n in range(count)], b'"act"'
        )


if __name__ == "__main__":
    main()
