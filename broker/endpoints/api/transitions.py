"""What may be done to a mandate: one route for each step of its life.

Send the version that was looked at in `If-Match`: another one in the meantime is answered 412,
so that two people cannot both win without knowing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from broker.endpoints.api import shown, typed
from broker.endpoints.api.resource import Resource, View, etag, names, session, wanted_version
from broker.endpoints.context import now, services
from broker.endpoints.schemas import examples
from broker.endpoints.schemas.desk import ReportedSchema
from broker.endpoints.schemas.mandates import (
    GroundsSchema,
    MandateSchema,
    PassOnSchema,
    RenewalSchema,
    RenewSchema,
)
from broker.errors import VersionError
from broker.flows import cascades, mandates, seen
from broker.flows.mandates import Renewal
from mandates.model import Mandate

blueprint = Resource("transitions", __name__, "What may be done to a mandate.")

Act = Callable[..., Mandate]


def _step(name: str, scope: str, act: Act, what: str) -> None:
    """One route for one act that takes grounds."""

    def step(said: dict[str, Any], reference: str) -> Any:
        mandate = names().mandate_id(reference)
        done = act(services(), session(), mandate, now(), grounds=said["grounds"], version=wanted_version())
        return _answer(done)

    step.__name__, step.__doc__ = name, what
    _route(f"/mandates/<reference>/{name}", scope, step)


def _route(rule: str, scope: str, view: View) -> None:
    view = blueprint.response(200, MandateSchema, example=examples.SEEN)(view)
    view = blueprint.arguments(GroundsSchema, example=examples.GROUNDS)(view)
    blueprint.post(rule)(blueprint.person(scope)(blueprint.versioned(view)))


for _name, _scope, _act, _what in (
    (
        "approve",
        "mandates:decide",
        mandates.approve,
        "Approve a request, in the capacity that its type asks.",
    ),
    ("refuse", "mandates:decide", mandates.refuse, "Refuse a request."),
    ("cancel", "mandates:write", mandates.cancel, "Take a request back."),
    ("end", "mandates:write", mandates.end, "End a mandate; every token that stands on it is refused soon."),
    ("suspend", "mandates:write", mandates.suspend, "Set a mandate aside until it is resumed."),
    ("resume", "mandates:write", mandates.resume, "Take up again what one set aside oneself."),
):
    _step(_name, _scope, _act, _what)


def end_power(said: dict[str, Any], reference: str, power: str) -> Any:
    """End one power of a mandate; the others go on."""
    mandate = names().mandate_id(reference)
    return _answer(
        mandates.end_power(
            services(), session(), mandate, power, now(), grounds=said["grounds"], version=wanted_version()
        )
    )


_route("/mandates/<reference>/powers/<power>/end", "mandates:write", end_power)


@blueprint.get("/mandates/<reference>/preview")
@blueprint.person("mandates:read")
@blueprint.arguments(RenewSchema(exclude=("powers",)), location="query")
@blueprint.response(200, RenewalSchema, example=examples.RENEWAL)
def preview(query: dict[str, Any], reference: str) -> Any:
    """See what a renewal would be, what it replaces and whose approval it needs; nothing is stored."""
    return _renewal(_renewed(query, reference, dry_run=True))


@blueprint.get("/mandates/<reference>/sets-aside")
@blueprint.person("reviews:decide")
@blueprint.response(200, ReportedSchema, example=examples.SETS_ASIDE)
def sets_aside(reference: str) -> Any:
    """See which mandates a legal measure would set aside: for reviewers, before they approve it."""
    return shown.report(cascades.measure_preview(services(), session(), names().mandate_id(reference), now()))


@blueprint.post("/mandates/<reference>/renew")
@blueprint.person("mandates:write")
@blueprint.creates
@blueprint.versioned
@blueprint.arguments(RenewSchema, example=examples.RENEW)
@blueprint.response(201, RenewalSchema, example=examples.RENEWAL)
def renew(said: dict[str, Any], reference: str) -> Any:
    """Ask for what follows a mandate."""
    return _renewal(_renewed(said, reference, dry_run=False))


@blueprint.post("/mandates/<reference>/pass-on")
@blueprint.person("mandates:write")
@blueprint.creates
@blueprint.versioned
@blueprint.arguments(PassOnSchema, example=examples.PASS_ON)
@blueprint.response(201, MandateSchema, example=examples.SEEN)
def pass_on(said: dict[str, Any], reference: str) -> Any:
    """Ask to pass on a mandate that one holds, or that one's organisation holds."""
    mandate = _at_version(reference)
    made = mandates.pass_on(
        services(),
        session(),
        mandate,
        typed.named(said["representative"]),
        said["powers"],
        typed.ends(said.get("last_day")),
        said["evidence"],
        now(),
    )
    return _answer(made)


def _renewed(said: dict[str, Any], reference: str, *, dry_run: bool) -> Renewal:
    return mandates.renew(
        services(),
        session(),
        _at_version(reference),
        now(),
        powers=said.get("powers"),
        valid_until=typed.ends(said.get("last_day")),
        evidence=said.get("evidence"),
        sha256=said.get("sha256"),
        at_once=said["at_once"],
        dry_run=dry_run,
    )


def _at_version(reference: str) -> str:
    """The mandate, if it is the version that was looked at; a new one made from it has its own race."""
    mandate, version = names().mandate_id(reference), wanted_version()
    if version not in {None, seen.find(services(), session(), mandate, now()).mandate.version}:
        raise VersionError
    return mandate


def _answer(mandate: Mandate) -> Any:
    row = shown.changed(mandate)
    return shown.mandate(row), etag(mandate.version)


def _renewal(found: Renewal) -> dict[str, Any]:
    return {
        "mandate": shown.mandate(shown.changed(found.mandate)),
        "replaces": shown.mandate(shown.changed(found.replaces)),
        "waits_for": [sorted(group) for group in found.waits_for],
    }
