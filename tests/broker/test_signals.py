"""What the outbox tells voucher services, for every way in which power becomes smaller (tokens.md section 6)."""

from __future__ import annotations

import pytest

from broker.flows import registry, revocation, signals, token_revocation
from broker.records import Basis, Message
from flow_world import ISSUER, OTHER, VOUCHERS, FlowWorld, access_claims
from security.test_engine_revocation import WAYS, Desk

CHANGED, REVOKED = f"{ISSUER}/events/status-changed", f"{signals.CAEP}session-revoked"
SECTORS = {VOUCHERS: "vouchers", OTHER: "companies"}


@pytest.fixture
def desk(tmp_path):
    world = Desk(tmp_path)
    yield world
    world.close()


def told(world: FlowWorld):
    """Every signal that waits, in the order of posting."""
    with world.services.database.read() as uow:
        waiting = [one for topic in signals.TOPICS for one in uow.outbox.waiting(topic, 1000)]
    vault = world.services.vault
    return [
        signal
        for message in sorted(waiting, key=lambda one: one.seq)
        for signal in signals.of_message(ISSUER, vault, SECTORS, message)
    ]


def of_kind(world, kind):
    return [one for one in told(world) if one.type == kind]


def called(world, prefix, identifier, sector="vouchers"):
    return world.services.vault.pseudonym(prefix, sector, identifier)


def message(topic, body):
    return Message(1_795_420_000, topic, body)


# --- the words themselves ---


def test_the_list_sent_early_names_its_address_and_the_bits(desk):
    body = {"audience": VOUCHERS, "list": "7f3a", "idx": [3, 17]}
    (signal,) = signals.of_message(ISSUER, desk.services.vault, SECTORS, message("status-changed", body))
    address = f"{ISSUER}/status/7f3a"
    assert (signal.audience, signal.type, signal.at) == (VOUCHERS, CHANGED, 1_795_420_000)
    assert signal.event == {"uri": address, "idx": [3, 17]}
    assert signal.subject == {"format": "uri", "uri": address}


def test_a_session_that_ended_names_the_actor_and_the_mandate_in_the_sector_of_the_audience(desk):
    ended = [{"mandate": desk.acting.id, "actor": desk.bram.party}]
    body = {"audience": OTHER, "ended": ended}
    (signal,) = signals.of_message(ISSUER, desk.services.vault, SECTORS, message("session-revoked", body))
    assert (signal.audience, signal.type) == (OTHER, REVOKED)
    assert signal.subject == {
        "format": "complex",
        "user": {"format": "iss_sub", "iss": ISSUER, "sub": called(desk, "p-", desk.bram.party, "companies")},
        "session": {"format": "opaque", "id": called(desk, "m-", desk.acting.id, "companies")},
    }
    assert signal.event["event_timestamp"] == signal.at == 1_795_420_000
    assert set(signal.event["reason_admin"]) == {"nl", "fr", "en"}
    assert all(signal.event["reason_admin"].values()), "stock receivers refuse an empty reason"


def test_a_mandate_that_ended_for_all_omits_the_user(desk):
    body = {"audience": VOUCHERS, "ended": [{"mandate": desk.acting.id, "actor": None}]}
    (signal,) = signals.of_message(ISSUER, desk.services.vault, SECTORS, message("session-revoked", body))
    assert set(signal.subject) == {"format", "session"}


def test_one_message_may_stand_for_many_sessions(desk):
    ended = [{"mandate": desk.acting.id, "actor": one} for one in (desk.bram.party, desk.els.party)]
    body = {"audience": VOUCHERS, "ended": ended}
    found = signals.of_message(ISSUER, desk.services.vault, SECTORS, message("session-revoked", body))
    assert [one.subject["user"]["sub"] for one in found] == [
        called(desk, "p-", one) for one in (desk.bram.party, desk.els.party)
    ]


@pytest.mark.parametrize("topic", signals.TOPICS)
def test_an_audience_that_is_registered_no_more_is_told_nothing(desk, topic):
    body = {"audience": "https://gone.example", "list": "7f3a", "idx": [1], "ended": []}
    assert signals.of_message(ISSUER, desk.services.vault, SECTORS, message(topic, body)) == []


def test_a_notice_to_a_person_is_no_signal(desk):
    with pytest.raises(ValueError, match="not for services"):
        signals.of_message(ISSUER, desk.services.vault, SECTORS, message("notice", {"audience": VOUCHERS}))


# --- who is named, by the way in which power became smaller ---

FOR_ALL = {
    "the mandate is ended",
    "one power of it is ended",
    "it is set aside",
    "what it was passed on from is ended",
    "one power of what it was passed on from is ended",
    "what it was passed on from is set aside",
    "misuse of it is reported",
    "misuse of what it was passed on from is reported",
    "a review withdraws it",
    "a measure sets it aside",
    "the principal dies",
    "the representative ceases",
    "the representative merges",
    "who passed it on ceases",
    "a recognition is lost",
    "the recognition of who passed it on is lost",
    "a complete file leaves a recognition out",
    "a file says that it ceased",
    "its type asks for a stronger login",
}
"""Of the ways, those that reach everybody who acts under the mandate; the others reach one person."""


