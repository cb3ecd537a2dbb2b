"""Class 18: two hands at one moment. Whatever the order, one outcome is stored, and no power slips through.

Through the flows and the REST API, on both databases; the loser is told so by an error of ours.
"""

from __future__ import annotations

import io
import threading
from functools import partial
from typing import Any

import pytest

from attack_tools import claims_of
from broker.errors import FlowError
from broker.flows import activation, bulk, cascades, mandates, staff, tokens, uses
from broker.flows.naming import ME, Named
from broker.flows.uses import AuditLine
from broker.port_errors import ConflictError
from builders import DAY
from flow_world import EXECUTOR_ROLE, VOUCHERS
from mandates.cascade import Cause, Happening
from mandates.errors import MandateError
from mandates.model import Evidence
from mandates.status import State, status_of

ROUNDS = 4
LOST = (MandateError, FlowError, ConflictError)
URN = "iso6523-actorid-upis::0208:"


def together(*acts) -> list[Any]:
    """Each in a thread of its own, all at once; what each returned, or the error that it lost by."""
    start, done = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number, act):
        start.wait()
        try:
            done[number] = act()
        except LOST as error:
            done[number] = error
        except BaseException as error:  # noqa: BLE001 - whatever a thread dies of, the assertion below shows
            done[number] = AssertionError(repr(error))

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(isinstance(one, AssertionError) for one in done), done
    return done


def won(outcomes) -> int:
    return sum(not isinstance(one, LOST) for one in outcomes)


def stored(api, mandate_id):
    with api.services.database.read() as uow:
        return uow.mandates.find(mandate_id)


def events(api, kind, mandate_id=None):
    with api.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000, mandate_id) if row.type == kind]


def asked(api, name):
    """A request of Bram for a new person."""
    who = api.party(name)
    given = api.give(
        "ocmw-beneficiary", who, api.ocmw, activated_at=None, lapses_at=api.now + DAY,
        requested_by=api.bram.party, evidence=Evidence("form", "ab" * 32),
    )  # fmt: skip
    return who, given


@pytest.fixture
def desk(api):
    api.bram = api.officer()
    api.bea = api.sign_in("Bea", roles=(EXECUTOR_ROLE,))
    api.cleo = api.sign_in("Cleo", roles=(EXECUTOR_ROLE,))
    return api


def test_class_18_of_two_approvals_one_activates(desk):
    for number in range(ROUNDS):
        _, request = asked(desk, f"P{number}")
        outcomes = together(
            *(
                partial(mandates.approve, desk.services, who, request.id, desk.now)
                for who in (desk.bea, desk.cleo)
            )
        )
        assert won(outcomes) == 1
        assert len(stored(desk, request.id).approvals) == 1
        assert len(events(desk, "mandate.activated", request.id)) == 1


def test_class_18_of_approving_and_refusing_one_is_done(desk):
    for number in range(ROUNDS):
        _, request = asked(desk, f"P{number}")
        outcomes = together(
            partial(mandates.approve, desk.services, desk.bea, request.id, desk.now),
            partial(mandates.refuse, desk.services, desk.cleo, request.id, desk.now),
        )
        assert won(outcomes) == 1
        assert status_of(stored(desk, request.id), desk.now).state in {State.ACTIVE, State.REFUSED}


def test_class_18_what_is_ended_while_it_is_renewed_does_not_go_on(desk):
    for number in range(ROUNDS):
        who = desk.party(f"P{number}")
        given = desk.give("ocmw-beneficiary", who, desk.ocmw, evidence=Evidence("form", "ab" * 32))
        herself = desk.sign_in(f"P{number}")
        together(
            partial(mandates.end, desk.services, herself, given.id, desk.now),
            partial(mandates.renew, desk.services, desk.bram, given.id, desk.now, at_once=True),
        )
        with desk.services.database.read() as uow:
            states = {status_of(one, desk.now).state for one in uow.mandates.of_principal(who.id)}
        assert status_of(stored(desk, given.id), desk.now).state is State.REVOKED
        assert states.isdisjoint({State.ACTIVE, State.SCHEDULED, State.AWAITING})


