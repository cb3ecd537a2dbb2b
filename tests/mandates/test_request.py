import dataclasses
import json

import pytest

from builders import (
    BRAM,
    DAY,
    MANAGER,
    MARIA,
    NOW,
    OFFICERS,
    SIGNED,
    TOM,
    actor,
    ask,
    catalogue,
    ended,
    event_types,
    give,
    organisation,
    person,
    world,
)
from mandates import errors
from mandates.decide import Request, decide
from mandates.model import Ending, Evidence, Level, Source
from mandates.status import State, status_of

# --- request ---------------------------------------------------------------


def test_an_officer_asks_and_the_request_waits_for_fourteen_days():
    change = ask()
    m = change.mandate
    assert (m.version, m.activated_at, m.requested_by, m.requested_at) == (1, None, "bram", NOW)
    assert m.powers == ("vouchers:read", "vouchers:order"), "in the order of the catalogue"
    assert (m.valid_from, m.valid_until, m.lapses_at) == (NOW, NOW + 730 * DAY, NOW + 14 * DAY)
    assert (m.evidence, m.source, m.catalogue_version) == (SIGNED, Source.STORED, catalogue().version)
    assert status_of(m, NOW).state is State.AWAITING
    assert not decide(Request(BRAM, "maria"), world(*OFFICERS, m), NOW).permitted
    (event,) = change.events
    assert (event.type, event.at, event.actor, event.mandate) == ("mandate.requested", NOW, "bram", "m")
    assert (event.principal, event.representative) == ("maria", "ocmw")
    assert event.detail["catalogue_version"] == catalogue().version
    assert event.detail["powers"] == ["vouchers:read", "vouchers:order"]
    assert event.detail["evidence_sha256"] == "ab" * 32


def test_an_event_is_json_and_never_tells_the_note():
    (event,) = ask().events
    body = event.body()
    assert json.loads(json.dumps(body)) == body
    assert set(body) == {"grounds", "detail"}
    assert "signed at the desk" not in json.dumps(body)


def test_a_request_lapses_no_later_than_it_would_end():
    assert ask(valid_until=NOW + 5).mandate.lapses_at == NOW + 5


def test_a_manager_gives_and_it_is_active_at_once():
    change = give()
    assert event_types(change) == ["mandate.requested", "mandate.activated"]
    assert (change.mandate.activated_at, change.mandate.lapses_at, change.mandate.version) == (NOW, None, 1)
    assert decide(Request(TOM, "company", "payout:change"), world(change.mandate), NOW).permitted


def test_what_a_manager_gave_outlives_her_session():
    given, left = give().mandate, dataclasses.replace(MANAGER, **ended(Ending.SESSION_ENDED))
    assert decide(Request(TOM, "company"), world(left, given), NOW + 1).permitted


def test_a_manager_gives_herself_nothing_that_outlives_her_role():
    with pytest.raises(errors.OwnRequestError):
        give("els")


@pytest.mark.parametrize(
    ("who", "type_key", "principal", "representative"),
    [
        (actor("bram", session="s9"), "ocmw-beneficiary", "maria", "ocmw"),
        (MARIA, "ocmw-beneficiary", "maria", "ocmw"),
        (BRAM, "ocmw-beneficiary", "maria", "ocmw-far"),
        (BRAM, "ocmw-executor", "ocmw", "tom"),
        (TOM, "company-employee", "company", "bram"),
        (TOM, "citizen-helper", "maria", "tom"),
        (BRAM, "citizen-helper", "maria", "tom"),
        (actor("noor", 3, None, "reviewer", "operator"), "company-manager", "company", "tom"),
    ],
)
def test_who_may_not_ask_is_refused(who, type_key, principal, representative):
    with pytest.raises(errors.NotAllowedError) as error:
        ask(who, type_key, principal, representative)
    assert error.value.code == "not_allowed"


def test_who_may_not_ask_learns_nothing_of_the_parties():
    w = world(*OFFICERS, parties={"maria": person("maria", deceased_at=NOW)})
    with pytest.raises(errors.NotAllowedError):
        ask(TOM, w=w)