@pytest.mark.parametrize("way", WAYS)
def test_services_are_told_of_the_bit_and_of_the_session_when(desk, way):
    act = WAYS[way](desk)
    assert told(desk) == []
    act()
    place = access_claims({"access_token": desk.token})["status"]["status_list"]
    (changed,) = of_kind(desk, CHANGED)
    assert changed.event == {"uri": place["uri"], "idx": [place["idx"]]}
    (revoked,) = of_kind(desk, REVOKED)
    assert revoked.audience == changed.audience == VOUCHERS
    assert revoked.subject["session"]["id"] == called(desk, "m-", desk.acting.id)
    user = revoked.subject.get("user")
    if way in FOR_ALL:
        assert user is None, "a mandate that ended for all omits the user"
    else:
        assert user["sub"] == called(desk, "p-", desk.bram.party), "one person's power ended"


def removed(desk):
    registry.remove_client(desk.services, desk.web.id, desk.now)


def grant_ended(desk):
    with desk.services.database.write() as uow:
        revocation.end_grants(uow, uow.grants.live_of_session(desk.bram.id), "test", desk.now)
        uow.commit()


def thrown_away(desk):
    token_revocation.revoke(desk.services, desk.web, desk.token, desk.now)


@pytest.mark.parametrize("end", [removed, grant_ended, thrown_away])
def test_the_end_of_one_grant_names_its_actor(desk, end):
    desk.services.registrations.renew()
    end(desk)
    (signal,) = of_kind(desk, REVOKED)
    assert signal.subject["user"]["sub"] == called(desk, "p-", desk.bram.party)
    assert signal.subject["session"]["id"] == called(desk, "m-", desk.acting.id)


def test_who_acted_for_herself_has_no_mandate_to_name_so_the_list_alone_tells(desk):
    desk.tokens(desk.web, desk.els, "self")
    revocation.end_session(desk.services, desk.els.id, "signed out", desk.now)
    assert len(of_kind(desk, CHANGED)) == 1
    assert of_kind(desk, REVOKED) == []


def test_each_audience_is_told_once_in_its_own_words(desk):
    """Two tokens of one grant, for two services: each hears of its own list and in its own sector."""
    with desk.services.database.write() as uow:
        (grant,) = uow.grants.live_of_session(desk.bram.id)
        narrowed = Basis(grant.id, "back-end", OTHER, grant.mandate, grant.executor, 1)
        uow.status.allocate(narrowed, desk.now + 300, desk.now)
        uow.commit()
    desk.end(desk.acting.id)
    assert {one.audience for one in of_kind(desk, CHANGED)} == {OTHER, VOUCHERS}
    assert {one.audience: one.subject["session"]["id"] for one in of_kind(desk, REVOKED)} == {
        VOUCHERS: called(desk, "m-", desk.acting.id),
        OTHER: called(desk, "m-", desk.acting.id, "companies"),
    }


def test_a_colleague_under_the_same_mandate_is_told_of_only_when_hers_ended(desk):
    other = desk.sign_in("Cas")
    executor = desk.give("ocmw-executor", desk.far, desk.stored(other.party))
    desk.tokens(desk.web, other, desk.key_of(desk.web, desk.acting))
    desk.end(executor.id)
    (signal,) = of_kind(desk, REVOKED)
    assert signal.subject["user"]["sub"] == called(desk, "p-", other.party)
    assert not desk.revoked()


def test_all_who_act_under_a_mandate_that_ended_make_one_signal_a_service(desk):
    other = desk.sign_in("Cas")
    desk.give("ocmw-executor", desk.far, desk.stored(other.party))
    desk.tokens(desk.web, other, desk.key_of(desk.web, desk.acting))
    desk.end(desk.acting.id)
    (signal,) = of_kind(desk, REVOKED)
    assert "user" not in signal.subject
    (changed,) = of_kind(desk, CHANGED)
    assert len(changed.event["idx"]) == 2


def test_more_than_a_thousand_sessions_are_told_in_several_messages(desk):
    with desk.services.database.write() as uow:
        (grant,) = uow.grants.live_of_session(desk.bram.id)
        for hop in range(1, 1002):
            basis = Basis(grant.id, "back-end", VOUCHERS, grant.mandate, grant.executor, hop)
            uow.status.allocate(basis, desk.now + 300, desk.now)
        uow.commit()
    grant_ended(desk)
    assert [len(one.event["idx"]) for one in of_kind(desk, CHANGED)] == [1000, 2]
    assert len(of_kind(desk, REVOKED)) == 1, "one actor under one mandate is one session"


def test_no_message_names_an_organisation_as_the_user_nor_a_person_by_name(desk):
    desk.end(desk.executor.id)
    text = str(told(desk))
    for word in ("Bram", "Maria", "0999000327", "iso6523", desk.bram.party, desk.acting.id):
        assert word not in text
