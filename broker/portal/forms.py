"""The forms of the portal: shape only; what is allowed is the engine's to say."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from broker.errors import InvalidTypedNumberError, NumberInTextError, TextTooLongError
from broker.ports import NumberChecks

MISSING = "Vul dit veld in."
NOT_A_DAY = "Kies een dag."
TOO_LONG = "Deze tekst is te lang. Houd het bij 2000 tekens."
MAX_TEXT = 2000
FAR = date(2200, 1, 1)
NUMBER = re.compile(r"(?<!\d)\d{2}[.\s]?\d{2}[.\s]?\d{2}[-.\s]?\d{3}[-.\s]?\d{2}(?!\d)")


class MandateForm(Schema):
    """The online form: whom, which powers, until when, on what it rests."""

    name = fields.String(
        required=True, validate=validate.Length(1, 200), error_messages={"required": MISSING}
    )
    insz = fields.String(required=True, validate=validate.Length(1, 30), error_messages={"required": MISSING})
    powers = fields.List(fields.String(validate=validate.Length(1, 100)), required=True)
    until = fields.Date(
        load_default=None,
        allow_none=True,
        validate=validate.Range(max=FAR),
        error_messages={"invalid": NOT_A_DAY},
    )
    evidence = fields.String(load_default="", validate=validate.Length(0, 2000))


class FormError(Exception):
    """What is wrong, field by field, in Dutch message ids."""

    code = "invalid_form"

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__("the form is incomplete")


def load_mandate_form(form: MultiDict[str, str]) -> dict[str, Any]:
    """The typed form. Raise `FormError` naming each field with what would mend it."""
    typed: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "insz", "evidence")}
    typed["powers"] = form.getlist("powers")
    typed["until"] = form.get("until") or None
    try:
        loaded: dict[str, Any] = MandateForm().load(typed)
    except ValidationError as error:
        raise FormError({name: _mend(name, typed) for name in error.messages_dict}) from error
    if not loaded["powers"]:
        raise FormError({"powers": "Kies minstens één bevoegdheid uit de lijst."})
    return loaded


def _mend(name: str, typed: dict[str, Any]) -> str:
    if name == "until":
        return NOT_A_DAY
    return TOO_LONG if typed.get(name) else MISSING


def load_grounds(form: MultiDict[str, str], numbers: NumberChecks) -> str:
    """Why something ends or is refused. It goes into the journal, so it is short and names no number.

    Raise `TextTooLongError`, `NumberInTextError`.
    """
    grounds = form.get("grounds", "").strip()
    if len(grounds) > MAX_TEXT:
        raise TextTooLongError
    for found in NUMBER.findall(grounds):
        with suppress(InvalidTypedNumberError):
            numbers.insz(found)
            raise NumberInTextError
    return grounds


def last_day_of(loaded: dict[str, Any]) -> date | None:
    """The last day that was chosen, if one was."""
    day = loaded["until"]
    return day if isinstance(day, date) else None
