"""`volmacht mandates`: the portal's and the API's flows, by an operator who acts as somebody, and it shows."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import broker.cli
import broker.cli.acting
from flow_world import ACM, EXECUTOR_ROLE, OCMW

DESK = ("--organisation", OCMW, "--role", EXECUTOR_ROLE)


@pytest.fixture
def run(flow, monkeypatch):
    monkeypatch.setattr(broker.cli.acting, "services", lambda: flow.services)
    monkeypatch.setattr(broker.cli.acting, "system_clock", flow.clock)

    def run(*words, code=0, typed=None, as_json=True):
        arguments = ["mandates", *words, *(("--json",) if as_json else ())]
        done = CliRunner().invoke(broker.cli.main, arguments, input=typed)
        assert done.exit_code == code, done.output + repr(done.exception)
        return (
            json.loads(done.output[done.output.index("\n{") :] if typed else done.output)
            if as_json and code == 0
            else done.output
        )

    return run


@pytest.fixture
def hands(flow):
    return {name: flow.party(name).id for name in ("Bram", "Bea", "Maria", "Helper")}


def ask(run, hands, **more):
    words = ["ask", "--as", hands["Bram"], *DESK, "--type", "ocmw-beneficiary", "--principal", "-"]
    words += ["--name", "Maria", "--representative", "organisation", "--power", "vouchers:read"]
    words += ["--power", "vouchers:order", "--evidence", "formulier"]
    return run(*words, typed="85073003328\n", **more)


def test_an_officer_asks_and_a_second_one_approves(run, hands):
    made = ask(run, hands)
    assert made["state"] == "awaiting"
    own = run("approve", made["id"], "--as", hands["Bram"], *DESK, code=1)
    assert "[own_request]" in own
    approved = run("approve", made["id"], "--as", hands["Bea"], *DESK, "--grounds", "gezien aan het loket")
    assert approved["state"] == "active"
    history = run("history", made["id"], "--as", hands["Bea"], *DESK)
    assert [one["grounds"] for one in history if one["event"] == "mandate.approved"] == [
        "gezien aan het loket"
    ]
    assert run("end-power", made["id"], "vouchers:order", "--as", hands["Bea"], *DESK)["powers"] == [
        "vouchers:read"
    ]
    assert "[version_mismatch]" in run(
        "end", made["id"], "--as", hands["Bea"], *DESK, "--version", "1", code=1
    )
    ended = run("end", made["id"], "--as", hands["Bea"], *DESK, "--grounds", "verhuisd")
    assert ended["state"] == "waived"
    steps = run("history", made["id"], "--as", hands["Bea"], *DESK)
    assert (steps[0]["by"], steps[0]["grounds"]) == (hands["Bea"], "verhuisd")


@pytest.mark.parametrize("act", ["refuse", "cancel"])
def test_a_request_is_refused_or_taken_back(run, hands, act):
    made = ask(run, hands)
    who = hands["Bea" if act == "refuse" else "Bram"]
    assert (
        run(act, made["id"], "--as", who, *DESK)["state"] == {"refuse": "refused", "cancel": "cancelled"}[act]
    )


def test_the_session_of_a_command_is_stored_told_and_over(flow, run, hands):
    ask(run, hands)
    with flow.services.database.read() as uow:
        rows = list(reversed(uow.journal.tail(100)))
    started = next(row for row in rows if row.type == "session.started")
    assert started.body["detail"] == {
        "upstream": "command line",
        "level": "substantial",
        "by": "command line",
    }
    assert [row.type for row in rows][-1] == "session.ended"
    found = run("represent", "--as", hands["Bram"])
    assert found == []


def test_a_power_of_the_session_is_gone_with_the_command(flow, run, hands):
    flow.beneficiary("Anna")
    assert len(run("represent", "--as", hands["Bram"], *DESK)) == 1
    assert run("represent", "--as", hands["Bram"]) == []
    with flow.services.database.read() as uow:
        held = [one for one in uow.mandates.of_representatives([hands["Bram"]]) if one.ended_at is None]
    assert held == []


def test_decide_explain_and_lists_agree(flow, run, hands):
    given = flow.beneficiary("Anna")
    who = ("--as", hands["Bram"], *DESK)
    about = ("--principal", given.principal)
    permit = run("decide", *who, *about, "--power", "vouchers:read")
    assert permit["path"][0]["mandate"] == given.id
    denied = run("decide", *who, *about, "--power", "profile:fly", as_json=False, code=1)
    assert "power_not_granted: The mandate does not give this power." in denied
    explained = run("explain", *who, *about)
    assert explained["decision"]["permitted"] is True
    assert explained["considered"][0]["reasons"] == []
    (row,) = run("represent", *who, "--page", "1")
    assert row["path"][0]["mandate"] == given.id
    assert "revision" not in row, "a list that is read in pages has no one revision"
    assert "Anna -> OCMW -> Bram" in run("represent", *who, as_json=False)


def test_who_can_act_at_an_instant_as_it_was_known_at_another(flow, run, hands):
    started = flow.clock.forward(60)
    given = flow.give("citizen-helper", flow.party("Anna"), flow.party("Neighbour"))
    flow.clock.forward(60)
    flow.end(given.id)
    who = (given.principal, "--as", given.principal)
    assert run("who-can-act", *who) == {"people": [], "organisations": []}
    assert len(run("who-can-act", *who, "--at", str(started + 10))["people"]) == 1
    assert len(run("who-can-act", *who, "--known-at", str(started + 10))["people"]) == 1
    assert "[not_found]" in run("who-can-act", given.principal, "--as", hands["Bram"], code=1)


def test_a_mandate_is_set_aside_taken_up_listed_renewed_and_shown(flow, run):
    given = flow.give("citizen-helper", flow.party("Anna"), flow.party("Neighbour"))
    who = ("--as", f"{ACM}|Anna")
    assert run("suspend", given.id, *who)["state"] == "suspended"
    assert run("resume", given.id, *who)["state"] == "active"
    assert [row["id"] for row in run("list", *who)] == [given.id]
    assert run("show", given.id, *who)["version"] == 3
    assert "citizen-helper  active  Anna -> Neighbour" in run("show", given.id, *who, as_json=False)
    flow.clock.forward(given.valid_until - flow.now - 86_400)
    shown = run("renew", given.id, *who, "--dry-run")
    assert (shown["replaces"], len(run("list", *who))) == (given.id, 1)
    assert run("renew", given.id, *who)["replaces"] == given.id
    assert len(run("list", *who)) == 2


def test_a_national_number_in_a_text_is_refused(flow, run):
    given = flow.give("citizen-helper", flow.party("Anna"), flow.party("Neighbour"))
    refused = run("end", given.id, "--as", given.principal, "--grounds", "zie 85.07.30-033.28", code=1)
    assert "[number_in_text]" in refused


@pytest.mark.parametrize("who", ["nobody", f"{ACM}|nobody", "00000000-0000-0000-0000-000000000000"])
def test_nobody_acts_as_somebody_who_is_not_there(run, who):
    assert "[not_found]" in run("list", "--as", who, code=1)


def test_an_organisation_is_not_somebody(flow, run):
    assert "[not_found]" in run("list", "--as", flow.ocmw.id, code=1)


def test_a_role_of_another_organisation_gives_nothing(flow, run, hands):
    flow.beneficiary("Anna")
    elsewhere = EXECUTOR_ROLE.replace(OCMW, "0999000228")
    assert run("represent", "--as", hands["Bram"], "--organisation", OCMW, "--role", elsewhere) == []
