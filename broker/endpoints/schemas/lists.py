"""Whom may I represent, who can act for me, who acts for this organisation."""

from __future__ import annotations

from marshmallow import Schema, fields

from broker.endpoints.schemas.fields import (
    INSTANT,
    WORD,
    LinkSchema,
    PageQuery,
    PartySchema,
    Reference,
    SentInstant,
    Text,
)


class RepresentationsQuery(PageQuery):
    """What of the list."""

    type = Text(WORD, 1)
    power = Text(WORD, 1)
    organisation = Reference(metadata={"description": "The organisation that one acts through, or for"})
    name = Text(WORD, metadata={"description": "Beginning of any word of the name"})


class RepresentationSchema(Schema):
    """One party that the person of this token may represent, and how (tokens.md section 2)."""

    identifier = fields.String(
        metadata={"description": "The mandate, to be asked for in `authorization_details`"}
    )
    mandate_type = fields.String()
    principal = fields.String()
    principal_name = fields.String()
    representative = fields.String()
    actions = fields.List(fields.String())
    not_after = fields.Integer(metadata={"description": INSTANT})


class RepresentationPage(Schema):
    """A page of them; a page may be short, the list is whole once `next` is null."""

    representations = fields.List(fields.Nested(RepresentationSchema))
    next = fields.String(allow_none=True)
    incomplete = fields.List(
        fields.String(),
        metadata={"description": "Sources that could not be asked; empty: nothing is missing"},
    )


class RepresentativesQuery(Schema):
    """For whom, and at what moment on which axis."""

    principal = Reference(metadata={"description": "Default: the person of this token"})
    at = SentInstant()
    known_at = SentInstant()


class RepresentativeSchema(Schema):
    """Somebody who can act, with her chain."""

    person = fields.Nested(PartySchema)
    actions = fields.List(fields.String())
    not_after = fields.Integer(metadata={"description": INSTANT})
    path = fields.List(fields.Nested(LinkSchema))


class HoldingOrganisationSchema(Schema):
    """An organisation that holds a mandate: whoever has the role there acts by it."""

    organisation = fields.Nested(PartySchema)
    actions = fields.List(fields.String())
    not_after = fields.Integer(metadata={"description": INSTANT})
    path = fields.List(fields.Nested(LinkSchema))


class RepresentativesSchema(Schema):
    """Everybody who could act at `at`, as it was known at `known_at`."""

    representatives = fields.List(fields.Nested(RepresentativeSchema))
    organisations = fields.List(fields.Nested(HoldingOrganisationSchema))
    at = fields.Integer()
    known_at = fields.Integer()


class DelegatesQuery(PageQuery):
    """What of the list."""

    type = Text(WORD, 1)
    power = Text(WORD, 1)
    name = Text(WORD)


class DelegateSchema(Schema):
    """Somebody who acts for the organisation, or will."""

    identifier = fields.String()
    mandate_type = fields.String()
    representative = fields.Nested(PartySchema)
    actions = fields.List(fields.String())
    state = fields.String()
    valid_from = fields.Integer(metadata={"description": INSTANT})
    valid_until = fields.Integer(metadata={"description": INSTANT})
    whole = fields.Boolean()


class DelegatePage(Schema):
    """A page of delegates."""

    delegates = fields.List(fields.Nested(DelegateSchema))
    next = fields.String(allow_none=True)


class MembersSchema(Schema):
    """Principals of a caseload, by reference."""

    principals = fields.List(Reference(), required=True, validate=lambda found: 0 < len(found) <= 1000)


class CaseloadSchema(Schema):
    """The caseload of an executor."""

    executor = fields.String()
    principals = fields.List(fields.Nested(PartySchema))
