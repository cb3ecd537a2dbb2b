"""Whatever makes power smaller reaches every token, in one transaction (tokens.md section 6).

Three kinds of token stand on Maria's mandate: one of the code flow, one that a back end got by
exchange with Bram's own token, and one that it narrowed from the first. For every way in which
power becomes smaller, each must have its bit set, with outbox and journal, when the first
transaction commits; and what comes after is refused or narrower, with a fresh index.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.errors import ExchangeRefusedError, FlowError, JudgedError
from broker.flows import registry, revocation
from broker.storage.unit_of_work import SqlUnitOfWork
from exchange_world import ORDER, READ, USE, ExchangeWorld
from flow_world import SCOPES, access_claims
from mandates.model import Level
from security.test_engine_revocation import WAYS, Desk


class Reach(Desk, ExchangeWorld):
    """The desk, with a back end that exchanges: in Bram's name for Maria, and what it received itself."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.web = self.client(scopes=SCOPES | {USE})
        self.services.registrations.renew()
        self.own = self.self_token(self.bram)
        self.code_flow = self.tokens(self.web, self.bram, self.key_of(self.web, self.acting))
        self.places = {
            "code flow": self.place(self.code_flow),
            "exchanged": self.place(self.act(self.acting, self.own, scope=BOTH)),
            "narrowed": self.place(self.narrow(self.code_flow["access_token"])),
        }
        assert len(set(self.places.values())) == 3

    def place(self, answer):
        """(list, index) of a token."""
        entry = self.entry_of(answer)
        return entry.list, entry.index

    def state(self):
        """Kinds whose bit is set; the bits that services are told of; how many rows the journal has."""
        with self.services.database.read() as uow:
            unset = {
                kind: uow.status.entry(*place)
                for kind, place in self.places.items()
                if uow.status.entry(*place).revoked_at is None
            }
            waiting = uow.outbox.waiting("status-changed", 1000)
            rows = len(uow.journal.tail(10_000))
        told = {(one.body["list"], index) for one in waiting for index in one.body["idx"]}
        return self.places.keys() - unset.keys(), told, rows


@pytest.fixture
def desk(tmp_path):
    world = Reach(tmp_path)
    yield world
    world.close()


def shorter(desk):
    return lambda: desk.change(desk.acting.id, valid_until=desk.now + 60)


def ended_grants(desk):
    def end():
        with desk.services.database.write() as uow:
            revocation.end_grants(uow, uow.grants.live_of_session(desk.bram.id), "test", desk.now)
            uow.commit()

    return end


def removed(client):
    return lambda desk: lambda: registry.remove_client(desk.services, client, desk.now)


MORE = {
    "its period becomes shorter": shorter,
    "the grants are ended": ended_grants,
    "the session is ended": lambda desk: (
        lambda: revocation.end_session(desk.services, desk.bram.id, "signed out", desk.now)
    ),
    "the client is removed": removed("voucher-web"),
}
ALL = {**WAYS, **MORE}
BOTH = frozenset({READ, ORDER})
EVERY = {"code flow", "exchanged", "narrowed"}


LESS = {
    "one power of it is ended",
    "one power of what it was passed on from is ended",
    "one power of the executor is ended",
    "its period becomes shorter",
    "the client loses a scope",
}
"""Ways that leave her something."""
AS_MUCH = {"its type asks for a stronger login", "the type of the executor opens less"}
"""Ways that are not about her, who signed in strongly and whose executor is stored: judged again, no more."""


@pytest.mark.parametrize("way", ALL)
def test_bits_outbox_and_journal_are_of_one_transaction_for_every_token_when(desk, monkeypatch, way):
    act = ALL[way](desk)
    before = desk.state()
    assert before[:2] == (set(), set())
    seen = []
    leave = SqlUnitOfWork.__exit__

    def left(unit, *error):
        written = unit._writes and not unit._transaction.is_active
        done = leave(unit, *error)
        if written and not seen:
            seen.append(None)  # the look below opens units of its own
            seen[0] = desk.state()
        return done

    monkeypatch.setattr(SqlUnitOfWork, "__exit__", left)
    act()
    reached, told, rows = seen[0]
    assert reached == EVERY
    assert told >= set(desk.places.values())
    assert rows > before[2] or way == "its period becomes shorter", "a test that changes a mandate by hand"


@pytest.mark.parametrize("way", ALL)
def test_a_broker_that_stops_before_the_commit_leaves_nothing_of(desk, monkeypatch, way):
    act = ALL[way](desk)
    before = desk.state()

    def killed(unit):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SqlUnitOfWork, "commit", killed)
        with pytest.raises(KeyboardInterrupt):
            act()
    assert desk.state() == before


