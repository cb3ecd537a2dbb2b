"""Asking for a mandate, seeing it, and what may be done to it."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from broker.endpoints.schemas.fields import (
    INSTANT,
    WORD,
    JournalText,
    PageQuery,
    PartySchema,
    Reference,
    Text,
    words,
)

DAY = "First or last whole day in Europe/Brussels; the last one counts"
STATES = (
    "awaiting", "scheduled", "active", "suspended", "expired", "refused", "cancelled", "lapsed",
    "revoked", "waived", "withdrawn", "superseded", "cascaded", "session_ended",
)  # fmt: skip
ROLES = ("given", "held", "requested", "waiting")


class NamedSchema(Schema):
    """A party, named in exactly one way."""

    identifier = Reference(
        metadata={"description": "A reference of this client's sector; for a person with her `name`"}
    )
    insz = Text(20, 1, metadata={"description": "National number as typed, with the `name` as typed"})
    name = Text(WORD, 1)
    kbo = Text(20, 1, metadata={"description": "Enterprise number as typed"})
    me = fields.Boolean(truthy={True}, falsy=set())
    my_organisation = fields.Boolean(truthy={True}, falsy=set())

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        if len(data.keys() & {"identifier", "insz", "kbo", "me", "my_organisation"}) != 1:
            raise ValidationError("Name the party in one way: identifier, insz, kbo, me or my_organisation.")
        # A number or a pseudonym with no name would be a question "whose is this?" (mandates.md section 4).
        person = "insz" in data or data.get("identifier", "").startswith("p-")
        if person is not ("name" in data):
            raise ValidationError("A person goes with her name as you know it; nobody else does.", "name")


class AskSchema(Schema):
    """A request for a mandate; the same rules as the form and the file."""

    type = Text(WORD, 1, required=True)
    principal = fields.Nested(NamedSchema, required=True)
    representative = fields.Nested(NamedSchema, required=True)
    powers = words(required=True)
    first_day = fields.Date(metadata={"description": f"{DAY}. Default: now"})
    last_day = fields.Date(metadata={"description": f"{DAY}. Default: the type's own term"})
    evidence = JournalText(load_default="")
    sha256 = fields.String(
        validate=validate.Regexp(r"[0-9a-f]{64}\Z"),
        metadata={"description": "Of the signed form, hex; bring it first to /documents"},
    )
    whole = fields.Boolean(
        load_default=True, metadata={"description": "For an executor: for everybody, or for a caseload"}
    )


class PowerEndingSchema(Schema):
    """A power that ended before its mandate."""

    power = fields.String()
    at = fields.Integer(metadata={"description": INSTANT})


class MandateSchema(Schema):
    """A mandate as this person may see it, with what she may do to it."""

    identifier = fields.String()
    type = fields.String()
    state = fields.String(metadata={"enum": list(STATES)})
    since = fields.Integer(metadata={"description": INSTANT})
    principal = fields.Nested(PartySchema)
    representative = fields.Nested(PartySchema)
    powers = fields.List(fields.String())
    ended_powers = fields.List(fields.Nested(PowerEndingSchema))
    valid_from = fields.Integer(metadata={"description": INSTANT})
    valid_until = fields.Integer(metadata={"description": f"{INSTANT}; the mandate is over then"})
    requested_at = fields.Integer(metadata={"description": INSTANT})
    source = fields.String(metadata={"enum": ["stored", "claims"]})
    whole = fields.Boolean()
    approvals = fields.List(fields.String())
    replaces = fields.String(allow_none=True)
    passed_on_from = fields.String(allow_none=True)
    version = fields.Integer(metadata={"description": "Also in `ETag`; send it back in `If-Match`"})
    may = fields.List(
        fields.String(), metadata={"description": "What the person of this token may do to it now"}
    )


class MandatesQuery(PageQuery):
    """Which list, and what of it."""

    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    type = Text(WORD, 1)
    state = fields.String(validate=validate.OneOf(STATES))
    power = Text(WORD, 1)


class MandatePage(Schema):
    """A page of mandates."""

    mandates = fields.List(fields.Nested(MandateSchema))
    next = fields.String(allow_none=True)


class GroundsSchema(Schema):
    """Why; it stands in the journal."""

    grounds = JournalText(load_default="")


class RenewSchema(Schema):
    """What changes in a renewal; all else stays as it is."""

    powers = words()
    last_day = fields.Date(metadata={"description": DAY})
    evidence = JournalText()
    sha256 = fields.String(validate=validate.Regexp(r"[0-9a-f]{64}\Z"))
    at_once = fields.Boolean(
        load_default=False, metadata={"description": "From now on, not from the end of the old one"}
    )


class RenewalSchema(Schema):
    """A renewal, and what it replaces."""

    mandate = fields.Nested(MandateSchema)
    replaces = fields.Nested(MandateSchema)
    waits_for = fields.List(
        fields.List(fields.String()),
        metadata={"description": "One approval of each group; empty: active at once"},
    )


class PassOnSchema(Schema):
    """Passing on a mandate: fewer powers or the same, not longer."""

    representative = fields.Nested(NamedSchema, required=True)
    powers = words(required=True)
    last_day = fields.Date(metadata={"description": DAY})
    evidence = JournalText(load_default="")


class StepSchema(Schema):
    """Something that happened to a mandate."""

    at = fields.Integer(metadata={"description": INSTANT})
    event = fields.String()
    by = fields.Nested(PartySchema, allow_none=True)
    grounds = fields.String()


class HistorySchema(Schema):
    """What happened to a mandate, newest first."""

    history = fields.List(fields.Nested(StepSchema))
    next = fields.String(allow_none=True)
