"""The wire to one upstream: kept connections, bounded answers, no redirects and no cookies.

One adapter of requests serves every thread, without a session around it: that would keep cookies,
follow redirects, read a `.netrc` that speaks in our name, and cost as much again. Proxies and
certificate bundles of the environment are looked up once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from broker.errors import UpstreamError

TIMEOUT = 10
MAX_BYTES = 256 * 1024
DEFAULT_SECONDS = 300
MAX_SECONDS = 24 * 3600
_HEADERS = {"Accept": "application/json"}


class UpstreamConnection:
    """JSON objects from an upstream, or `UpstreamError`. Made for so many threads at once."""

    def __init__(self, threads: int) -> None:
        self._http = HTTPAdapter(pool_maxsize=threads)
        self._environments: dict[str, Mapping[str, Any]] = {}

    def get(self, address: str) -> tuple[dict[str, Any], int]:
        """The object at this address, and for how many seconds it may be kept."""
        return self._exchange("GET", address)

    def post(
        self, address: str, form: Mapping[str, str], credentials: tuple[str, str] | None
    ) -> dict[str, Any]:
        """The answer to a form, sent once and not again; `credentials` go as HTTP Basic."""
        return self._exchange("POST", address, data=form, auth=credentials)[0]

    def _exchange(self, method: str, address: str, **sent: Any) -> tuple[dict[str, Any], int]:
        environment = self._environment(address)
        try:
            request = requests.Request(method, address, headers=_HEADERS, **sent).prepare()
            with self._http.send(request, timeout=TIMEOUT, **environment) as response:
                response.raise_for_status()
                text = response.raw.read(MAX_BYTES + 1, decode_content=True)
                seconds = _max_age(response.headers.get("Cache-Control", ""))
            if len(text) > MAX_BYTES:
                raise UpstreamError("the upstream's answer is larger than 256 kB")
            body = requests.models.complexjson.loads(text)
        except (requests.RequestException, ValueError, OSError) as error:
            raise UpstreamError("the upstream does not answer as it should") from error
        if not isinstance(body, dict):
            raise UpstreamError("the upstream's answer is not a JSON object")
        return body, seconds

    def _environment(self, address: str) -> Mapping[str, Any]:
        """Proxies and certificates for this origin, as the environment had them at its first use."""
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._environments:
            trusting = requests.Session()
            self._environments[origin] = trusting.merge_environment_settings(origin, {}, True, None, None)
        return self._environments[origin]


def _max_age(cache_control: str) -> int:
    """Seconds that the header allows; ACM asks that it be respected."""
    found = re.search(r"max-age=(\d{1,6})", cache_control)
    return min(int(found.group(1)), MAX_SECONDS) if found else DEFAULT_SECONDS
