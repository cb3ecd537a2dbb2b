"""Codes by letter and by hand: who may have one made, who may use it, and what it tells (mandates.md section 6)."""

import dataclasses
import secrets

import pytest

from broker.errors import AddressMissingError, CodeRefusedError, NotFoundHereError, TooManyTriesError
from broker.flows import activation, activation_codes, contacts, mandates, tries
from builders import DAY, NOW
from flow_world import EXECUTOR_ROLE
from mandates.errors import AssuranceTooLowError, NotAllowedError, OwnRequestError, WrongStateError
from mandates.model import Ending, Evidence, Level
from mandates.status import State, status_of

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
ADDRESS = "Dorpsstraat 1, 9000 Gent"


def waiting(flow, name="Maria", **facts):
    """A request that Bram made and that waits for Maria or a second officer."""
    bram = flow.sign_in("Bram", roles=(EXECUTOR_ROLE,))
    asked = {
        "requested_at": flow.now,
        "requested_by": bram.party,
        "activated_at": None,
        "lapses_at": flow.now + 14 * DAY,
        "valid_from": flow.now,
        "valid_until": flow.now + 300 * DAY,
        "evidence": Evidence("desk", typed_name="M. Peeters"),
    }
    return flow.beneficiary(name, **(asked | facts)), bram


def fatima(flow):
    return flow.sign_in("Fatima", roles=(EXECUTOR_ROLE,))


def reviewer(flow, name="Noor"):
    return dataclasses.replace(flow.sign_in(name), staff=frozenset({"reviewer"}))


def with_address(flow, given):
    contacts.report_address(flow.services, given.principal, ADDRESS, "Rijksregister", flow.now)


def letter(flow, given, session=None, capacity="principal"):
    return activation.issue(flow.services, session or fatima(flow), given.id, capacity, flow.now)


def redeem(flow, session, code, **kw):
    return activation.redeem(flow.services, session, code, flow.now, **kw)


def act(flow, code, what, address=HERE):
    return activation.act_without_login(flow.services, code, what, address, flow.now)


def stored(flow, given):
    with flow.services.database.read() as uow:
        return uow.mandates.find(given.id)


def state(flow, given):
    return status_of(stored(flow, given), flow.now).state


def journal_text(flow):
    with flow.services.database.read() as uow:
        return repr(uow.journal.tail(1000))


@pytest.fixture
def request_(flow):
    given, _ = waiting(flow)
    with_address(flow, given)
    return given


# --- the code itself ---


def test_a_code_is_eleven_random_symbols_and_one_that_checks_them():
    codes = {activation_codes.draw() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(code) == 12 and set(code) <= set(activation_codes.ALPHABET) for code in codes)
    assert len({code[0] for code in codes}) == 32
    assert all(activation_codes.read(code) == code for code in codes)


def test_a_code_is_written_in_groups_and_read_whatever_a_hand_makes_of_it(monkeypatch):
    monkeypatch.setattr(secrets, "randbelow", lambda _: 1)
    code = activation_codes.draw()
    assert code == "000000000011"
    assert activation_codes.written(code) == "0000-0000-0011"
    for typed in ("oooo oooo ooil", "0000-0000-0011 ", "OOOOOOOOOOLI", "0000\u20130000\u201300iI"):
        assert activation_codes.read(typed) == code


def test_a_code_whose_check_would_be_a_punctuation_mark_is_drawn_again(monkeypatch):
    numbers = iter([32, 36, 37])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(numbers))
    assert activation_codes.draw() == "000000000150"


def test_every_single_typing_error_and_every_two_that_changed_places_are_found():
    code = activation_codes.draw()
    for place, symbol in enumerate(code):
        for other in set(activation_codes.ALPHABET) - {symbol}:
            assert activation_codes.read(code[:place] + other + code[place + 1 :]) is None
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert activation_codes.read(swapped) == (code if swapped == code else None)


@pytest.mark.parametrize("typed", ["", "123", "U" * 12, "0" * 13, "é" * 12, "0000-0000-00l" + "9" * 5000])
def test_what_is_no_code_is_read_as_none(typed):
    assert activation_codes.read(typed) is None


# --- who has one made ---


def test_a_second_officer_prints_a_letter_to_the_address_on_record_with_the_name_as_typed(flow, request_):
    made = letter(flow, request_)
    assert (made.name, made.address, made.capacity) == ("M. Peeters", ADDRESS, "principal")
    assert made.redeemable_until == request_.lapses_at
    assert activation_codes.read(made.code)
    assert made.code not in repr(made)
    assert ADDRESS not in repr(made)


