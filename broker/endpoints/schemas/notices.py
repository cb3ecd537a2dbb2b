"""What a person is told, as `/notices` shows it."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from broker.endpoints.schemas.fields import INSTANT


class NoticesQuery(Schema):
    """Which page: `before` is the `next` of the page before it."""

    before = fields.Integer(validate=validate.Range(min=1, max=2**62))
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=1000))


class NoticeSchema(Schema):
    """One step that somebody else took."""

    number = fields.Integer(metadata={"description": "Grows with every notice"})
    at = fields.Integer(metadata={"description": INSTANT})
    type = fields.String(metadata={"description": "As in the journal, `mandate.revoked`"})
    mandate_type = fields.String(allow_none=True)
    mandate = fields.String(allow_none=True)


class NoticePage(Schema):
    """A page of notices, newest first."""

    notices = fields.List(fields.Nested(NoticeSchema))
    next = fields.Integer(allow_none=True)
