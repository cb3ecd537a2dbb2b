"""Check digits of Belgian numbers: python-stdnum behind the port `NumberChecks`.

`stdnum.be.ssn` takes national and BIS numbers alike; `stdnum.be.vat` is the
enterprise number.
"""

from __future__ import annotations

from stdnum.be import ssn, vat
from stdnum.exceptions import ValidationError

from broker.errors import InvalidTypedNumberError


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
