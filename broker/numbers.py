"""Check digits of Belgian numbers: python-stdnum behind the port `NumberChecks`.

`stdnum.be.ssn` takes national and BIS numbers alike; `stdnum.be.vat` is the
enterprise number.
"""

from __future__ import annotations

from datetime import date

from stdnum.be import bis, nn, ssn, vat
from stdnum.exceptions import ValidationError

from broker import days
from broker.errors import InvalidTypedNumberError
from mandates.model import Instant

MAJORITY = 18


class BelgianNumbers:
    """The numbers that people type and ACM sends, in their compact form."""

    def insz(self, typed: str) -> str:
        """Eleven digits. Raise `InvalidTypedNumberError`; the number itself is never in the text."""
        try:
            return str(ssn.validate(typed))
        except ValidationError:
            raise InvalidTypedNumberError("not a national or BIS number") from None

    def kbo(self, typed: str) -> str:
        """Ten digits. Raise `InvalidTypedNumberError`."""
        try:
            return str(vat.validate(typed))
        except ValidationError:
            raise InvalidTypedNumberError("not an enterprise number") from None

    def adult_at(self, insz: str) -> Instant | None:
        """When the holder of a checked number turns eighteen in Brussels; None if it does not say."""
        numbers = nn if nn.is_valid(insz) else bis
        born = numbers.get_birth_date(insz)
        if born is None:
            return None
        # Whoever was born on 29 February comes of age on 1 March (Civil Code article 388: full years).
        leap = born.month == 2 and born.day == 29
        birthday = date(born.year + MAJORITY, 3, 1) if leap else born.replace(year=born.year + MAJORITY)
        return days.first_instant(birthday)
