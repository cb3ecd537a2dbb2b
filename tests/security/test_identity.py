"""Classes 4, 7, 8, 23: what an upstream may say of somebody, and whom that makes her."""

import time
from dataclasses import replace

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from broker.errors import FlowError, IdentityConflictError, InteractionGoneError, UpstreamError
from broker.flows import sessions
from broker.records import LoginRequest, UpstreamLogin
from broker.upstream.acm import AcmUpstream
from broker.upstream.tables import UpstreamTables
from mandates.model import Level

ACM = "https://acm.example"


class Says:
    """An upstream that says of everybody what it is told to."""

    issuer = ACM

    def __init__(self, **login):
        self.login = login

    def start(self, **_):
        return LoginRequest("https://acm.example/auth", {})

    def finish(self, *_):
        known = {
            "issuer": ACM,
            "subject": "sub",
            "name": "Naam",
            "level": Level.HIGH,
            "issued_at": int(time.time()),
            "id_token": "",
        }
        return UpstreamLogin(**(known | self.login))


def sign_in(services, previous=None, **login):
    told = replace(services, upstream=Says(**login))
    memory = {
        "upstream": ACM,
        "browser": sessions.fingerprint("b"),
        "return_to": "/",
        "forced": False,
        "asked_at": int(time.time()),
        "redirect_uri": "x",
        "memory": {},
    }
    told.ephemeral.put("login", sessions.fingerprint("s"), memory, 60)
    return sessions.finish(
        told,
        browser="b",
        unverified_response={"state": "s", "code": "c"},
        previous=previous,
        now=int(time.time()),
    ).session


def test_class_07_account_linking_a_second_identity_for_one_number_goes_to_review(services, someone):
    first = sign_in(services, subject="link-1", insz=someone(7101))
    with pytest.raises(IdentityConflictError):
        sign_in(services, subject="link-2", insz=someone(7101))
    assert sign_in(services, subject="link-1").party == first.party
    (row,) = conflicts(services, first.party)
    assert (row.actor, row.body["detail"]) == (None, {"upstream": ACM})
    assert someone(7101) not in repr(row)


def conflicts(services, holder):
    """What the journal, and so the reviewers' page, says of second identities for her number."""
    with services.database.read() as uow:
        rows = uow.journal.tail(1000)
    return [row for row in rows if (row.type, row.principal) == ("party.identity_conflict", holder)]


def test_class_07_account_linking_a_weak_login_claims_nobody_by_number(services, land, someone):
    party = land.party(someone(7102), "Bekend Iemand")
    for level in (Level.NONE, Level.LOW):
        assert sign_in(services, subject=f"weak-{level}", insz=someone(7102), level=level).party != party


def test_class_07_account_linking_a_known_identity_is_not_moved_by_another_number(services, land, someone):
    first = sign_in(services, subject="moved", insz=someone(7103))
    other = land.party(someone(7104), "Ander Iemand")
    again = sign_in(services, subject="moved", insz=someone(7104))
    assert again.party == first.party != other


def test_class_07_a_login_without_a_number_claims_nobody(services, land, someone):
    party = land.party(someone(7105), "Naam")
    assert sign_in(services, subject="no-number").party != party


def test_a_weak_first_login_does_not_keep_a_person_from_her_own_number(services, someone):
    weak = sign_in(services, subject="weak-first", insz=someone(7106), level=Level.LOW)
    strong = sign_in(services, subject="weak-first", insz=someone(7106), level=Level.HIGH)
    assert strong.party == weak.party
    with services.database.read() as uow:
        assert uow.parties.insz_sealed(weak.party), "the strong login brought the number"


def test_class_07_a_number_that_somebody_holds_is_not_merged_by_a_login(services, land, someone):
    weak = sign_in(services, subject="weak-second", insz=someone(7107), level=Level.LOW)
    holder = land.party(someone(7107), "Bekend Op Nummer")
    with pytest.raises(IdentityConflictError):
        sign_in(services, subject="weak-second", insz=someone(7107), level=Level.HIGH)
    assert [row.actor for row in conflicts(services, holder)] == [weak.party]


def test_class_23_claims_older_than_two_hours_send_her_to_acm_again(services):
    now = int(time.time())
    fresh = sign_in(services, subject="stale", organisation_code="0999000129", issued_at=now - 7199)
    stale = replace(fresh, claims_at=now - 7200)
    assert not sessions.claims_are_old(fresh, now)
    assert sessions.claims_are_old(stale, now)
    assert not sessions.claims_are_old(replace(stale, organisation=None), now), "a citizen has no such powers"


def test_class_23_an_unknown_organisation_is_a_page_and_no_session(services):
    for code in ("0999000525", "OVO000123", "١٢٣"):
        with pytest.raises(FlowError):
            sign_in(services, subject="stray", organisation_code=code)


def powers(services, session):
    with services.database.read() as uow:
        return {mandate.type for mandate in uow.mandates.of_session(session.id)}


def test_class_05_roles_of_another_organisation_or_of_the_wrong_kind_give_nothing(services):
    role = "DienstenchequesGebruiker-mandaatuitvoerder"
    assert powers(
        services,
        sign_in(services, subject="r1", organisation_code="0999000129", roles=(f"{role}:0999000129",)),
    ) == {"ocmw-executor"}
    assert not powers(
        services,
        sign_in(services, subject="r1", organisation_code="0999000228", roles=(f"{role}:0999000129",)),
    )
    assert not powers(
        services,
        sign_in(services, subject="r1", organisation_code="0999000228", roles=(f"{role}:0999000228",)),
    )
    assert not powers(services, sign_in(services, subject="r1", roles=(f"{role}:0999000129",)))


