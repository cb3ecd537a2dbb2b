"""One TOML table, read key by key, that says where it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mandates.errors import CatalogueError

LANGUAGES = ("nl", "fr", "en")
"""People read a power before they give it; none may be missing (mandates.md section 4)."""


class Table:
    """A table of the catalogue. Every reader raises `CatalogueError` with table and key.

    Keys that were read are remembered, so that `close` can name the ones that
    nobody asked for.
    """

    def __init__(self, name: str, unverified_content: Any) -> None:
        self._name = name
        if not isinstance(unverified_content, Mapping):
            msg = f"[{name}]: must be a table"
            raise CatalogueError(msg)
        self._content = unverified_content
        self._read: set[str] = set()

    def error(self, key: str, mend: str) -> CatalogueError:
        """An error at `key` of this table."""
        return CatalogueError(f"[{self._name}] {key}: {mend}")

    def _take(self, key: str) -> Any:
        self._read.add(key)
        return self._content.get(key)

    def tables(self, key: str) -> Mapping[str, Any]:
        """The tables under `key`, at least one."""
        found = self._take(key)
        if not isinstance(found, Mapping) or not found:
            raise self.error(key, "must hold at least one table")
        return found

    def label(self) -> dict[str, str]:
        """The label in each language."""
        table = Table(f"{self._name}.label", self._take("label"))
        label = {language: table.text(language) for language in LANGUAGES}
        table.close()
        return label

    def text(self, key: str) -> str:
        """A text that is not blank."""
        found = self._take(key)
        if not isinstance(found, str) or not found.strip():
            raise self.error(key, "is missing, or is not a text")
        return found

    def choice(self, key: str, among: Sequence[str], default: str | None = None) -> str:
        """One of these words; without a default the key is required."""
        found = self._take(key)
        if found is None and default is not None:
            return default
        if not isinstance(found, str) or found not in among:
            raise self.error(key, f"must be one of {', '.join(among)}")
        return found

    def words(self, key: str, among: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of different words; absent is empty, and empty means nobody or nothing."""
        found = self._take(key)
        if found is None:
            return ()
        if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
            raise self.error(key, "must be a list of texts")
        if len(set(found)) != len(found):
            raise self.error(key, "names something twice")
        for word in found:
            if among is not None and word not in among:
                raise self.error(key, f"knows no `{word}`; it can be {', '.join(among)}")
        return tuple(found)

    def flag(self, key: str) -> bool:
        """True or false; absent is false."""
        found = self._take(key)
        if found is not None and not isinstance(found, bool):
            raise self.error(key, "must be true or false")
        return bool(found)

    def count(self, key: str) -> int:
        """A whole number, 0 if absent."""
        return self._whole(key, least=0, default=0)

    def days(self, key: str, default: int | None = None) -> int:
        """A whole number of days, at least 1; without a default the key is required."""
        return self._whole(key, least=1, default=default)

    def _whole(self, key: str, *, least: int, default: int | None) -> int:
        found = self._take(key)
        if found is None and default is not None:
            return default
        # In Python `true` is a whole number too.
        if not isinstance(found, int) or isinstance(found, bool) or found < least:
            raise self.error(key, f"must be a whole number, at least {least}")
        return found

    def close(self) -> None:
        """Raise for the first key that nobody asked for."""
        for key in self._content:
            if key not in self._read:
                raise self.error(key, "is not a key of this table; look at the spelling")
