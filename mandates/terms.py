"""What a request must say for itself: a period, powers, evidence.

Instants here are seconds; the whole days that people type, last day included,
were made into instants at the edge (mandates.md section 6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mandates.errors import EvidenceRequiredError, InvalidPeriodError, InvalidPowersError
from mandates.mandate_type import DAY, MandateType
from mandates.model import Evidence, Instant

SUMMER_TIME = 3_600
"""Seconds. The day in autumn on which the clock goes back lasts 25 hours, so a period of
whole days in Brussels can be this much longer than as many times 24 hours."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


def period(
    mandate_type: MandateType,
    valid_from: Instant,
    valid_until: Instant | None,
    now: Instant,
    latest: Instant | None = None,
) -> tuple[Instant, Instant]:
    """The period, filled in and checked; raise `InvalidPeriodError`.

    Somebody who types today means from now on: a start earlier today becomes
    `now`, for a mandate never covers what was done before it was asked. A start
    longer ago is a mistake. Without an end the type's default duration counts, until
    `latest` if there is such an instant.
    """
    if valid_from < now - DAY - SUMMER_TIME:
        raise InvalidPeriodError("the period must not begin in the past; begin it today")
    if valid_until is None:
        valid_until = max(valid_from, now) + mandate_type.default_days * DAY
        valid_until = valid_until if latest is None else min(valid_until, latest)
    if latest is not None and valid_until > latest:
        raise InvalidPeriodError("it can last until the principal turns eighteen")
    if valid_until - valid_from > mandate_type.longest_days * DAY + SUMMER_TIME:
        msg = f"the period can be {mandate_type.longest_days} days at most"
        raise InvalidPeriodError(msg)
    valid_from = max(valid_from, now)
    if valid_until <= valid_from:
        raise InvalidPeriodError("the period must end after it begins, and after now")
    return valid_from, valid_until


def powers(mandate_type: MandateType, asked: Sequence[str]) -> tuple[str, ...]:
    """The powers asked, in the order of the catalogue; raise `InvalidPowersError`."""
    if not asked:
        raise InvalidPowersError("name at least one power")
    if len(set(asked)) != len(asked):
        raise InvalidPowersError("name each power once")
    if not set(asked) <= set(mandate_type.powers):
        msg = f"this type has these powers only: {', '.join(mandate_type.powers)}"
        raise InvalidPowersError(msg)
    return tuple(power for power in mandate_type.powers if power in asked)


def check_evidence(mandate_type: MandateType, evidence: Evidence) -> None:
    """Raise `EvidenceRequiredError` if the type asks for evidence, or if what was given is none."""
    if evidence.sha256 is not None and not _SHA256.fullmatch(evidence.sha256):
        raise EvidenceRequiredError("the SHA-256 of the document must be 64 lower case hex digits")
    if mandate_type.document_required and evidence.sha256 is None:
        raise EvidenceRequiredError("name the document that the request rests on by its SHA-256")
    if mandate_type.evidence_required and evidence.sha256 is None and not evidence.note.strip():
        raise EvidenceRequiredError("say what the request rests on, or add the signed form")