def test_class_18_a_code_is_redeemed_once(desk):
    for number in range(ROUNDS):
        maria, tom = desk.sign_in(f"Maria{number}"), desk.sign_in(f"Tom{number}")
        given = mandates.ask(
            desk.services, maria,
            mandates.Asked(
                "citizen-helper", ME, Named(party=tom.party), ("vouchers:read",), desk.now, None, ""
            ),
            desk.now,
        )  # fmt: skip
        code = activation.issue(desk.services, maria, given.id, "representative", desk.now).code
        redeem = partial(activation.redeem, desk.services, tom, code, desk.now)
        assert won(together(redeem, redeem)) == 1
        assert len(events(desk, "mandate.activated", given.id)) == 1


def test_class_18_a_code_that_ends_and_one_that_approves_leave_nothing_in_force_that_was_refused(desk):
    for number in range(ROUNDS):
        maria, tom = desk.sign_in(f"Maria{number}"), desk.sign_in(f"Tom{number}")
        given = mandates.ask(
            desk.services, maria,
            mandates.Asked(
                "citizen-helper", ME, Named(party=tom.party), ("vouchers:read",), desk.now, None, ""
            ),
            desk.now,
        )  # fmt: skip
        code = activation.issue(desk.services, maria, given.id, "representative", desk.now).code
        together(
            partial(activation.redeem, desk.services, tom, code, desk.now),
            partial(activation.act_without_login, desk.services, code, "refuse", "192.0.2.1", desk.now),
        )
        found = stored(desk, given.id)
        assert (found.activated_at is None) != (found.ending is None)


def test_class_18_a_file_applied_by_two_hands_is_applied_once(desk):
    text = "insz;naam;bevoegdheden;tot en met;bewijsstuk;sleutel\n" + "".join(
        f"9001{day:02d}001{97 - int(f'9001{day:02d}001') % 97:02d};P{day};vouchers:read;31/12/2026;f;r{day}\n"
        for day in range(1, 20)
    )
    job = bulk.start(
        desk.services,
        desk.bram,
        kind="mandates",
        content=io.BytesIO(text.encode()),
        name="f.csv",
        now=desk.now,
    )
    bulk.validate(desk.services, desk.bram, job.id, desk.now)
    together(*(partial(bulk.apply, desk.services, who, job.id, desk.now) for who in (desk.bram, desk.bea)))
    report = bulk.apply(desk.services, desk.bram, job.id, desk.now)
    assert (report.job.applied_rows, report.counts) == (19, {"needs_approval": 19})
    assert len(events(desk, "mandate.requested")) == 19
    assert len(events(desk, "bulk.applied")) == 1


def test_class_18_a_request_sent_twice_with_one_key_is_done_once(desk):
    caller = desk.person(desk.bram)
    for number in range(ROUNDS):
        body = {
            "type": "ocmw-beneficiary",
            "principal": {"insz": "85.07.30-033.28", "name": "Maria"},
            "representative": {"my_organisation": True},
            "powers": ["vouchers:read"],
            "evidence": "form",
        }
        headers = caller | {"Idempotency-Key": f"same-key-{number}"}

        def post(headers=headers, body=body):
            return desk.app.test_client().post("/api/v1/mandates", json=body, headers=headers)

        answers = together(post, post, post)
        made = [one.json["identifier"] for one in answers if one.status_code == 201]
        assert len(set(made)) == 1
        assert {one.status_code for one in answers} <= {201, 409}
        assert len(events(desk, "mandate.requested")) == number + 1
        mandates.cancel(
            desk.services, desk.bram, desk.services.vault.resolve(made[0], "m-", "desk"), desk.now
        )


