"""One table: what went wrong -> what the caller is told.

Rooms inside raise typed errors with a stable `code`. Only here does a code become
an OAuth error (RFC 6749 section 5.2), an HTTP status and a text for people. A code
that is not in the table is a fault of ours: `server_error` with an error id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mandates.decide import Reason


class FlowError(Exception):
    """A use case that cannot go on. `code` is stable; the text never holds personal data."""

    code: ClassVar[str] = "server_error"


class SessionEndedError(FlowError):
    """The person's sign-in at the broker is over."""

    code = "session_ended"


class UnknownOrganisationError(FlowError):
    """ACM named an organisation that is not registered here."""

    code = "unknown_organisation"


class IdentityConflictError(FlowError):
    """A second upstream identity for one national number: a reviewer must look."""

    code = "identity_conflict"

    def __init__(self, holder: str, claimant: str | None = None) -> None:
        self.holder, self.claimant = holder, claimant
        """Party ids: who has the number, and who signed in, if she is on record already."""
        super().__init__("somebody else has this national number")


class UpstreamError(FlowError):
    """The upstream refused, failed, or said something that does not verify."""

    code = "upstream_error"


class UpstreamRefusedError(FlowError):
    """The person cancelled at the upstream, or the upstream sent her back."""

    code = "upstream_refused"


class InteractionGoneError(FlowError):
    """The sign-in or choice is unknown, used, too old, or belongs to another browser."""

    code = "interaction_gone"


class FormExpiredError(FlowError):
    """A form without the token of this session (cross-site request forgery)."""

    code = "form_expired"


class LevelTooLowError(FlowError):
    """The login is weaker than what the service asks."""

    code = "unmet_authentication_requirements"


class NotFoundHereError(FlowError):
    """Unknown, or not hers: both answer alike."""

    code = "not_found"


class InvalidTypedNumberError(FlowError):
    """A typed number whose check digits do not agree."""

    code = "invalid_number"


class InvalidTargetError(FlowError):
    """The audience asked for is unknown to this client, or it must name one (RFC 8707 section 2)."""

    code = "invalid_target"


class ClientKeysError(FlowError):
    """The keys that a client publishes itself cannot be had now, or are none (`jwks_uri`)."""

    code = "client_keys"


class InvalidScopeError(FlowError):
    """Scopes beyond the grant, or none that gives a power (RFC 6749 section 6)."""

    code = "invalid_scope"


class TextTooLongError(FlowError):
    """A text that would stand in the journal for ever is longer than anybody reads."""

    code = "text_too_long"


class NumberInTextError(FlowError):
    """A national number in a text that goes into the journal, where none may ever stand."""

    code = "number_in_text"


class StaleError(FlowError):
    """The store here does not know the revision yet that the caller asked for; ask again in a moment."""

    code = "stale"


class InvalidPlaceError(FlowError):
    """The place where a page should begin was not given by an earlier page of this list."""

    code = "invalid_place"


class UnreadableFileError(FlowError):
    """A file that cannot be taken in, and why: nothing of it is stored.

    `fault` is stable; the text says what would mend it, with the line and the column's title,
    and never what stands in a cell.
    """

    code = "unreadable_file"

    def __init__(self, fault: str, text: str, line: int | None = None) -> None:
        self.fault, self.line = fault, line
        super().__init__(text if line is None else f"line {line}: {text}")


class NotValidatedError(FlowError):
    """A file is applied after it was validated whole, not before (mandates.md section 6)."""

    code = "not_validated"


class VersionError(FlowError):
    """The mandate is not the version that the caller looked at."""

    code = "version_mismatch"


class SourceMissingError(FlowError):
    """A fact about a party without a word on who says so: register, letter or person."""

    code = "source_missing"


class FutureDateError(FlowError):
    """A fact that takes effect later: report it when it has happened."""

    code = "future_date"


class InvalidHappeningError(FlowError):
    """What was reported cannot happen to this party, or lacks the other party that it needs."""

    code = "invalid_happening"


class InvalidImportError(FlowError):
    """The file holds lines that cannot be taken; `faults` names each, and nothing was stored."""

    code = "invalid_import"

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


class CodeRefusedError(FlowError):
    """An activation code that does nothing here: mistyped, unknown, old or somebody else's, all alike."""

    code = "code_refused"


class InvalidDocumentError(FlowError):
    """A paper that cannot be kept: empty, too large, or of another kind than PDF, JPEG and PNG."""

    code = "invalid_document"


