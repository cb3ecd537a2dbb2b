"""What the engine refuses, one class for each reason.

`code` is stable and may be shown to callers; the text says what would mend it.
No text holds a name, a national number or a token: parties and mandates are
spoken of by their part in the matter.
"""

from __future__ import annotations

from mandates.model import Level


class MandateError(Exception):
    """The engine refuses; `code` says why, the text says what would mend it."""

    code: str = "mandate_error"


class CatalogueError(MandateError):
    """The catalogue is not one: the text names the table and the key."""

    code = "invalid_catalogue"


class NotAllowedError(MandateError):
    """This person, in this capacity, may not do this."""

    code = "not_allowed"


class OwnRequestError(MandateError):
    """A person never approves her own request, in whatever capacity (mandates.md section 4)."""

    code = "own_request"


class NotEligibleError(MandateError):
    """These two parties cannot stand in a mandate of this type."""

    code = "not_eligible"


class InvalidPeriodError(MandateError):
    """The period is empty, in the past, or longer than the type allows."""

    code = "invalid_period"


class InvalidPowersError(MandateError):
    """No power at all, one twice, or one that the type does not have."""

    code = "invalid_powers"


class EvidenceRequiredError(MandateError):
    """The type asks what the request rests on, and nothing usable was given."""

    code = "evidence_required"


class WrongStateError(MandateError):
    """The mandate is past this step, or not yet at it."""

    code = "wrong_state"


class DuplicateError(MandateError):
    """The same mandate runs or waits already between these two; renew that one instead."""

    code = "duplicate"


class NotRenewableError(MandateError):
    """The type is not renewed, or it is too early or too late for it."""

    code = "not_renewable"


class NotPassableError(MandateError):
    """The mandate cannot be passed on, or not this widely, or not once more."""

    code = "not_passable"


class UndoTooLateError(MandateError):
    """What ended in a cascade can be taken back the same day only."""

    code = "undo_too_late"


class AssuranceTooLowError(MandateError):
    """The login was too weak for this act; one at `needed` or above mends it."""

    code = "assurance_too_low"

    def __init__(self, needed: Level) -> None:
        super().__init__(f"sign in again with assurance {needed.name.lower()} or higher")
        self.needed = needed
