"""Base64url without padding (RFC 7515 section 2), one spelling for each value."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import a2b_base64

_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
"""To the alphabet that `binascii` reads; in neither stands `!`."""
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""What the last character may be, so many past a multiple of four: the bits that it has over are nought."""


def encode_base64url(value: bytes) -> str:
    """Return the encoding of `value`, without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return the bytes that `text` encodes; raise `ValueError` unless it is their only spelling.

    The library's decoder skips foreign characters and ignores spare bits, which
    would give one value many spellings, and a replay or deny list many holes.
    """
    over = len(text) % 4
    if over and text[-1] not in _LAST[over]:
        raise ValueError("not canonical base64url")
    return a2b_base64(text.encode("ascii").translate(_STANDARD) + b"=" * (-over % 4), strict_mode=True)
