"""Base64url without padding (RFC 7515 section 2), one spelling for each value."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode


def encode_base64url(value: bytes) -> str:
    """Return the encoding of `value`, without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return the bytes that `text` encodes; raise `ValueError` unless it is their only spelling.

    The library's decoder skips foreign characters and ignores spare bits, which
    would give one value many spellings, and a replay or deny list many holes.
    """
    value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(value) != text:
        raise ValueError("not canonical base64url")
    return value
