"""What the pages say when something does not go through: Dutch, plain, what happened and what to do."""

from __future__ import annotations

from demo.vouchers.sign_in import SignIn

_ENDED = {
    "mandate_revoked": "is beëindigd door {principal}",
    "mandate_waived": "is beëindigd door wie handelde",
    "mandate_withdrawn": "is ingetrokken en dus beëindigd",
    "mandate_expired": "is beëindigd: de einddatum is voorbij",
    "mandate_suspended": "is tijdelijk stopgezet",
    "mandate_scheduled": "is nog niet begonnen",
    "executor_ended": "is voor u beëindigd: u handelt niet meer voor deze organisatie",
    "executor_missing": "is voor u beëindigd: u handelt niet meer voor deze organisatie",
    "power_not_granted": "is beperkt: wat u vroeg, hoort er niet meer bij",
    "principal_deceased": "is beëindigd, omdat {principal} is overleden",
    "organisation_ceased": "is beëindigd, omdat de organisatie niet meer bestaat",
}
"""Reason of the mandate engine -> how the sentence "Uw volmacht voor X …" goes on."""

SIGNED_OUT = "Uw aanmelding is afgelopen. Meld u opnieuw aan."
_SESSION_OVER = frozenset({"session_ended", "login_required"})


def ended(sign_in: SignIn, reason: str) -> str:
    """Why there are no more tokens for this sign-in."""
    if not sign_in.delegated or reason in _SESSION_OVER:
        return SIGNED_OUT
    name = sign_in.principal_name
    return f"{_how_it_ended(name, reason)} U kunt hier niet meer namens {name} handelen."


def refused_dossier(name: str, reason: str) -> str:
    """Why nothing can be done under a mandate that this person acted under before."""
    if reason not in _ENDED:
        # Without a reason nobody knows whether it was the mandate or the sign-in: claim neither.
        return (
            f"U mag nu niet namens {name} handelen. Er is niets besteld. Meld u opnieuw aan, en kijk na of "
            "uw volmacht nog geldt."
        )
    return f"{_how_it_ended(name, reason)} Er is niets besteld."


def _how_it_ended(name: str, reason: str) -> str:
    how = _ENDED.get(reason, "is beëindigd").format(principal=name)
    return f"Uw volmacht voor {name} {how}."


def refused_sign_in(error: str) -> str:
    """Why the broker sent the person back without a sign-in."""
    if error == "access_denied":
        return "U hebt de aanmelding afgebroken, of u mag hier voor niemand handelen."
    if error in {"temporarily_unavailable", "server_error"}:
        return "Aanmelden lukt nu niet. Probeer het over enkele minuten opnieuw."
    return "De aanmelding is geweigerd. Probeer het opnieuw."


UNKNOWN_DOSSIER = "Dit dossier kennen we hier niet. Handel eerst namens deze persoon en probeer het opnieuw."
FORBIDDEN = "Dit mag u hier niet doen. Uw volmacht of uw aanmelding laat dit niet toe."
NOT_TRUSTED = "Het antwoord van de aanmelddienst klopt niet, dus u bent niet aangemeld. Probeer het opnieuw."
NOT_EXPECTED = "Deze aanmelding is verlopen of hoort niet bij deze browser. Meld u opnieuw aan."
BROKER_AWAY = (
    "De aanmelddienst antwoordt niet. Er is niets gewijzigd. Probeer het over enkele minuten opnieuw."
)
API_AWAY = (
    "De dienst antwoordt niet. We weten niet zeker of uw vraag is verwerkt: "
    "kijk dit na voor u het opnieuw doet."
)
FORM_EXPIRED = "Dit formulier is verlopen. Er is niets gewijzigd. Open de pagina opnieuw."
OTHER_PRINCIPAL = (
    "Dit formulier was gemaakt voor een andere persoon of onderneming dan voor wie u nu handelt. "
    "Dat gebeurt als u in een ander tabblad wisselde. Kijk na namens wie u nu handelt en begin opnieuw."
)
