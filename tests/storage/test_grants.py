import threading

import pytest

from broker.port_errors import ConflictError, NotFoundError
from broker.records import Consent, RefreshToken
from storage.records import NOW, grant, mandate, populate, session


@pytest.fixture
def village(database):
    populate(database)
    with database.write() as unit:
        unit.sessions.add(session("s2", "fatima"))
        unit.mandates.add(mandate("m1", "maria", "ocmw"), NOW)
        unit.mandates.add(mandate("m2", "maria", "ocmw", several=True), NOW)
        unit.mandates.add(mandate("x1", "ocmw", "bram"), NOW)
        unit.commit()
    return database


def keys(grants):
    return [one.id for one in grants]


def test_a_grant_comes_back_as_it_was_stored(village):
    stored = grant("g1", mandate="m1", executor="x1", ended_at=NOW + 1, ended_reason="logout")
    with village.write() as unit:
        unit.grants.add(stored)
        with pytest.raises(ConflictError):
            unit.grants.add(stored)
        assert unit.grants.find("g1") == stored
        assert unit.grants.find("nothing") is None


def test_a_grant_on_what_is_not_stored_is_refused(village):
    with village.write() as unit, pytest.raises(NotFoundError):
        unit.grants.add(grant("g1", mandate="unknown"))


def test_live_grants_are_found_by_mandate_by_executor_and_by_session(village):
    with village.write() as unit:
        unit.grants.add(grant("by-mandate", mandate="m1", executor="x1"))
        unit.grants.add(grant("by-executor", mandate="m2", executor="x1"))
        unit.grants.add(grant("self", in_session="s2"))
        unit.grants.add(grant("over", mandate="m1", executor="x1", ended_at=NOW))
        assert keys(unit.grants.live_on_mandates(["m1"])) == ["by-mandate"]
        assert keys(unit.grants.live_on_mandates(["x1", "m1"])) == ["by-executor", "by-mandate"]
        assert keys(unit.grants.live_on_mandates(iter(["x1", "m1"]))) == ["by-executor", "by-mandate"]
        assert keys(unit.grants.live_on_mandates([])) == []
        assert keys(unit.grants.live_of_session("s1")) == ["by-executor", "by-mandate"]
        assert keys(unit.grants.live_of_session("s2")) == ["self"]


def test_the_first_ending_of_a_grant_is_the_one_that_is_kept(village):
    with village.write() as unit:
        unit.grants.add(grant("g1"))
        unit.grants.add(grant("g2"))
        unit.grants.end(["g1"], "logout", NOW + 1)
        unit.grants.end(["g1", "unknown"], "revoked", NOW + 2)
        unit.grants.end([], "revoked", NOW + 2)
        ended = unit.grants.find("g1")
        assert (ended.ended_at, ended.ended_reason) == (NOW + 1, "logout")
        assert unit.grants.find("g2").ended_at is None


def test_a_refresh_token_is_used_once_also_by_many_at_once(village):
    token = RefreshToken("hash", "g1", NOW, NOW + 100, jkt="thumb")
    with village.write() as unit:
        unit.grants.add(grant("g1"))
        unit.grants.add_refresh_token(token)
        assert unit.grants.find_refresh_token("hash") == token
        assert unit.grants.find_refresh_token("other") is None
        unit.commit()
    together, won, winner = threading.Barrier(4), [], []

    def use(successor):
        together.wait()
        with village.write() as unit:
            if won_by := unit.grants.use_refresh_token("hash", successor, NOW + 5):
                winner.append(successor)
            won.append(won_by)
            unit.commit()

    threads = [threading.Thread(target=use, args=(f"next-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(won) == [False, False, False, True]
    with village.write() as unit:
        used = unit.grants.find_refresh_token("hash")
        assert (used.used_at, [used.successor], used.jkt) == (NOW + 5, winner, "thumb")
        assert unit.grants.use_refresh_token("unknown", "next", NOW) is False


def test_consent_adds_up_per_person_and_client(village):
    with village.write() as unit:
        unit.grants.remember_consent("maria", "web", ["openid", "vouchers:read"], NOW)
        unit.grants.remember_consent("maria", "web", iter(["openid", "profile"]), NOW + 1)
        unit.grants.remember_consent("maria", "web", [], NOW + 1)
        unit.grants.remember_consent("maria", "other", ["insz"], NOW)
        assert unit.grants.consented("maria", "web") == {"openid", "vouchers:read", "profile"}
        assert unit.grants.consented("jozef", "web") == frozenset()


def test_what_somebody_agreed_to_is_shown_and_withdrawn_client_by_client(village):
    with village.write() as unit:
        unit.grants.remember_consent("maria", "web", ["vouchers:read", "openid"], NOW)
        unit.grants.remember_consent("maria", "other", ["insz"], NOW + 1)
        unit.grants.remember_consent("jozef", "web", ["openid"], NOW)
        hers = [Consent("web", "openid", NOW), Consent("web", "vouchers:read", NOW)]
        assert unit.grants.consents_of("maria") == [Consent("other", "insz", NOW + 1), *hers]
        assert unit.grants.withdraw_consent("maria", "web") is True
        assert unit.grants.withdraw_consent("maria", "web") is False
        assert unit.grants.consents_of("maria") == [Consent("other", "insz", NOW + 1)]
        assert unit.grants.consented("jozef", "web") == {"openid"}
        assert unit.grants.consents_of("nobody") == []
