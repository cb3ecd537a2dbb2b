"""The bits of a Token Status List: one per token, the first in the lowest bit of the first byte.

Both directions stand here, because the broker that writes a list and the
service that reads it must not have two opinions of it (Token Status List
sections 4.1 and 4.2).
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from volmacht_guard.fetch import inflate
from volmacht_guard.jws import decode_base64url

MAX_LIST_BYTES = 1 << 20
"""Unpacked; eight million tokens, eight times what the broker puts in one list."""


def encode_bits(bits: bytes) -> str:
    """Return `lst`: the bytes, deflated in the zlib format, as base64url."""
    return urlsafe_b64encode(zlib.compress(bits, 9)).rstrip(b"=").decode("ascii")


def encode_list(size: int, set_indices: Iterable[int]) -> str:
    """Return `lst` for `size` tokens of which those at `set_indices` are revoked.

    Raises `ValueError` for an index outside the list.
    """
    bits = bytearray((size + 7) // 8)
    for index in set_indices:
        if not 0 <= index < size:
            raise ValueError("an index lies outside the list")
        bits[index >> 3] |= 1 << (index & 7)
    return encode_bits(bytes(bits))


def decode_list(lst: str, max_bytes: int = MAX_LIST_BYTES) -> bytes:
    """Return the bytes behind `lst`; raise `ValueError` if it is malformed or larger than `max_bytes`."""
    return inflate(decode_base64url(lst), max_bytes)


def is_set(bits: bytes, index: int) -> bool:
    """Whether the bit at `index` is set; raise `ValueError` outside the list."""
    if not 0 <= index < len(bits) * 8:
        raise ValueError("an index lies outside the list")
    return bool(bits[index >> 3] >> (index & 7) & 1)
