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
    evidence, approvals, suspensions, ended_powers = row[16], row[17], row[20], row[21]
    return Mandate(
        *row[:4],
        read_powers(row[4]),
        *row[5:10],
        _SOURCES[row[10]],
        *row[11:14],
        bool(row[14]),
        bool(row[15]),
        read_evidence(evidence) if evidence else _NO_EVIDENCE,
        read_approvals(approvals) if approvals else (),
        row[18],
        row[19],
        read_suspensions(suspensions) if suspensions else (),
        read_power_endings(ended_powers) if ended_powers else (),
        row[22],
        row[23],
        _ENDINGS[row[24]],
        row[25],
        row[26],
    )