def test_class_18_a_token_that_is_issued_while_its_mandate_ends_is_revoked(desk):
    web = desk.client()
    for number in range(ROUNDS):
        who = desk.party(f"P{number}")
        given, herself = desk.give("ocmw-beneficiary", who, desk.ocmw), desk.sign_in(f"P{number}")
        answer = desk.tokens(web, desk.bram, desk.key_of(web, given))
        refreshed, _ = together(
            partial(tokens.refresh, desk.services, web, answer["refresh_token"], desk.now),
            partial(mandates.end, desk.services, herself, given.id, desk.now),
        )
        issued = [answer, *([refreshed] if isinstance(refreshed, dict) else [])]
        for one in issued:
            place = claims_of(one["access_token"])["status"]["status_list"]
            with desk.services.database.read() as uow:
                entry = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
            assert entry.revoked_at == desk.now


def test_class_18_a_token_that_is_issued_while_she_leaves_the_caseload_is_revoked(desk):
    web, els, dora = desk.client(), desk.sign_in("Els"), desk.sign_in("Dora")
    desk.give("ocmw-manager", desk.ocmw, desk.stored(els.party))
    executor = desk.give("ocmw-executor", desk.ocmw, desk.stored(dora.party), whole=False)
    for number in range(ROUNDS):
        given = desk.beneficiary(f"P{number}")
        mandates.caseload(desk.services, els, executor.id, desk.now, add=[given.principal])
        answer = desk.tokens(web, dora, desk.key_of(web, given))
        refreshed, _ = together(
            partial(tokens.refresh, desk.services, web, answer["refresh_token"], desk.now),
            partial(mandates.caseload, desk.services, els, executor.id, desk.now, remove=[given.principal]),
        )
        for one in [answer, *([refreshed] if isinstance(refreshed, dict) else [])]:
            place = claims_of(one["access_token"])["status"]["status_list"]
            with desk.services.database.read() as uow:
                entry = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
            assert entry.revoked_at == desk.now


def test_class_18_a_happening_is_undone_once_and_gives_no_second_mandate(desk):
    for number in range(ROUNDS):
        given = desk.beneficiary(f"P{number}")
        died = Happening(Cause.DEATH, given.principal, desk.now, "register")
        done = cascades.report(desk.services, died, by=None, dry_run=False, now=desk.now)
        undo = partial(cascades.undo, desk.services, done.reference, None, desk.now)
        assert won(together(undo, undo)) == 1
        assert status_of(stored(desk, given.id), desk.now).state is State.ACTIVE


def test_class_18_who_signs_in_while_her_role_is_taken_is_left_without_it(desk):
    noor, ann = desk.party("Noor"), desk.party("Ann")
    for _ in range(ROUNDS):
        staff.give(desk.services, noor.id, "reviewer", by=ann.id, now=desk.now)
        session, _ = together(
            partial(desk.sign_in, "Noor"),
            partial(staff.take, desk.services, noor.id, "reviewer", by=ann.id, now=desk.now),
        )
        now = desk.session(session.id)
        assert now.staff == frozenset() or now.ended_at is not None


def test_class_18_lines_posted_twice_at_once_are_kept_once(desk):
    service, given = desk.client("service", serves=(VOUCHERS,)), desk.beneficiary()
    called = desk.services.vault.pseudonym
    for number in range(ROUNDS):
        line = AuditLine(
            f"jti-{number}", called("p-", "vouchers", given.principal), called("p-", "vouchers", desk.bram.party),
            f"{URN}{desk.ocmw.kbo}", called("m-", "vouchers", given.id), "permit", desk.now, "vouchers:read",
        )  # fmt: skip
        post = partial(uses.post, desk.services, service, [line], desk.now)
        outcomes = together(post, post)
        assert sorted(one[0] for one in outcomes if isinstance(one, list)) in (
            ["known", "stored"],
            ["stored"],
        )
        assert post() == ["known"]
    assert len(events(desk, "uses.posted")) == ROUNDS
