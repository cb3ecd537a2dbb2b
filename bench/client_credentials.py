"""Machine tokens a second: `client_secret_basic`, one scope, five minutes, signed with ES256."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from shared import load  # noqa: E402
from shared.measured import measure, plain  # noqa: E402
from shared.serving import MANDATES, place  # noqa: E402

from broker.flows.registry import secret_digest  # noqa: E402
from broker.records import Audience, Client  # noqa: E402

API = "https://reports.example.be/api"
SECRET = "a-secret-of-the-benchmark-alone"


def main() -> None:
    floor = plain()
    with place(MANDATES[0]) as country:
        reports = Audience(API, "Reports", "reports", machine_scopes=frozenset({"reports:read"}))
        client = Client(
            id="reporter", name="Reporter", profile="compatible", auth="client_secret_basic",
            scopes=frozenset({"reports:read"}), audiences=(API,), sector="reports",
            secret_sha256=secret_digest(SECRET),
        )  # fmt: skip
        country.register(client, reports)
        credentials = base64.b64encode(f"reporter:{SECRET}".encode()).decode()
        form = {"grant_type": "client_credentials", "scope": "reports:read"}
        request = load.post("/token", country.port, form, {"Authorization": f"Basic {credentials}"})
        measure("client_credentials", floor, country, lambda count: [request] * count, b'"access_token"')


if __name__ == "__main__":
    main()