def test_a_weak_login_cannot_ask_and_hears_what_is_needed():
    with pytest.raises(errors.AssuranceTooLowError) as error:
        ask(actor("bram", Level.LOW, "s1"))
    assert error.value.needed is Level.SUBSTANTIAL
    assert "substantial" in str(error.value)


@pytest.mark.parametrize(
    "parties",
    [
        {"maria": person("maria", deceased_at=NOW)},
        {"ocmw": organisation("ocmw", "ocmw", ceased_at=NOW)},
        {"ocmw": organisation("ocmw", "recognised_company")},
        {"maria": organisation("maria", "ocmw")},
    ],
)
def test_parties_that_are_not_eligible_are_refused(parties):
    with pytest.raises(errors.NotEligibleError) as error:
        ask(w=world(*OFFICERS, parties=parties))
    assert "Maria" not in str(error.value)


def test_a_person_gives_no_mandate_to_herself():
    with pytest.raises(errors.NotEligibleError):
        ask(MARIA, "citizen-helper", "maria", "maria")


def test_an_organisation_is_no_helper():
    with pytest.raises(errors.NotEligibleError):
        ask(MARIA, "citizen-helper", "maria", "bakery")


def test_an_unknown_type_is_refused():
    with pytest.raises(errors.CatalogueError):
        ask(type_key="no-such-type")


@pytest.mark.parametrize(
    "powers",
    [(), ("payout:change",), ("vouchers:read", "payout:change"), ("vouchers:read", "vouchers:read"), ("",)],
)
def test_powers_that_are_not_of_the_type_are_refused(powers):
    with pytest.raises(errors.InvalidPowersError):
        ask(powers=powers)


@pytest.mark.parametrize(
    "evidence",
    [Evidence(), Evidence(note=" \n"), Evidence(sha256="ab"), Evidence(note="x", sha256="AB" * 32)],
)
def test_evidence_that_is_none_is_refused(evidence):
    with pytest.raises(errors.EvidenceRequiredError):
        ask(evidence=evidence)


def test_all_powers_of_the_type_may_be_asked():
    every = tuple(catalogue().type("ocmw-beneficiary").powers)
    assert ask(powers=every[::-1]).mandate.powers == every


@pytest.mark.parametrize("evidence", [Evidence(note="by telephone"), Evidence(sha256="ab" * 32)])
def test_a_note_or_a_document_is_evidence(evidence):
    assert ask(evidence=evidence).mandate.evidence == evidence


# --- the period ------------------------------------------------------------


def test_today_means_from_now_on():
    m = ask(valid_from=NOW - 25 * 3600).mandate
    assert (m.valid_from, m.valid_until) == (NOW, NOW + 730 * DAY)


@pytest.mark.parametrize(
    ("valid_from", "valid_until"),
    [
        (NOW - 25 * 3600 - 1, NOW + DAY),
        (NOW, NOW),
        (NOW - 10, NOW),
        (NOW + 10, NOW + 10),
        (NOW + 10, NOW + 5),
        (NOW, NOW + 1096 * DAY + 3601),
    ],
)
def test_a_period_that_is_none_or_too_long_is_refused(valid_from, valid_until):
    with pytest.raises(errors.InvalidPeriodError):
        ask(valid_from=valid_from, valid_until=valid_until)


@pytest.mark.parametrize(
    ("valid_from", "valid_until"),
    [(NOW, NOW + 1), (NOW, NOW + 1096 * DAY + 3600), (NOW + DAY, NOW + DAY + 1)],
)
def test_a_period_at_its_bounds_is_taken_as_it_is(valid_from, valid_until):
    m = ask(valid_from=valid_from, valid_until=valid_until).mandate
    assert (m.valid_from, m.valid_until) == (valid_from, valid_until)


def test_the_default_duration_counts_from_the_start():
    assert ask(valid_from=NOW + DAY).mandate.valid_until == NOW + 731 * DAY
