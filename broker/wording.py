"""What people are told of a code: a title and what would mend it, in Dutch, French and English.

The codes are the engine's and the broker's; the words stand in `config/reasons.toml`, so that
whoever writes for people need not read code. A code without words is refused by a test, not by
a person's screen.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from config.settings import ROOT

LANGUAGES = ("nl", "fr", "en")
"""The first one is for everybody who asks for none of them."""
FILE = ROOT / "config" / "reasons.toml"


class WordingError(Exception):
    """The file of texts is not one: the text names the table and the language."""

    code = "invalid_wording"


@dataclass(frozen=True, slots=True)
class Wording:
    """Plain words for one code, in one language."""

    title: str
    mend: str


@cache
def wordings() -> dict[tuple[str, str], Wording]:
    """Every text by (code, language); read once a process."""
    return read(FILE)


def read(file: Path) -> dict[tuple[str, str], Wording]:
    """The texts of a file. Raise `WordingError` for a code that is not said twice in each language."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        (code, language): _wording(code, table, language)
        for code, table in tables.items()
        for language in LANGUAGES
    }


def say(code: str, language: str) -> Wording | None:
    """What people are told of this code; None for one that has no words."""
    return wordings().get((code, language))


def _wording(code: str, table: object, language: str) -> Wording:
    said = table.get(language) if isinstance(table, dict) else None
    if not isinstance(said, list) or len(said) != 2 or not all(isinstance(one, str) and one for one in said):
        raise WordingError(f"{code}.{language}: give a title and what would mend it")
    return Wording(*said)