def test_class_05_nobody_is_staff_but_for_the_issuer_of_vouchers(services):
    reviewer = {"staff": frozenset({"reviewer"}), "roles": ("VolmachtBeheer-reviewer:0999000327",)}
    assert sign_in(services, subject="s1", organisation_code="0999000327", **reviewer).staff
    assert not sign_in(services, subject="s1", organisation_code="0999000129", **reviewer).staff
    assert not sign_in(services, subject="s1", **reviewer).staff


def test_class_23_powers_from_claims_count_two_hours_from_acms_own_instant(services):
    from mandates.errors import MandateError

    role = ("DienstenchequesGebruiker-mandaatuitvoerder:0999000129",)
    now = int(time.time())
    session = sign_in(
        services, subject="r2", organisation_code="0999000129", roles=role, issued_at=now - 3600
    )
    with services.database.read() as uow:
        [mandate] = uow.mandates.of_session(session.id)
    assert mandate.valid_until <= now + 3601
    with pytest.raises(MandateError):
        sign_in(services, subject="r2", organisation_code="0999000129", roles=role, issued_at=now - 7201)


def test_class_12_the_session_before_ends_with_the_new_one(services):
    told = sign_in(services, subject="twice")
    secret = "known-secret"
    with services.database.write() as uow:
        uow.sessions.add(replace(told, id=sessions.fingerprint(secret), sid="other"))
        uow.commit()
    sign_in(services, subject="twice", previous=secret)
    assert sessions.current(services, secret, int(time.time())) is None


def test_class_15_a_state_of_another_browser_is_gone_for_both(services):
    told = replace(services, upstream=Says())
    memory = {
        "upstream": ACM,
        "browser": sessions.fingerprint("mine"),
        "return_to": "/",
        "forced": False,
        "asked_at": int(time.time()),
        "redirect_uri": "x",
        "memory": {},
    }
    told.ephemeral.put("login", sessions.fingerprint("s"), memory, 60)
    for browser in ("theirs", "mine"):
        with pytest.raises(InteractionGoneError):
            sessions.finish(
                told,
                browser=browser,
                unverified_response={"state": "s", "code": "c"},
                previous=None,
                now=int(time.time()),
            )


KEY = RSAKey.generate_key(2048, {"kid": "acm"})


class Keys:
    def keys(self, _kid):
        return KeySet([KEY])


@pytest.fixture
def acm(services):
    upstream = AcmUpstream(
        services.settings, UpstreamTables.from_file(services.settings.upstreams_file), services.clock
    )
    upstream._metadata = Keys()
    return upstream


def upstream_token(acm, *, key=KEY, alg="RS256", header=None, **changes):
    now = int(time.time())
    claims = {
        "iss": acm.issuer,
        "aud": acm._settings.acm_client_id,
        "sub": "s",
        "iat": now,
        "exp": now + 60,
        "nonce": "n",
    } | changes
    return jwt.encode(
        {"alg": alg, "kid": "acm"} | (header or {}),
        {k: v for k, v in claims.items() if v is not None},
        key,
        algorithms=[alg],
    )


def test_an_honest_id_token_of_the_upstream_is_believed(acm):
    assert acm._verify(upstream_token(acm), "n", int(time.time()))["sub"] == "s"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"aud": []}, {"sub": None}, {"sub": ""}, {"sub": 7},
        {"exp": 1}, {"exp": None}, {"iat": None}, {"nonce": "other"}, {"nonce": None}, {"nonce": "é"}, {"azp": "other"},
        {"aud": ["volmacht-broker", "other"]}, {"iat": int(time.time()) + 3600},
    ],
)  # fmt: skip
def test_class_04_an_id_token_that_answers_something_else_is_refused(acm, changes):
    with pytest.raises(UpstreamError):
        acm._verify(upstream_token(acm, **changes), "n", int(time.time()))


def test_class_08_and_09_algorithm_confusion_in_the_upstreams_id_token(acm):
    from attack_tools import b64, unsigned

    now, honest = int(time.time()), upstream_token(acm)
    secret = OctKey.import_key(KEY.as_pem(private=False).replace(b"-----BEGIN", b" ----BEGIN"))
    forged = [
        unsigned(honest), unsigned(honest, alg="None"), upstream_token(acm, key=secret, alg="HS256"), upstream_token(acm, key=RSAKey.generate_key(2048)),
        upstream_token(acm, key=ECKey.generate_key("P-256"), alg="ES256"), honest[:-8] + b64(b"12345")[:8], "", "a.b", "a.b.c",
        upstream_token(acm, key=(mine := RSAKey.generate_key(2048)), header={"jwk": mine.as_dict(private=False)}), "é.é.é",
    ]  # fmt: skip
    for token in forged:
        with pytest.raises(UpstreamError):
            acm._verify(token, "n", now)


def test_class_13_a_token_that_was_issued_while_the_session_ended_is_worth_nothing(apps, land, citizen):
    import threading

    tokens = [apps.basic.tokens(citizen)]
    refresh, stop = tokens[0]["refresh_token"], threading.Event()

    def go_on():
        while not stop.is_set():
            answer = apps.basic.refresh(refresh)
            if answer.status_code == 200:
                tokens.append(answer.json())

    threads = [threading.Thread(target=go_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    land.end_session(citizen)
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(tokens) > 1
    assert not [one for one in tokens if apps.service.active(one["access_token"])["active"]]