def test_the_code_is_stored_nowhere_and_the_journal_names_who_printed_it(flow, request_):
    noor = reviewer(flow)
    made = letter(flow, request_, noor)
    bare = activation_codes.read(made.code)
    rows = journal_text(flow)
    assert "activation_code.issued" in rows
    assert noor.party in rows
    assert made.code not in rows
    assert bare not in rows
    assert ADDRESS not in rows
    for file in flow.folder.glob("volmacht.db*"):
        assert bare.encode() not in file.read_bytes()
        assert ADDRESS.encode() not in file.read_bytes()


def test_the_requester_prints_no_letter_of_her_own_request(flow):
    given, bram = waiting(flow)
    with_address(flow, given)
    with pytest.raises(OwnRequestError):
        letter(flow, given, bram)
    with pytest.raises(OwnRequestError):
        letter(flow, given, dataclasses.replace(bram, staff=frozenset({"reviewer"})))


def test_a_letter_needs_an_address_on_record(flow):
    given, _ = waiting(flow)
    with pytest.raises(AddressMissingError):
        letter(flow, given)


def test_nobody_else_prints_a_letter(flow, request_):
    with pytest.raises(NotFoundHereError):
        letter(flow, request_, flow.sign_in("Stranger"))
    with pytest.raises(NotAllowedError):
        letter(flow, request_, flow.sign_in("Maria"))
    with pytest.raises(NotAllowedError):
        letter(flow, request_, capacity="representative")
    with pytest.raises(AssuranceTooLowError):
        letter(flow, request_, dataclasses.replace(reviewer(flow), level=Level.LOW))


def test_no_letter_is_printed_for_what_is_over(flow):
    given, _ = waiting(flow, lapses_at=NOW + 10)
    with_address(flow, given)
    flow.clock.forward(10)
    with pytest.raises(WrongStateError):
        letter(flow, given)


def helper_request(flow):
    maria = flow.sign_in("Maria")
    with flow.services.database.read() as uow:
        principal = uow.parties.get(maria.party)
    asked = {"requested_by": maria.party, "activated_at": None, "lapses_at": flow.now + 14 * DAY}
    asked |= {"valid_from": flow.now, "requested_at": flow.now}
    return flow.give("citizen-helper", principal, flow.party("Tom"), **asked), maria


def test_who_asks_for_help_hands_the_code_over_herself_and_is_shown_it_once(flow):
    given, maria = helper_request(flow)
    made = letter(flow, given, maria, "representative")
    assert made.address is None
    with pytest.raises(NotAllowedError):
        letter(flow, given, flow.sign_in("Tom"), "representative")
    tom = flow.sign_in("Tom")
    assert redeem(flow, tom, made.code).activated_at == flow.now
    assert state(flow, given) is State.ACTIVE


# --- redeemed after login ---


def test_the_named_party_approves_with_her_code_and_the_journal_says_by_code(flow, request_):
    made, maria = letter(flow, request_), flow.sign_in("Maria")
    assert redeem(flow, maria, made.code.lower().replace("-", " ")).activated_at == flow.now
    assert "by_code" in journal_text(flow)
    with flow.services.database.read() as uow:
        index = flow.services.vault.index(activation_codes.read(made.code), "activation")
        assert uow.activation.find(index).redeemed_at == flow.now


def test_every_miss_answers_alike(flow, request_):
    made, maria = letter(flow, request_), flow.sign_in("Maria")
    tom = flow.sign_in("Tom")
    answers = set()
    for session, code in ((maria, activation_codes.draw()), (tom, made.code), (maria, "0"), (maria, "")):
        with pytest.raises(CodeRefusedError) as refused:
            redeem(flow, session, code)
        answers.add(str(refused.value))
    second = letter(flow, request_)  # it kills the first one
    with pytest.raises(CodeRefusedError) as refused:
        redeem(flow, maria, made.code)
    answers.add(str(refused.value))
    redeem(flow, maria, second.code)
    with pytest.raises(CodeRefusedError) as refused:
        redeem(flow, maria, second.code)
    assert answers == {str(refused.value)}


def test_a_code_expires_with_its_request(flow, request_):
    made = letter(flow, request_)
    flow.clock.now = request_.lapses_at - 1
    late = flow.sign_in("Maria")
    flow.clock.forward(1)
    with pytest.raises(CodeRefusedError):
        redeem(flow, late, made.code)
    flow.clock.now -= 1
    assert redeem(flow, late, made.code).activated_at == flow.now


def test_after_five_wrong_codes_she_waits_and_is_told_how_long(flow, request_):
    made, maria, tom = letter(flow, request_), flow.sign_in("Maria"), flow.sign_in("Tom")
    for _ in range(activation.GUESSES):
        with pytest.raises(CodeRefusedError):
            redeem(flow, maria, activation_codes.draw())
    flow.clock.forward(100)
    with pytest.raises(TooManyTriesError) as locked:
        redeem(flow, maria, made.code)
    assert locked.value.retry_after == tries.SECONDS - 100
    with pytest.raises(CodeRefusedError):
        redeem(flow, tom, activation_codes.draw())
    flow.clock.forward(tries.SECONDS - 100)
    assert redeem(flow, maria, made.code)


