"""One GET to an address that somebody else chose, from inside our own network.

What such an address must not do, and where that is prevented:

- name a machine that only we can reach: every address that its host has must be public,
  by a list of what is public and not of what is private (`is_public`);
- name another machine when we connect than when we looked: the connection goes to the
  very address that was checked, while TLS verifies the host's name (`_connect`);
- send us on: redirects are refused like any answer but 200, and no proxy is asked;
- keep us busy: three seconds for all of it, the name's lookup included, and 64 kB.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeoutError
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

SECONDS = 3.0
MAX_BYTES = 64 * 1024
MAX_HEAD = 16 * 1024
MAX_ADDRESSES = 16
_CHUNK = 16 * 1024

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NEVER = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # IETF protocol assignments, Teredo among them: it carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: it carries an IPv4 address
        "3fff::/20",  # documentation
    )
]
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is handed out (RFC 4291 section 2.4): mapped, NAT64 and local addresses lie outside."""


class FetchError(Exception):
    """The document could not be had. The text names no address: it may come from a registration."""

    code: ClassVar[str] = "fetch_error"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and what its server says on keeping it."""

    body: bytes
    cache_control: str


def is_public(address: IPAddress) -> bool:
    """Whether this is a global unicast address that carries no other address inside."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    fine = address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    return fine and not any(address in network for network in _NEVER)


def is_acceptable(url: str, *, demo: bool = False) -> bool:
    """Whether a URL may be fetched at all: https and a plain host; http in a demo, on loopback alone."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0
    except ValueError:
        return False
    plain = bool(parts.hostname) and parts.username is None and parts.password is None and not parts.fragment
    # What is written into a request line must be one: no spaces, no line ends, no other alphabets.
    written = url.isascii() and url.isprintable() and " " not in url
    return plain and port_fits and written and (parts.scheme == "https" or (demo and parts.scheme == "http"))


class GuardedFetcher:
    """Fetches documents within the bounds above. In a demo loopback is allowed too, also by http."""

    def __init__(self, *, demo: bool = False, context: ssl.SSLContext | None = None) -> None:
        self._demo = demo
        self._context = context or ssl.create_default_context()
        # A lookup cannot be interrupted: it is left behind when it takes too long, and these are all
        # that can be left behind at a time.
        self._lookups = ThreadPoolExecutor(4, thread_name_prefix="jwks-lookup")

    def __call__(self, url: str) -> Fetched:
        """Fetch `url`; raise `FetchError`."""
        deadline = time.monotonic() + SECONDS
        if not is_acceptable(url, demo=self._demo):
            raise FetchError("this kind of address is not fetched")
        parts = urlsplit(url)
        try:
            addresses = self._look_up(parts, deadline)
            with self._connect(parts, addresses, deadline) as connection:
                return _exchange(connection, parts, deadline)
        except (OSError, HTTPException, ValueError, LookupTimeoutError) as error:
            raise FetchError(f"cannot be fetched: {type(error).__name__}") from None

    def _look_up(self, parts: SplitResult, deadline: float) -> list[str]:
        """Every address of the host, all of them allowed; one that is not refuses the name."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        asked: Future[Any] = self._lookups.submit(
            socket.getaddrinfo, parts.hostname, port, type=socket.SOCK_STREAM
        )
        found = [str(answer[4][0]) for answer in asked.result(timeout=_left(deadline))]
        allowed = self._allowed(parts.scheme)
        # A name that has a public and a private address is played with.
        if not found or len(found) > MAX_ADDRESSES or not all(allowed(_parsed(one)) for one in found):
            raise FetchError("the host is not a public one")
        return list(dict.fromkeys(found))

    def _allowed(self, scheme: str) -> Callable[[IPAddress], bool]:
        if not self._demo:
            return is_public
        if scheme == "http":
            return lambda address: address.is_loopback
        return lambda address: address.is_loopback or is_public(address)

    def _connect(self, parts: SplitResult, addresses: list[str], deadline: float) -> socket.socket:
        """A connection to the first of these very addresses that answers: no name is looked up again."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        failed: OSError = OSError()
        for address in addresses:
            try:
                plain = socket.create_connection((address, port), timeout=_left(deadline))
            except OSError as error:
                failed = error
                continue
            if parts.scheme == "http":
                return plain
            plain.settimeout(_left(deadline))
            return self._context.wrap_socket(plain, server_hostname=parts.hostname)
        raise failed


def _exchange(connection: socket.socket, parts: SplitResult, deadline: float) -> Fetched:
    """Ask, and read all of the answer within the deadline before any of it is looked at."""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Accept: application/jwk-set+json, application/json",
        "Accept-Encoding: identity",
        "User-Agent: volmacht",
        "Connection: close",
    )
    connection.settimeout(_left(deadline))
    connection.sendall("\r\n".join((*lines, "", "")).encode("ascii"))
    response = HTTPResponse(_Received(_read(connection, deadline)))  # type: ignore[arg-type] -- it asks for makefile alone
    response.begin()
    if response.status != 200 or response.getheader("Content-Encoding", "identity") != "identity":
        raise FetchError("the answer is not a plain 200")
    body = response.read()  # raises if less came than was announced
    if len(body) > MAX_BYTES:
        raise FetchError("the document is too large")
    return Fetched(body, response.getheader("Cache-Control", ""))


def _read(connection: socket.socket, deadline: float) -> bytes:
    received = bytearray()
    while True:
        # Set anew each time: a server that drips a byte at a time would outlive a fixed one.
        connection.settimeout(_left(deadline))
        chunk = connection.recv(_CHUNK)
        if not chunk:
            return bytes(received)
        received += chunk
        if len(received) > MAX_HEAD + 2 * MAX_BYTES:  # twice: chunks may be small
            raise FetchError("the answer is too large")


class _Received:
    """What was received, as the one thing that `HTTPResponse` asks of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._data)


def _parsed(text: str) -> IPAddress:
    """An address as the resolver writes it; one with a zone is of a local network."""
    if "%" in text:
        raise FetchError("the host is not a public one")
    return ipaddress.ip_address(text)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