@pytest.mark.parametrize("way", ALL)
def test_the_next_refresh_is_refused_or_narrower_and_has_a_fresh_index_when(desk, way):
    ALL[way](desk)()
    desk.services.registrations.renew()
    client = desk.services.registrations().find_client(desk.web.id) or desk.web
    before = access_claims(desk.code_flow)
    try:
        answer = desk.refresh(client, desk.code_flow)
    except FlowError:
        return
    assert way in LESS | AS_MUCH
    after = access_claims(answer)
    assert desk.place(answer) not in desk.places.values()
    assert set(after["scope"].split()) <= set(before["scope"].split())
    ends = [one["authorization_details"][0]["not_after"] for one in (after, before)]
    assert ends[0] <= ends[1]
    assert ((after["scope"], ends[0]) == (before["scope"], ends[1])) is (way in AS_MUCH)


@pytest.mark.parametrize("way", ALL)
def test_the_next_exchange_is_refused_or_narrower_and_has_a_fresh_index_when(desk, way):
    ALL[way](desk)()
    desk.services.registrations.renew()
    with pytest.raises(FlowError):
        desk.narrow(desk.code_flow["access_token"])
    for scopes in (BOTH, {READ}):
        try:
            answer = desk.act(desk.acting, desk.own, scope=frozenset(scopes))
        except FlowError:
            continue
        assert way in AS_MUCH or (way in LESS and (scopes == {READ} or way == "its period becomes shorter"))
        assert desk.place(answer) not in desk.places.values()


class WeaklySignedIn(Reach):
    """Everybody at `substantial`."""

    def sign_in(self, name="Bram", **login):
        return super().sign_in(name, **({"level": Level.SUBSTANTIAL} | login))


def test_a_higher_level_refuses_who_signed_in_at_a_lower_one_until_she_signs_in_again(tmp_path):
    desk = WeaklySignedIn(tmp_path)
    WAYS["its type asks for a stronger login"](desk)()
    desk.services.registrations.renew()
    assert desk.state()[0] == EVERY
    with pytest.raises(JudgedError) as refused:
        desk.refresh(desk.web, desk.code_flow)
    assert refused.value.reasons[0].code == "assurance_too_low"
    with pytest.raises(ExchangeRefusedError) as refused:
        desk.act(desk.acting, desk.own)
    assert refused.value.reason == "assurance_too_low"
    strong = desk.sign_in("Bram", level=Level.HIGH)
    later = desk.tokens(desk.web, strong, desk.key_of(desk.web, desk.acting))
    assert desk.place(later) not in desk.places.values()
    desk.close()


def test_who_knew_the_catalogue_a_moment_ago_issues_nothing_under_the_old_one(tmp_path):
    """Catalogue and registrations have one version: in no second of any process is one older than the other."""
    desk = WeaklySignedIn(tmp_path)
    desk.services.catalogue()
    desk.services.registrations()
    WAYS["its type asks for a stronger login"](desk)()
    with pytest.raises(ExchangeRefusedError):
        desk.act(desk.acting, desk.own)
    desk.close()


def test_the_same_holds_for_a_refresh(tmp_path):
    desk = WeaklySignedIn(tmp_path)
    desk.services.catalogue()
    WAYS["its type asks for a stronger login"](desk)()
    with pytest.raises(JudgedError):
        desk.refresh(desk.web, desk.code_flow)
    desk.close()


def test_a_back_end_that_is_removed_loses_its_tokens_and_nobody_elses(desk):
    registry.remove_client(desk.services, desk.api.id, desk.now)
    assert desk.state()[0] == {"exchanged", "narrowed"}


def test_a_back_end_that_may_less_loses_its_tokens_and_nobody_elses(desk):
    registry.put_client(desk.services, replace(desk.api, mandate_types=()), [], desk.now)
    assert desk.state()[0] == {"exchanged", "narrowed"}


def test_the_end_of_the_grant_of_the_actor_token_reaches_what_was_exchanged_with_it_alone(desk):
    with desk.services.database.write() as uow:
        own = [one for one in uow.grants.live_of_session(desk.bram.id) if one.mandate is None]
        revocation.end_grants(uow, own, "test", desk.now)
        uow.commit()
    assert desk.state()[0] == {"exchanged"}


def test_another_mandate_that_ends_reaches_none_of_them(desk):
    other = desk.give("ocmw-beneficiary", desk.party("Jozef"), desk.far)
    desk.end(other.id)
    assert desk.state()[:2] == (set(), set())


def test_a_bit_never_returns_and_an_index_never_speaks_for_two(desk):
    """The next permitted token of the same kind has another index."""
    desk.change(desk.acting.id, powers=("vouchers:read",))
    later = [desk.refresh(desk.web, desk.code_flow), desk.act(desk.acting, desk.own)]
    later.append(desk.narrow(later[0]["access_token"]))
    assert {desk.place(one) for one in later}.isdisjoint(desk.places.values())
    assert desk.state()[0] == EVERY


def test_a_service_that_throws_away_an_exchanged_token_ends_nothing_else(desk):
    with desk.services.database.write() as uow:
        assert uow.status.revoke_entry(*desk.places["exchanged"], desk.now)
        uow.commit()
    assert desk.state()[0] == {"exchanged"}
