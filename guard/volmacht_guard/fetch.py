"""One GET to the broker, bounded in time and in size.

Standard library: a service that installs the guard gets no HTTP client with it.
Redirects are not followed at all, so that whoever controls one address cannot
send us to another, inside the service's own network for instance.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from volmacht_guard import clock

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CHUNK = 65_536
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", re.IGNORECASE)


class FetchError(Exception):
    """The document could not be had. Caught by the sources, which know what to do without it."""

    code = "fetch_error"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, unpacked, and how many seconds its server lets it be kept (None: not said)."""

    body: bytes
    max_age: int | None = None


Fetch = Callable[[str, str, float, int], Fetched]
"""(url, accepted media type, timeout in seconds, most bytes) -> document; raises `FetchError`."""


def origin_of(url: str) -> tuple[str, str, int]:
    """Return (scheme, host, port) of an address that we may fetch; raise `ValueError`.

    https, or http to this very machine; no user names, which serve to make one
    host look like another.
    """
    parts = urlsplit(url)
    host = parts.hostname
    if not host or parts.username is not None or parts.password is not None:
        raise ValueError("the address has no plain host")
    if parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK):
        return parts.scheme, host, parts.port or (443 if parts.scheme == "https" else 80)
    raise ValueError("the address is not https")


def http_get(url: str, accept: str, timeout: float, max_bytes: int) -> Fetched:
    """Fetch `url` within `timeout` seconds in all; raise `FetchError`."""
    try:
        _, host, _ = origin_of(url)
        request = Request(url, headers={"Accept": accept, "Accept-Encoding": "gzip"})  # noqa: S310 - origin_of has refused other schemes
        deadline = clock.monotonic() + timeout
        with _opener(host).open(request, timeout=timeout) as response:
            body = _read(response, deadline, max_bytes)
            if response.headers.get("Content-Encoding", "identity").lower() == "gzip":
                body = inflate(body, max_bytes, zlib.MAX_WBITS | 16)
            said = _MAX_AGE.search(response.headers.get("Cache-Control", ""))
    except (OSError, HTTPException, ValueError) as error:
        raise FetchError(f"cannot be fetched: {type(error).__name__}") from error
    return Fetched(body, int(said[1]) if said else None)


def inflate(packed: bytes, max_bytes: int, wbits: int = zlib.MAX_WBITS) -> bytes:
    """Return `packed` unpacked, at most `max_bytes` long; raise `ValueError`.

    A small body can unpack to gigabytes, so the limit holds while unpacking.
    """
    unpacker = zlib.decompressobj(wbits)
    try:
        body = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        raise ValueError("not compressed data") from None
    if len(body) > max_bytes or not unpacker.eof or unpacker.unused_data:
        raise ValueError("too much, too little or trailing data")
    return body


def _read(response: HTTPResponse, deadline: float, max_bytes: int) -> bytes:
    # The socket's timeout is for one read: a server that drips a byte at a time would outlive it.
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise ValueError("the document is too large")
        if clock.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def _opener(host: str) -> OpenerDirector:
    """Return an opener without handlers for redirects, files, ftp or cookies."""
    opener = OpenerDirector()
    handlers = [HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()]
    for handler in handlers if host in _LOOPBACK else [*handlers, ProxyHandler()]:
        opener.add_handler(handler)
    return opener
