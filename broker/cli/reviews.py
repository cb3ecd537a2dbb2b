"""`volmacht mandates misuse`, `reviews`, `sets-aside`: the issuer looks again, and the law comes first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

import click

from broker.cli.acting import acting
from broker.cli.mandates import mandates_group, tell_mandate
from broker.cli.shared import tell
from broker.days import moment
from broker.flows import cascades, reviews
from broker.flows.reviews import Case, Outcome
from broker.ports import Services
from broker.records import Session
from mandates.model import Instant

GROUNDS = click.option("--grounds", required=True, help="Why, in plain words.")


@mandates_group.command("misuse")
@click.argument("mandate")
@GROUNDS
@acting
def mandates_misuse(
    services: Services, session: Session, now: Instant, *, mandate: str, grounds: str, as_json: bool
) -> None:
    """Report that a mandate is misused: it is set aside at once, and a reviewer looks."""
    case = reviews.report_misuse(services, session, mandate, grounds, now)
    tell({"case": case.id, "mandate": mandate}, f"Case {case.id} is open.", as_json=as_json)


@mandates_group.group("reviews")
def reviews_group() -> None:
    """Cases for the issuer's reviewers: samples, and reports of misuse."""


@reviews_group.command("queue")
@click.option("--most", type=click.IntRange(1, reviews.LONGEST), default=100, show_default=True)
@acting
def reviews_queue(services: Services, session: Session, now: Instant, *, most: int, as_json: bool) -> None:
    """List the cases that wait, oldest first."""
    found = reviews.queue(services, session, None, most, now)
    lines = [
        f"{one.review.id}  {moment(one.review.opened_at)}  {one.review.kind:<6}  {one.review.mandate}  "
        f"{one.seen.principal.name} -> {one.seen.representative.name}"
        for one in found
    ]
    tell([_case(one) for one in found], "\n".join(lines) or "None.", as_json=as_json)


@reviews_group.command("decide")
@click.argument("case")
@click.argument("outcome", type=click.Choice(get_args(Outcome)))
@GROUNDS
@acting
def reviews_decide(
    services: Services,
    session: Session,
    now: Instant,
    *,
    case: str,
    outcome: Outcome,
    grounds: str,
    as_json: bool,
) -> None:
    """Close CASE: the mandate stands, is taken up again, or is withdrawn. Never by who approved it."""
    done = reviews.decide(services, session, case, outcome, grounds, now)
    tell_mandate(services, session, done, now, as_json=as_json)


@mandates_group.command("sets-aside")
@click.argument("mandate")
@acting
def mandates_sets_aside(
    services: Services, session: Session, now: Instant, *, mandate: str, as_json: bool
) -> None:
    """Show which mandates a legal measure would set aside: for reviewers, before they approve it."""
    found = cascades.measure_preview(services, session, mandate, now)
    lines = [f"{one.becomes:<9} {one.type:<20} {one.mandate}" for one in found.lines]
    lines.append(
        f"{found.changed} mandate(s) would be set aside, "
        f"{found.grants} authorization(s) would lose their tokens."
    )
    tell(asdict(found), "\n".join(lines), as_json=as_json)


def _case(one: Case) -> dict[str, Any]:
    return {
        "case": one.review.id,
        "kind": one.review.kind,
        "opened_at": one.review.opened_at,
        "text": one.review.text,
        "mandate": one.review.mandate,
    }
