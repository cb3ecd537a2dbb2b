"""What the engine and the flows answer, in the words of the API and the references of the client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from broker.endpoints.api.resource import names, session
from broker.endpoints.context import now, services
from broker.endpoints.problems import reason_body
from broker.flows import seen
from broker.flows.cascades import Report
from broker.flows.seen import Seen
from mandates.decide import Decision, Link
from mandates.explain import Considered
from mandates.model import Mandate, Party

Parties = Mapping[str, Party]

ACTS = ("approve", "refuse", "cancel", "end", "suspend", "resume")


def party(one: Party) -> dict[str, str]:
    """A party with its name."""
    return {"identifier": names().party(one), "kind": one.kind.value, "name": one.name}


def changed(mandate: Mandate) -> Seen:
    """A mandate that this person just changed, as she sees it; also when she has no part in it any more."""
    with services().database.read() as uow:
        return seen.views(services(), uow, session(), [mandate], now())[0]


def mandate(row: Seen) -> dict[str, Any]:
    """A mandate as its viewer may see it."""
    one, called = row.mandate, names()
    return {
        "identifier": called.mandate(one.id),
        "type": one.type,
        "state": row.status.state.value,
        "since": row.status.since,
        "principal": party(row.principal),
        "representative": party(row.representative),
        "powers": row.powers,
        "ended_powers": [{"power": gone.power, "at": gone.at} for gone in one.ended_powers],
        "valid_from": one.valid_from,
        "valid_until": one.valid_until,
        "requested_at": one.requested_at,
        "source": one.source.value,
        "whole": one.whole,
        "approvals": [approval.kind for approval in one.approvals],
        "replaces": called.mandate(one.replaces) if one.replaces else None,
        "passed_on_from": called.mandate(one.parent) if one.parent else None,
        "version": one.version,
        "may": [act for act in ACTS if act in row.may],
    }


def report(done: Report) -> dict[str, Any]:
    """What a happening changes, or would change."""
    return {
        "reference": done.reference,
        "cause": done.cause,
        "changed": done.changed,
        "taken_over": done.taken_over,
        "sessions": done.sessions,
        "grants": done.grants,
        "lines": [
            {"mandate": names().mandate(line.mandate), "type": line.type, "becomes": line.becomes}
            for line in done.lines
        ],
    }


def decision(answer: Decision, parties: Parties) -> dict[str, Any]:
    """Permit with its path, deny with its reasons."""
    return {
        "permitted": answer.permitted,
        "reasons": [reason_body(reason) for reason in answer.reasons],
        "path": path(answer.path, parties),
        "actions": answer.powers,
        "not_after": answer.not_after,
        "revision": answer.revision,
    }


def considered(chain: Considered, parties: Parties) -> dict[str, Any]:
    """One chain that was looked at."""
    return {
        "path": path(chain.path, parties),
        "reasons": [reason_body(reason) for reason in chain.reasons],
        "actions": chain.powers,
        "not_after": chain.not_after,
    }


def path(links: Iterable[Link], parties: Parties) -> list[dict[str, Any]]:
    """A chain, from the principal to the person; nobody's name."""
    called = names()
    return [
        {
            "identifier": called.mandate(link.mandate),
            "mandate_type": link.type,
            "principal": called.party(parties[link.principal]),
            "representative": called.party(parties[link.representative]),
            "executor": link.executor,
        }
        for link in links
    ]
