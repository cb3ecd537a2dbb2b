"""How a name is sorted and found: without case, accents and punctuation, word by word."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")


def key_of(name: str) -> str:
    """Return `name` folded: "Peeters-Noël, Zoë" sorts and is found as "peeters noel zoe"."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    return " ".join(_WORD.findall(bare.casefold()))


def word_beginning(typed: str) -> str:
    r"""LIKE pattern (escape `\`) for a key in which a word begins with what was typed.

    It is matched with a blank before the key, so that the first word begins like any other.
    Where no letter or digit was typed it matches no name, for none was named.
    """
    folded = key_of(typed)
    return f"% {literally(folded)}%" if folded else literally("%")


def word_begins(key: str, typed: str) -> bool:
    """Whether a word of this key begins with what was typed: what the pattern says, for one name."""
    folded = key_of(typed)
    return bool(folded) and f" {folded}" in f" {key}"


def literally(text: str) -> str:
    r"""`text` for a LIKE pattern (escape `\`): its wildcards mean themselves."""
    return re.sub(r"([\\%_])", r"\\\1", text)
