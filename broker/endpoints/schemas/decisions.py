"""May she? One question or a thousand."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from broker.endpoints.schemas.fields import INSTANT, WORD, LinkSchema, ReasonSchema, Reference, Text

LEVELS = ("low", "substantial", "high")
BATCH = 1000


class Past(fields.Integer):
    """An instant of the past or the future, in Unix seconds."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=0, max=2**40), **kwargs)


class QuestionSchema(Schema):
    """Whose affairs, and what; without `power`: whether there is any chain at all."""

    principal = Reference(required=True)
    power = Text(WORD, 1)
    mandate = Reference(metadata={"description": "Only by this mandate"})


class DecideSchema(QuestionSchema):
    """A question of the person of this token."""

    explain = fields.Boolean(
        load_default=False, metadata={"description": "Show every chain that was looked at"}
    )
    at = Past(metadata={"description": f"Could she then? {INSTANT}; default: now"})
    known_at = Past(metadata={"description": f"As it was recorded then. {INSTANT}; default: now"})
    fresh_as = fields.Integer(strict=True, validate=validate.Range(min=0, max=2**62))


class BatchSchema(Schema):
    """Up to a thousand questions of one moment."""

    questions = fields.List(
        fields.Nested(QuestionSchema), required=True, validate=validate.Length(min=1, max=BATCH)
    )
    fresh_as = fields.Integer(strict=True, validate=validate.Range(min=0, max=2**62))


class ActorQuestionSchema(QuestionSchema):
    """A question of a service about somebody who signed in there."""

    actor = Reference(required=True)
    level = fields.String(
        required=True, validate=validate.OneOf(LEVELS), metadata={"description": "Of her login (`acr`)"}
    )


class EvaluateSchema(Schema):
    """Up to a thousand questions of a service."""

    questions = fields.List(
        fields.Nested(ActorQuestionSchema), required=True, validate=validate.Length(min=1, max=BATCH)
    )
    fresh_as = fields.Integer(strict=True, validate=validate.Range(min=0, max=2**62))


class ConsideredSchema(Schema):
    """A chain that was looked at, and what stands in its way."""

    path = fields.List(fields.Nested(LinkSchema))
    reasons = fields.List(fields.Nested(ReasonSchema))
    actions = fields.List(fields.String())
    not_after = fields.Integer(metadata={"description": INSTANT})


class DecisionSchema(Schema):
    """Permit with its path, or deny with its reasons."""

    permitted = fields.Boolean()
    reasons = fields.List(fields.Nested(ReasonSchema))
    path = fields.List(fields.Nested(LinkSchema))
    actions = fields.List(fields.String())
    not_after = fields.Integer(allow_none=True, metadata={"description": INSTANT})
    revision = fields.Integer(
        metadata={"description": "Send it as `fresh_as` to be answered no older than this"}
    )
    considered = fields.List(fields.Nested(ConsideredSchema))


class DecisionsSchema(Schema):
    """Answers in the order of the questions."""

    decisions = fields.List(fields.Nested(DecisionSchema))
