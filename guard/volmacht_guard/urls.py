"""Addresses in one spelling, so that two can be compared (RFC 3986 section 6.2, RFC 9449 section 4.3).

Whoever compares addresses as text refuses honest clients; whoever compares them
loosely lets a proof that was made for one door open the next. So an address is
brought into one form first, and whatever has no such form is refused.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes, urlsplit

MAX_URL = 2048
"""Characters of an address that we compare at all."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_IN_SEGMENT = "!$&'()*+,;=:@~"  # what a segment of a path may hold as it is (RFC 3986 section 3.3)


def normalised(url: str) -> str:
    """Return the http address in its one form, without query and fragment; raise `ValueError` if it has none.

    Scheme and host in lower case, no default port, `/` for an empty path (sections
    6.2.2.1 and 6.2.3). In the path every octet that may stand there as it is does
    so: more than section 6.2.2.2 asks for, because a WSGI server hands us paths
    decoded, and nobody serves `:` and `%3A` differently. An encoded slash stays
    encoded. Dot segments are refused, not resolved: no client sends them, and
    nothing that holds one can pretend to lie within another address.
    """
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        # `urlsplit` drops tabs and newlines: what is compared must be what was sent.
        raise ValueError("not an address")
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise ValueError("not an http address with a plain host")
    port = parts.port  # raises for one that is no port
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        authority = f"{authority}:{port}"
    return f"{parts.scheme}://{authority}{_path(parts.path)}"


def lies_within(url: str, base: str) -> bool:
    """Whether a normalised address is `base` or lies under it, segment by segment.

    Nothing lies within what is no address.
    """
    try:
        under = normalised(base)
    except ValueError:
        return False
    return url == under or url.startswith(under.rstrip("/") + "/")


def _path(path: str) -> str:
    segments = [quote(unquote_to_bytes(segment), safe=_IN_SEGMENT) for segment in path.split("/")]
    if not {".", ".."}.isdisjoint(segments):
        raise ValueError("the path is not resolved")
    return "/".join(segments) or "/"
