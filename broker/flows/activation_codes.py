"""The code on a letter: drawn, written, and read back whatever a hand made of it.

Crockford's base 32 has no I, L, O and U, so that nobody needs to tell them from 1, 0
and V. Eleven symbols are drawn at random (nearly 55 bits) and a twelfth checks them: the
number modulo 37, which finds every single wrong symbol and every two that changed
places. Five of the 37 check symbols would be punctuation marks and a U; a code that needs
one of those is drawn again, which costs a fifth of a bit.
"""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOLS = 11
"""Without the one that checks them."""
GROUP = 4
_CHECKS = 37
_MEANT = str.maketrans("OIL", "011")
_LONGEST = 64
"""Characters of what somebody typed that are looked at."""


def draw() -> str:
    """A new code, without separators."""
    while True:
        number = secrets.randbelow(32**SYMBOLS)
        if number % _CHECKS < len(ALPHABET):
            return _symbols(number) + ALPHABET[number % _CHECKS]


def written(code: str) -> str:
    """In groups of four, as a letter shows it."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def read(typed: str) -> str | None:
    """The code that was meant: case, spaces and hyphens do not count, O is 0, I and L are 1.

    None if it is none: too short, a symbol that no code has, or a typing error.
    """
    kept = "".join(symbol for symbol in typed[:_LONGEST].upper() if symbol.isalnum()).translate(_MEANT)
    if len(kept) != SYMBOLS + 1 or any(symbol not in ALPHABET for symbol in kept):
        return None
    number = 0
    for symbol in kept[:SYMBOLS]:
        number = number * 32 + ALPHABET.index(symbol)
    return kept if number % _CHECKS == ALPHABET.index(kept[SYMBOLS]) else None


def _symbols(number: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(SYMBOLS)))
