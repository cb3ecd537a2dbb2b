"""`volmacht mandates decide`, `explain`, `who-can-act`, `represent`: the questions, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import click

from broker.cli.acting import acting, party_id
from broker.cli.mandates import mandates_group
from broker.cli.shared import tell
from broker.days import last_day
from broker.flows import decisions, lists, world
from broker.flows.decisions import Moment
from broker.ports import Services
from broker.records import Session, Wanted
from broker.wording import say
from mandates.capacity import Actor
from mandates.decide import Decision, Link, Reason, Request
from mandates.model import Instant, Party

PRINCIPAL = click.option("--principal", required=True, help="A party id or an enterprise number.")
POWER = click.option("--power", help="Without it: whether there is any chain at all.")
AT = click.option("--at", type=int, help="Unix seconds; now if left out.")
KNOWN_AT = click.option(
    "--known-at", type=int, help="As it was recorded then, Unix seconds; now if left out."
)
MANDATE = click.option("--mandate", help="Only by this mandate.")
QUESTION = {"principal", "power", "mandate"}


@mandates_group.command("decide")
@PRINCIPAL
@POWER
@MANDATE
@AT
@KNOWN_AT
@click.option("--fresh-as", type=int, help="Refuse to answer from an older revision than this.")
@acting
def mandates_decide(
    services: Services,
    session: Session,
    now: Instant,
    *,
    principal: str,
    power: str | None,
    mandate: str | None,
    at: int | None,
    known_at: int | None,
    fresh_as: int | None,
    as_json: bool,
) -> None:
    """Decide whether --as may do this for that principal; exit code 1 for no."""
    request = Request(world.actor_of(session), party_id(services, principal), power, mandate)
    found = decisions.decide_one(services, request, now, fresh_as, _moment(at, known_at, now))
    text = "Permitted." if found.permitted else "Denied:\n" + _reasons(found.reasons)
    tell(_decision(found), text, as_json=as_json)
    if not found.permitted:
        raise SystemExit(1)


@mandates_group.command("explain")
@PRINCIPAL
@POWER
@MANDATE
@AT
@KNOWN_AT
@acting
def mandates_explain(
    services: Services,
    session: Session,
    now: Instant,
    *,
    principal: str,
    power: str | None,
    mandate: str | None,
    at: int | None,
    known_at: int | None,
    as_json: bool,
) -> None:
    """Show the decision with every chain that was looked at, nearest first."""
    request = Request(world.actor_of(session), party_id(services, principal), power, mandate)
    found, seen = decisions.explained(services, request, now, moment=_moment(at, known_at, now))
    chains = [
        {
            "path": _path(one.path),
            "reasons": _codes(one.reasons),
            "powers": list(one.powers),
            "not_after": one.not_after,
        }
        for one in found.considered
    ]
    lines = ["Permitted." if found.decision.permitted else "Denied:\n" + _reasons(found.decision.reasons)]
    lines += [f"{_words(one.path, seen.parties)}\n{_reasons(one.reasons)}" for one in found.considered]
    value = {"decision": _decision(found.decision), "considered": chains}
    tell(value, "\n".join(lines), as_json=as_json)


@mandates_group.command("batch")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--fresh-as", type=int, help="Refuse to answer from an older revision than this.")
@acting
def mandates_batch(
    services: Services,
    session: Session,
    now: Instant,
    *,
    file: TextIO,
    fresh_as: int | None,
    as_json: bool,
) -> None:
    """Decide up to 1,000 questions of one moment; exit code 1 if any answer is no.

    FILE (`-`: standard input) holds one JSON object a line: principal (a party id), and if you like
    power and mandate.
    """
    requests = _questions(file, world.actor_of(session))
    found = decisions.batch(services, requests, now, fresh_as)
    words = ["Permitted." if one.permitted else f"Denied: {one.reasons[0].code}" for one in found]
    tell([_decision(one) for one in found], "\n".join(words), as_json=as_json)
    if not all(one.permitted for one in found):
        raise SystemExit(1)


def _questions(file: TextIO, actor: Actor) -> list[Request]:
    """The lines as questions. Raise `click.UsageError` that names the first line that is none."""
    requests = []
    for number, line in enumerate(filter(str.strip, file), start=1):
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            said = None
        if not isinstance(said, dict) or "principal" not in said or said.keys() - QUESTION:
            raise click.UsageError(f"Line {number}: give an object with principal, and power or mandate.")
        if not all(isinstance(value, str) for value in said.values()) or number > decisions.BATCH:
            raise click.UsageError(f"Line {number}: values are texts, and lines {decisions.BATCH} at most.")
        requests.append(Request(actor, said["principal"], said.get("power"), said.get("mandate")))
    return requests


@mandates_group.command("who-can-act")
@click.argument("principal")
@AT
@KNOWN_AT
@acting
def mandates_who_can_act(
    services: Services,
    session: Session,
    now: Instant,
    *,
    principal: str,
    at: int | None,
    known_at: int | None,
    as_json: bool,
) -> None:
    """List who could act for PRINCIPAL at an instant, as it was known at another."""
    found = decisions.who_could_act(
        services,
        session,
        party_id(services, principal),
        at=now if at is None else at,
        known_at=now if known_at is None else known_at,
        now=now,
    )
    value = {
        "people": [_chain(one) for one in found.people],
        "organisations": [_chain(one) for one in found.organisations],
    }
    lines = [_line(one, found.parties) for one in found.people]
    lines += [f"{_line(one, found.parties)}  whoever has the role there" for one in found.organisations]
    tell(value, "\n".join(lines) or "Nobody.", as_json=as_json)


@mandates_group.command("represent")
@click.option("--type", "type_", help="Of the catalogue.")
@click.option("--power")
@click.option("--through", help="The organisation that one acts through, or for: its enterprise number.")
@click.option("--name", default="", help="Beginning of a word of the name.")
@click.option("--page", type=click.IntRange(1, lists.LONGEST), default=100, show_default=True)
@acting
def mandates_represent(
    services: Services,
    session: Session,
    now: Instant,
    *,
    type_: str | None,
    power: str | None,
    through: str | None,
    name: str,
    page: int,
    as_json: bool,
) -> None:
    """List whom --as may represent, all of them, read in pages."""
    wanted = Wanted(type_, power, party_id(services, through) if through else None, name)
    rows: list[Decision] = []
    parties: dict[str, Party] = {}
    after: str | None = None
    while True:
        found = lists.reach(services, session, wanted, after, page, now)
        rows += found.rows
        parties |= found.parties
        after = found.next
        if after is None:
            break
    _tell_chains(rows, parties, as_json=as_json)


def _tell_chains(found: Iterable[Decision], parties: Mapping[str, Party], *, as_json: bool) -> None:
    rows = list(found)
    lines = [_line(one, parties) for one in rows]
    tell([_chain(one) for one in rows], "\n".join(lines) or "Nobody.", as_json=as_json)


def _line(one: Decision, parties: Mapping[str, Party]) -> str:
    return f"{_words(one.path, parties)}  until {last_day(one.not_after or 0)}"


def _moment(at: int | None, known_at: int | None, now: Instant) -> Moment | None:
    if at is None and known_at is None:
        return None
    return Moment(now if at is None else at, now if known_at is None else known_at)


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "permitted": one.permitted,
        "reasons": _codes(one.reasons),
        **_chain(one),
        "revision": one.revision,
    }


def _chain(one: Decision) -> dict[str, Any]:
    """A line of a list. Its pages are read one after another, so no one revision is that of the list."""
    return {"path": _path(one.path), "powers": list(one.powers), "not_after": one.not_after}


def _codes(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [{"code": one.code, "since": one.since, "needs": one.needs.split()} for one in reasons]


def _reasons(reasons: Iterable[Reason]) -> str:
    found = [(one.code, say(one.code, "en")) for one in reasons]
    return "\n".join(f"  {code}: {said.title} {said.mend}" if said else f"  {code}" for code, said in found)


def _path(links: Iterable[Link]) -> list[dict[str, Any]]:
    return [
        {
            "mandate": one.mandate,
            "type": one.type,
            "principal": one.principal,
            "representative": one.representative,
            "executor": one.executor,
        }
        for one in links
    ]


def _words(links: tuple[Link, ...], parties: Mapping[str, Party]) -> str:
    names = [parties[one].name for one in (links[0].principal, *(link.representative for link in links))]
    return " -> ".join(names)
