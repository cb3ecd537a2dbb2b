"""Free texts end up in the journal for ever, where no national number may ever stand."""

from __future__ import annotations

import re
from contextlib import suppress

from broker.errors import InvalidTypedNumberError, NumberInTextError, TextTooLongError
from broker.ports import NumberChecks

LONGEST = 2000
_NUMBER = re.compile(r"(?<!\d)\d{2}[.\s]?\d{2}[.\s]?\d{2}[-.\s]?\d{3}[-.\s]?\d{2}(?!\d)")


def check(numbers: NumberChecks, *texts: str) -> None:
    """Raise `TextTooLongError` or `NumberInTextError`."""
    for text in texts:
        if len(text) > LONGEST:
            raise TextTooLongError
        for found in _NUMBER.findall(text):
            with suppress(InvalidTypedNumberError):
                numbers.insz(found)
                raise NumberInTextError
