"""Parties, happenings, files, codes, reviews, uses: what desks and services bring and fetch."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from broker.endpoints.schemas.fields import (
    INSTANT,
    TEXT,
    WORD,
    Instant,
    JournalText,
    PageQuery,
    PartySchema,
    Reference,
    Text,
)
from broker.endpoints.schemas.mandates import MandateSchema

BATCH = 1000
MANY = validate.Length(min=1, max=BATCH)


class NumbersSchema(Schema):
    """National numbers as typed."""

    numbers = fields.List(Text(20, 1), required=True, validate=MANY)


class ResolvedSchema(Schema):
    """The `p-...` of each, in the same order; null for whoever is not known here."""

    identifiers = fields.List(fields.String(allow_none=True))


class ReportSchema(Schema):
    """Something that happened to a party, since when, and who says so."""

    cause = fields.String(
        required=True, validate=validate.OneOf(["death", "leaver", "ceased", "merged", "recognition_lost"])
    )
    party = Reference(required=True)
    day = fields.Date(required=True, metadata={"description": "The day on which it took effect"})
    source = JournalText(WORD, 1, required=True)
    organisation = Reference(metadata={"description": "For a leaver: which organisation she leaves"})
    successor = Reference(metadata={"description": "For a merger: who takes over"})
    kind = Text(WORD, 1, metadata={"description": "For a lost recognition: which one"})
    dry_run = fields.Boolean(load_default=True)


class ReportLineSchema(Schema):
    """A mandate that changes."""

    mandate = fields.String()
    type = fields.String()
    becomes = fields.String()


class ReportedSchema(Schema):
    """What it ends, or would end."""

    reference = fields.String(allow_none=True, metadata={"description": "For undoing it, the same day"})
    cause = fields.String()
    changed = fields.Integer()
    taken_over = fields.Integer()
    sessions = fields.Integer()
    grants = fields.Integer()
    lines = fields.List(fields.Nested(ReportLineSchema))


class UndoSchema(Schema):
    """Which report to take back."""

    reference = Text(WORD, 1, required=True)


class AddressSchema(Schema):
    """Where letters to a person go, and who says so."""

    party = Reference(required=True)
    address = Text(500, 1, required=True)
    source = JournalText(WORD, 1, required=True)
    dry_run = fields.Boolean(load_default=True)


class AddressedSchema(Schema):
    """Whether the address is on record now."""

    stored = fields.Boolean(metadata={"description": "False for a dry run"})


class ImportSchema(Schema):
    """A file of organisations, CSV or JSON Lines, as text."""

    text = fields.String(required=True, validate=validate.Length(min=1, max=200_000))
    source = JournalText(WORD, load_default="")
    complete = fields.Boolean(
        load_default=False, metadata={"description": "Whoever is not in it lost her recognition"}
    )
    dry_run = fields.Boolean(load_default=True)


class ImportedSchema(Schema):
    """How many organisations the file adds, changes and leaves as they are."""

    added = fields.Integer()
    changed = fields.Integer()
    unchanged = fields.Integer()
    ended = fields.Integer(metadata={"description": "Mandates that end with it"})


class JobSchema(Schema):
    """A file of requests, and how far it is."""

    identifier = fields.String()
    kind = fields.String()
    name = fields.String()
    sha256 = fields.String()
    created_at = fields.Integer(metadata={"description": INSTANT})
    rows = fields.Integer()
    applied_rows = fields.Integer()
    validated_at = fields.Integer(allow_none=True)
    applied_at = fields.Integer(allow_none=True)
    counts = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "Rows by verdict"}
    )


class ResultQuery(Schema):
    """The format of the result file."""

    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))


class DocumentSchema(Schema):
    """A paper that is kept."""

    sha256 = fields.String(metadata={"description": "What a request names it by"})


class IssueSchema(Schema):
    """For which approval of which mandate."""

    mandate = Reference(required=True)
    capacity = fields.String(required=True, validate=validate.OneOf(["principal", "representative"]))


class LetterSchema(Schema):
    """A code, shown this once, and where the letter goes."""

    code = fields.String()
    mandate = fields.String()
    capacity = fields.String()
    name = fields.String()
    address = fields.String(allow_none=True)
    redeemable_until = fields.Integer(metadata={"description": INSTANT})


class RedeemSchema(Schema):
    """A code as typed."""

    code = Text(40, 1, required=True)


class UseCodeSchema(Schema):
    """A code as typed, and what to do with it."""

    code = Text(200, required=True)
    act = fields.String(required=True, validate=validate.OneOf(["refuse", "suspend", "end"]))


class ReviewSchema(Schema):
    """A case that waits for a reviewer."""

    identifier = fields.String()
    kind = fields.String(metadata={"enum": ["sample", "misuse"]})
    opened_at = fields.Integer(metadata={"description": INSTANT})
    text = fields.String()
    mandate = fields.Nested(MandateSchema)


class ReviewPage(Schema):
    """A page of cases, oldest first."""

    reviews = fields.List(fields.Nested(ReviewSchema))
    next = fields.String(allow_none=True)


class MisuseSchema(Schema):
    """A report of misuse; the mandate is set aside at once."""

    mandate = Reference(required=True)
    text = JournalText(TEXT, 1, required=True)


class OpenedSchema(Schema):
    """The case that was opened."""

    identifier = fields.String()


class OutcomeSchema(Schema):
    """What the reviewer makes of it."""

    outcome = fields.String(required=True, validate=validate.OneOf(["confirm", "withdraw", "resume"]))
    grounds = JournalText(TEXT, 1, required=True)


class AuditLineSchema(Schema):
    """One line of a service's audit (tokens.md section 5.8)."""

    jti = Text(200, 1, required=True)
    sub = Reference(required=True)
    act_sub = Reference(required=True)
    representative = Reference(required=True)
    identifier = Reference(required=True)
    decision = fields.String(required=True, validate=validate.OneOf(["permit", "deny"]))
    at = Instant(required=True)
    operation = Text(200, 1, required=True)