class TooManyTriesError(FlowError):
    """Too many codes were tried by this person or from this address."""

    code = "too_many_tries"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        """Seconds until the next try."""
        super().__init__("too many codes were tried; wait before the next one")


class AddressMissingError(FlowError):
    """No address on record to which a letter can go."""

    code = "address_missing"


class InvalidGrantError(FlowError):
    """A code or refresh token that gives nothing (any more)."""

    code = "invalid_grant"


class InvalidDetailsError(FlowError):
    """`authorization_details` at the token endpoint that name another mandate, or more of it (RFC 9396)."""

    code = "invalid_authorization_details"


class ProofMissingError(FlowError):
    """A token that must be bound to a key, and no proof of any (RFC 9449 section 5)."""

    code = "proof_missing"


class ExchangeRefusedError(FlowError):
    """A subject or actor token that cannot be exchanged (RFC 8693 section 2.2.2).

    The text says which and why, as far as the caller may know; `reason` is the engine's code,
    about a mandate that is the actor's.
    """

    code = "exchange_refused"

    def __init__(self, text: str, reason: str | None = None) -> None:
        self.reason = reason
        super().__init__(text)


class JudgedError(FlowError):
    """The engine said no. `reasons` are its own; the first is the OAuth member `reason`."""

    code = "mandate_refused"

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        self.reasons = reasons
        super().__init__("the mandate engine refused: " + ", ".join(reason.code for reason in reasons))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the world is told of one code."""

    oauth: str
    status: int
    text: str
    """Dutch, plain: the message id of the catalogues."""


UNEXPECTED = Answer("server_error", 500, "Er ging iets mis bij ons. Probeer het straks opnieuw.")

ANSWERS: dict[str, Answer] = {
    "session_ended": Answer("login_required", 401, "Uw sessie is afgelopen. Meld u opnieuw aan."),
    "unknown_organisation": Answer(
        "access_denied",
        403,
        "Uw organisatie is hier niet bekend. Vraag de uitgever van de dienstencheques om ze toe te voegen.",
    ),
    "identity_conflict": Answer(
        "access_denied",
        403,
        "Er is al een profiel met uw rijksregisternummer. Neem contact op met de uitgever.",
    ),
    "upstream_error": Answer(
        "temporarily_unavailable",
        502,
        "Aanmelden via ACM lukt nu niet. Probeer het over enkele minuten opnieuw.",
    ),
    "upstream_refused": Answer(
        "access_denied", 403, "U hebt het aanmelden bij ACM afgebroken. U kunt het opnieuw proberen."
    ),
    "interaction_gone": Answer(
        "invalid_request", 400, "Deze aanmelding is verlopen of al gebruikt. Begin opnieuw bij de dienst."
    ),
    "form_expired": Answer(
        "invalid_request", 400, "Dit formulier is verlopen. Laad de pagina opnieuw en probeer nog eens."
    ),
    "unmet_authentication_requirements": Answer(
        "unmet_authentication_requirements",
        403,
        "Voor deze dienst moet u zich sterker aanmelden, bijvoorbeeld met eID of itsme.",
    ),
    "not_found": Answer("invalid_request", 404, "Dit bestaat niet, of u hebt er geen toegang toe."),
    "invalid_number": Answer("invalid_request", 400, "Dit nummer klopt niet. Kijk de cijfers na."),
    "invalid_target": Answer("invalid_target", 400, "De dienst vroeg toegang tot een onbekende toepassing."),
    "invalid_scope": Answer("invalid_scope", 400, "De dienst vroeg meer dan u hebt toegestaan."),
    "text_too_long": Answer("invalid_request", 400, "Deze tekst is te lang. Houd het bij 2000 tekens."),
    "number_in_text": Answer(
        "invalid_request", 400, "Schrijf geen rijksregisternummer in deze tekst. Ga terug en laat het weg."
    ),
    "stale": Answer(
        "temporarily_unavailable", 503, "Deze gegevens zijn nog niet bijgewerkt. Probeer het straks opnieuw."
    ),
    "invalid_place": Answer("invalid_request", 400, "Deze lijst is veranderd. Begin opnieuw bij het begin."),
    "version_mismatch": Answer(
        "invalid_request", 412, "Iemand anders heeft dit intussen gewijzigd. Laad de pagina opnieuw."
    ),
    "duplicate": Answer(
        "invalid_request",
        409,
        "Deze volmacht bestaat al of wacht al op goedkeuring. Verleng ze, of beëindig ze eerst.",
    ),
    "not_renewable": Answer(
        "invalid_request", 409, "Deze volmacht kan nu niet worden verlengd. Vraag een nieuwe aan."
    ),
    "not_passable": Answer("invalid_request", 409, "Deze volmacht kan zo niet worden doorgegeven."),
    "undo_too_late": Answer("invalid_request", 409, "Dit kon enkel op dezelfde dag ongedaan worden gemaakt."),
    "source_missing": Answer("invalid_request", 400, "Schrijf wie of welk register dit zegt."),
    "future_date": Answer(
        "invalid_request", 400, "Deze datum ligt in de toekomst. Meld dit wanneer het zover is."
    ),
    "invalid_happening": Answer(
        "invalid_request", 400, "Dit kan niet gebeurd zijn met deze persoon of organisatie."
    ),
    "unreadable_file": Answer(
        "invalid_request",
        400,
        "Wij kunnen dit bestand niet inlezen. Kijk het formaat en de kolomtitels na. Er is niets bewaard.",
    ),
    "not_validated": Answer(
        "invalid_request", 409, "Laat het bestand eerst nakijken. Daarna kunt u het uitvoeren."
    ),
    "invalid_import": Answer("invalid_request", 400, "In dit bestand staan fouten. Er is niets bewaard."),
    "code_refused": Answer(
        "invalid_request",
        400,
        "Deze code klopt niet of geldt niet meer. Kijk de tekens na of vraag een nieuwe code.",
    ),
    "invalid_document": Answer("invalid_request", 400, "Breng een PDF, JPEG of PNG van ten hoogste 5 MB."),
    "too_many_tries": Answer(
        "access_denied", 429, "Er werd te vaak een verkeerde code ingevuld. Probeer het over een uur opnieuw."
    ),
    "address_missing": Answer(
        "invalid_request", 409, "Er is geen adres bekend om de brief naartoe te sturen."
    ),
    "client_keys": Answer(
        "invalid_client", 400, "De sleutels van deze dienst zijn niet te vinden op het adres dat zij opgaf."
    ),
    "invalid_grant": Answer("invalid_grant", 400, "Deze code is niet (meer) geldig."),
    "invalid_authorization_details": Answer(
        "invalid_authorization_details", 400, "De dienst vroeg meer dan u hebt toegestaan."
    ),
    "proof_missing": Answer("invalid_dpop_proof", 400, "De dienst vroeg meer dan u hebt toegestaan."),
    "exchange_refused": Answer(
        "invalid_request", 400, "U kunt niet (meer) namens deze persoon of organisatie handelen."
    ),
    "mandate_refused": Answer(
        "invalid_grant", 400, "U kunt niet (meer) namens deze persoon of organisatie handelen."
    ),
    "conflict": Answer(
        "invalid_request", 409, "Iemand anders heeft dit intussen gewijzigd. Laad de pagina opnieuw."
    ),
    "unavailable": Answer(
        "temporarily_unavailable", 503, "Wij zijn even niet bereikbaar. Probeer het straks opnieuw."
    ),
    "not_allowed": Answer("access_denied", 403, "U mag dit niet doen in uw rol."),
    "own_request": Answer(
        "access_denied", 403, "U kunt uw eigen aanvraag niet goedkeuren. Vraag het een collega."
    ),
    "not_eligible": Answer(
        "invalid_request", 400, "Deze partijen kunnen dit soort volmacht niet geven of krijgen."
    ),
    "invalid_period": Answer(
        "invalid_request",
        400,
        "Deze periode kan niet. Kies een einddatum na de begindatum, binnen de langste termijn.",
    ),
    "invalid_powers": Answer("invalid_request", 400, "Kies minstens één bevoegdheid uit de lijst."),
    "evidence_required": Answer(
        "invalid_request", 400, "Schrijf waarop deze volmacht steunt (het bewijsstuk)."
    ),
    "wrong_state": Answer("invalid_request", 409, "Dit kan niet meer: de volmacht is intussen veranderd."),
    "assurance_too_low": Answer(
        "unmet_authentication_requirements",
        403,
        "Hiervoor moet u zich sterker aanmelden, bijvoorbeeld met eID of itsme.",
    ),
}


def answer_to(error: Exception) -> Answer:
    """Look an error up by its `code`; the unknown is `UNEXPECTED`."""
    return ANSWERS.get(getattr(error, "code", ""), UNEXPECTED)
