"""From a row as the driver gives it to a value of the engine: the warm path of every decision.

SQLAlchemy would convert column by column through the column types; a decision
has 0.2 ms for everything, so these functions do the same in one go. They take
the columns in the order of the fields, and a test holds them against the types.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from broker.storage.columns import (
    read_approvals,
    read_evidence,
    read_power_endings,
    read_powers,
    read_suspensions,
)
from mandates.model import Ending, Evidence, Mandate, Source

MANDATE_COLUMNS = tuple(one.name for one in fields(Mandate))
"""In the order that `mandate_of` takes them."""
_SOURCES = {str(source): source for source in Source}
_ENDINGS: dict[str | None, Ending | None] = {None: None} | {str(ending): ending for ending in Ending}
_NO_EVIDENCE = Evidence()


def mandate_of(row: Sequence[Any]) -> Mandate:
    """Return the mandate of a row with the columns of `Mandate` in order."""
    values = list(row)
    values[4] = read_powers(row[4])
    values[10] = _SOURCES[row[10]]
    values[14], values[15] = bool(row[14]), bool(row[15])
    # Most are empty, and an empty one is not worth a call.
    values[16] = read_evidence(row[16]) if row[16] else _NO_EVIDENCE
    values[17] = read_approvals(row[17]) if row[17] else ()
    values[20] = read_suspensions(row[20]) if row[20] else ()
    values[21] = read_power_endings(row[21]) if row[21] else ()
    values[24] = _ENDINGS[row[24]]
    return Mandate(*values)