class UsesSchema(Schema):
    """Up to a thousand lines."""

    lines = fields.List(fields.Nested(AuditLineSchema), required=True, validate=MANY)


class PostedSchema(Schema):
    """What became of each line, in their order."""

    results = fields.List(fields.String(metadata={"enum": ["stored", "known", "refused"]}))


class UsesQuery(PageQuery):
    """In whose name."""

    organisation = fields.Boolean(
        load_default=False, metadata={"description": "Of the organisation signed in for"}
    )


class UseSchema(Schema):
    """Something that was done in one's name."""

    at = fields.Integer(metadata={"description": INSTANT})
    kind = fields.String(metadata={"enum": ["token", "use"]})
    client = fields.String()
    actor = fields.Nested(PartySchema, allow_none=True)
    representative = fields.Nested(PartySchema, allow_none=True)
    mandate = fields.String(allow_none=True)
    operations = fields.List(fields.String())
    decision = fields.String()


class UsePage(Schema):
    """A page of uses, newest first."""

    uses = fields.List(fields.Nested(UseSchema))
    next = fields.String(allow_none=True)


class CheckpointSchema(Schema):
    """The newest signed tree head (C2SP)."""

    size = fields.Integer()
    root = fields.String()
    checkpoint = fields.String()
    keys = fields.List(fields.String())


class ConsistencyQuery(Schema):
    """From which size."""

    old_size = fields.Integer(data_key="from", required=True, validate=validate.Range(min=0, max=2**62))


class ConsistencySchema(Schema):
    """The proof that the journal only grew (RFC 6962 section 2.1.2)."""

    old_size = fields.Integer()
    size = fields.Integer()
    proof = fields.List(fields.String())
    checkpoint = fields.String()


class ReceiptSchema(Schema):
    """A receipt that `volmacht journal verify --receipt` checks offline."""

    kind = fields.String()
    version = fields.Integer()
    origin = fields.String()
    keys = fields.List(fields.String())
    mandate = fields.String()
    checkpoint = fields.String()
    rows = fields.List(fields.Dict())
