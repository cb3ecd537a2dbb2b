"""Fields that several schemas share."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from broker.endpoints.context import services
from broker.errors import NumberInTextError
from broker.flows import texts

REFERENCE = 120
"""Characters that a reference has at most."""
WORD = 100
TEXT = 2000
"""Characters of what people write: more than anybody reads would stand in the journal for ever."""
INSTANT = "Unix seconds"


def _printable(text: str) -> None:
    if any((one < " " and one not in "\n\r\t") or "\ud800" <= one <= "\udfff" for one in text):
        raise ValidationError("Control characters are not text.")


def _without_number(text: str) -> None:
    try:
        texts.check(services().numbers, text[: texts.LONGEST])
    except NumberInTextError:
        raise ValidationError("Leave the national number out of this text.") from None


class Text(fields.String):
    """A bounded text without control characters and half characters: PostgreSQL stores neither."""

    def __init__(self, longest: int = TEXT, shortest: int = 0, **kwargs: Any) -> None:
        limits = validate.Length(min=shortest, max=longest)
        super().__init__(validate=[limits, _printable, *kwargs.pop("also", ())], **kwargs)


class JournalText(Text):
    """What people write to be kept: without a national number."""

    def __init__(self, longest: int = TEXT, shortest: int = 0, **kwargs: Any) -> None:
        super().__init__(longest, shortest, also=(_without_number,), **kwargs)


class Reference(Text):
    """What a party or a mandate is called in the client's sector."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(REFERENCE, 1, **kwargs)


class Instant(fields.Integer):
    """Unix seconds."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"description": INSTANT} | kwargs.pop("metadata", {})
        limits = validate.Range(min=0, max=2**40)
        super().__init__(strict=True, metadata=metadata, validate=limits, **kwargs)


class SentInstant(fields.Integer):
    """Unix seconds in a query, where everything is text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            metadata={"description": INSTANT}, validate=validate.Range(min=0, max=2**40), **kwargs
        )


def words(**kwargs: Any) -> fields.List:
    """A list of names of powers and the like."""
    limits = validate.Length(min=1, max=50)
    return fields.List(Text(WORD, 1), validate=limits, **kwargs)


class PartySchema(Schema):
    """A party as an answer names it."""

    identifier = fields.String(
        metadata={"description": "`p-...` in the client's sector, or the enterprise number"}
    )
    kind = fields.String(metadata={"enum": ["person", "organisation"]})
    name = fields.String()


class LinkSchema(Schema):
    """One edge of a chain."""

    identifier = fields.String()
    mandate_type = fields.String()
    principal = fields.String()
    representative = fields.String()
    executor = fields.Boolean(
        metadata={"description": "Whether it is the organisation's edge to its member of staff"}
    )


class ReasonSchema(Schema):
    """A reason of the engine, with its words in the caller's language."""

    code = fields.String()
    since = fields.Integer(allow_none=True, metadata={"description": INSTANT})
    needs = fields.List(fields.String())
    title = fields.String()
    mend = fields.String()


class ProblemSchema(Schema):
    """A refusal (RFC 9457)."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    reasons = fields.List(fields.Nested(ReasonSchema))
    errors = fields.Dict(keys=fields.String(), metadata={"description": "The fields that are not right"})
    instance = fields.String()


class PageQuery(Schema):
    """Which page of a list (keyset): `after` is the `next` of the page before it."""

    after = Text(2000)
    limit = fields.Integer(load_default=100, validate=validate.Range(min=1, max=1000))