def test_a_typing_error_and_a_right_code_cost_no_try(flow, request_):
    made, maria = letter(flow, request_), flow.sign_in("Maria")
    wrong = made.code[:-1] + ("0" if made.code[-1] != "0" else "1")
    for _ in range(20):
        with pytest.raises(CodeRefusedError):
            redeem(flow, maria, wrong)
    for _ in range(activation.GUESSES - 1):
        with pytest.raises(CodeRefusedError):
            redeem(flow, maria, activation_codes.draw())
    assert redeem(flow, maria, made.code)


def test_guesses_by_many_people_from_one_address_are_counted_together(flow, request_):
    for number in range(activation.GUESSES_FROM_ADDRESS):
        with pytest.raises(CodeRefusedError):
            redeem(flow, flow.sign_in(f"P{number}"), activation_codes.draw(), address=HERE)
    maria, made = flow.sign_in("Maria"), letter(flow, request_)
    with pytest.raises(TooManyTriesError):
        redeem(flow, maria, made.code, address=HERE)
    assert redeem(flow, maria, made.code, address=ELSEWHERE)


def test_a_login_that_is_too_weak_is_told_so_and_costs_no_try(flow, request_):
    made = letter(flow, request_)
    weak = flow.sign_in("Maria", level=Level.LOW)
    for _ in range(activation.GUESSES + 1):
        with pytest.raises(AssuranceTooLowError):
            redeem(flow, weak, made.code)
    assert redeem(flow, dataclasses.replace(weak, level=Level.HIGH), made.code)


# --- without login ---


def test_without_login_a_code_refuses_pauses_and_ends_and_never_approves(flow, request_):
    made = letter(flow, request_)
    assert act(flow, made.code, "suspend") is None
    assert act(flow, made.code, "end") is None
    assert state(flow, request_) is State.AWAITING
    assert act(flow, made.code, "refuse") is None
    refused = stored(flow, request_)
    assert (refused.ending, refused.ended_by) == (Ending.REFUSED, None)


def test_a_code_for_pausing_and_ending_lives_with_the_mandate(flow):
    client, bram = flow.client(), flow.officer()
    given = flow.beneficiary()
    with_address(flow, given)
    flow.tokens(client, bram, flow.key_of(client, given))
    made = letter(flow, given)
    act(flow, made.code, "refuse")
    assert state(flow, given) is State.ACTIVE
    act(flow, made.code, "suspend")
    assert state(flow, given) is State.SUSPENDED
    assert stored(flow, given).suspensions[0].capacity == "principal"
    act(flow, made.code, "end")
    assert stored(flow, given).ending is Ending.REVOKED
    with flow.services.database.read() as uow:
        (status_list,) = uow.status.lists()
        assert set(uow.status.revoked_indices(status_list.id)) - set(status_list.decoys)


def test_without_login_known_and_unknown_codes_answer_alike_and_ask_the_store_the_same(
    flow, request_, monkeypatch
):
    made, asked = letter(flow, request_), []
    with flow.services.database.read() as uow:
        store, mandates_ = type(uow.activation), type(uow.mandates)
    for kind in (store, mandates_):
        plain = kind.find
        monkeypatch.setattr(
            kind, "find", lambda self, key, plain=plain: asked.append(type(self).__name__) or plain(self, key)
        )
    seen = []
    for code in (activation_codes.draw(), "mistyped", made.code):
        asked.clear()
        assert act(flow, code, "refuse") is None
        seen.append(tuple(asked[:2]))
    assert len(set(seen)) == 1


def test_an_address_that_tries_too_often_is_refused_right_or_wrong(flow, request_):
    made = letter(flow, request_)
    for _ in range(activation.GUESSES_FROM_ADDRESS):
        act(flow, "nothing", "refuse")
    with pytest.raises(TooManyTriesError):
        act(flow, made.code, "refuse")
    act(flow, made.code, "refuse", ELSEWHERE)
    assert state(flow, request_) is State.REFUSED


def test_a_line_of_its_own_is_one_address():
    assert tries.network("2001:db8:1:2:aaaa::1") == tries.network("2001:db8:1:2::ffff")
    assert tries.network("2001:db8:1:2::1") != tries.network("2001:db8:1:3::1")
    assert tries.network("192.0.2.1") == "192.0.2.1"
    assert tries.network("unknown") == "unknown"


def test_what_the_second_officer_approved_meanwhile_is_not_approved_again(flow, request_):
    made, maria = letter(flow, request_), flow.sign_in("Maria")
    mandates.approve(flow.services, fatima(flow), request_.id, flow.now)
    with pytest.raises(CodeRefusedError):
        redeem(flow, maria, made.code)
