"""Class 24: power became smaller, and a token of before still opens doors.

For every way in which power becomes smaller: the bit of a token that was issued before is
set when the first transaction that made it smaller commits, and not one transaction later
(tokens.md section 6). A broker that stops between two of them would forget the second.
"""

from __future__ import annotations

import dataclasses

import pytest

from attack_tools import claims_of
from broker.flows import (
    cascades,
    mandates,
    organisations,
    registry,
    reviews,
    revocation,
    sessions,
    staff,
)
from broker.records import UpstreamLogin
from broker.storage.unit_of_work import SqlUnitOfWork
from builders import CATALOGUE_TEXT, DAY
from flow_world import ACM, BROWSER, ISSUER, FlowWorld
from mandates.cascade import Cause, Happening
from mandates.errors import NotAllowedError
from mandates.model import Evidence, Level, Mandate, Party

FAR, VOUCHER_ISSUER = "0999000327", "0999000525"


class Desk(FlowWorld):
    """Bram acts for Maria by a stored executor, with a caseload, of an OCMW that Maria's own one passed her on to."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.far = self.organisation("OCMW Verre", FAR, "ocmw")
        self.maria = self.party("Maria")
        self.bram, self.els = self.sign_in("Bram"), self.sign_in("Els")
        self.origin = self.give(
            "ocmw-beneficiary",
            self.maria,
            self.ocmw,
            evidence=Evidence("form"),
            valid_until=self.now + 10 * DAY,
        )
        self.acting = self.give(
            "ocmw-beneficiary", self.maria, self.far, parent=self.origin.id, evidence=Evidence("form"),
            valid_until=self.now + 10 * DAY,
        )  # fmt: skip
        self.executor = self.give("ocmw-executor", self.far, self.stored(self.bram.party), whole=False)
        self.give("ocmw-manager", self.far, self.stored(self.els.party))
        with self.services.database.write() as uow:
            uow.mandates.add_to_caseload(self.executor.id, [self.maria.id], self.now)
            uow.commit()
        self.web = self.client()
        answer = self.tokens(self.web, self.bram, self.key_of(self.web, self.acting))
        self.token = answer["access_token"]

    def stored(self, party: str) -> Party:
        with self.services.database.read() as uow:
            return uow.parties.get(party)

    def revoked(self, token: str | None = None) -> bool:
        place = claims_of(token or self.token)["status"]["status_list"]
        with self.services.database.read() as uow:
            entry = uow.status.entry(place["uri"].rpartition("/")[2], place["idx"])
        assert entry is not None
        return entry.revoked_at is not None

    def person(self, name: str, *, level: Level = Level.HIGH, **facts: object):
        return dataclasses.replace(self.sign_in(name, level=level), **facts)

    def reviewer(self, name: str = "Noor"):
        return self.person(name, staff=frozenset({"reviewer"}))

    def happens(self, cause: Cause, party: str, **facts: str) -> None:
        said = Happening(cause, party, self.now, "register", **facts)
        cascades.report(self.services, said, by=None, dry_run=False, now=self.now)


@pytest.fixture
def desk(tmp_path):
    world = Desk(tmp_path)
    yield world
    world.close()


@pytest.fixture
def first_commit(monkeypatch):
    """Run an act; return what `look` sees right after the first transaction of it that commits."""

    def run(act, look):
        seen = []
        commit = SqlUnitOfWork.commit

        def committed(unit):
            revision = commit(unit)
            seen.append(None)
            return revision

        leave = SqlUnitOfWork.__exit__

        def left(unit, *error):
            done = leave(unit, *error)
            if seen == [None]:
                seen[0] = False  # the look below opens units of its own
                seen[0] = look()
            return done

        with monkeypatch.context() as patched:
            patched.setattr(SqlUnitOfWork, "commit", committed)
            patched.setattr(SqlUnitOfWork, "__exit__", left)
            act()
        assert seen, "nothing was committed"
        return seen[0]

    return run


def measured(desk):
    """Asked before, with its paper; the reviewer's word is the last that it waits for."""
    advocate, noor = desk.party("Advocaat"), desk.reviewer()
    asked = desk.give(
        "court-administrator", desk.maria, advocate, requested_by=advocate.id, activated_at=None,
        lapses_at=desk.now + DAY, powers=("vouchers:read",),
    )  # fmt: skip
    return lambda: mandates.approve(desk.services, noor, asked.id, desk.now)


def misuse_then_withdrawn(desk):
    # The sample of a mandate that is reviewed: nobody set it aside before.
    with desk.services.database.write() as uow:
        reviews._open(
            uow, [reviews.Review("case", desk.acting.id, "sample", desk.now)], {desk.acting.id: desk.acting}
        )
        uow.commit()
    noor = desk.reviewer()
    return lambda: reviews.decide(desk.services, noor, "case", "withdraw", "not in order", desk.now)


def of_maria(act, *which, **facts):
    def prepared(desk):
        maria = desk.sign_in("Maria")
        given: Mandate = getattr(desk, which[0])
        return lambda: act(desk.services, maria, given.id, *which[1:], desk.now, **facts)

    return prepared


WAYS = {
    "the mandate is ended": of_maria(mandates.end, "acting"),
    "one power of it is ended": of_maria(mandates.end_power, "acting", "vouchers:order"),
    "it is set aside": of_maria(mandates.suspend, "acting"),
    "what it was passed on from is ended": of_maria(mandates.end, "origin"),
    "one power of what it was passed on from is ended": of_maria(
        mandates.end_power, "origin", "vouchers:order"
    ),
    "what it was passed on from is set aside": of_maria(mandates.suspend, "origin"),
    "misuse of it is reported": of_maria(reviews.report_misuse, "acting", "he orders for himself"),
    "misuse of what it was passed on from is reported": of_maria(reviews.report_misuse, "origin", "he does"),
    "a review withdraws it": misuse_then_withdrawn,
    "a measure sets it aside": measured,
    "the executor is ended": lambda desk: (
        lambda: mandates.end(desk.services, desk.els, desk.executor.id, desk.now)
    ),
    "the executor is set aside": lambda desk: (
        lambda: mandates.suspend(desk.services, desk.els, desk.executor.id, desk.now)
    ),
    "one power of the executor is ended": lambda desk: (
        lambda: mandates.end_power(desk.services, desk.els, desk.executor.id, "vouchers:order", desk.now)
    ),
    "the principal leaves the caseload": lambda desk: (
        lambda: mandates.caseload(desk.services, desk.els, desk.executor.id, desk.now, remove=[desk.maria.id])
    ),
    "the principal dies": lambda desk: lambda: desk.happens(Cause.DEATH, desk.maria.id),
    "the executor dies": lambda desk: lambda: desk.happens(Cause.DEATH, desk.bram.party),
    "the executor leaves": lambda desk: (
        lambda: desk.happens(Cause.LEAVER, desk.bram.party, organisation=desk.far.id)
    ),
    "the representative ceases": lambda desk: lambda: desk.happens(Cause.CEASED, desk.far.id),
    "the representative merges": lambda desk: (
        lambda: desk.happens(Cause.MERGED, desk.far.id, successor=desk.ocmw.id)
    ),
    "who passed it on ceases": lambda desk: lambda: desk.happens(Cause.CEASED, desk.ocmw.id),
    "a recognition is lost": lambda desk: (
        lambda: desk.happens(Cause.RECOGNITION_LOST, desk.far.id, kind="ocmw")
    ),
    "the recognition of who passed it on is lost": lambda desk: (
        lambda: desk.happens(Cause.RECOGNITION_LOST, desk.ocmw.id, kind="ocmw")
    ),
    "a complete file leaves a recognition out": lambda desk: (
        lambda: organisations.import_file(
            desk.services,
            "kbo;name;kinds\n0999000129;OCMW;ocmw\n",
            source="register",
            complete=True,
            dry_run=False,
            by=None,
            now=desk.now,
        )
    ),
    "a file says that it ceased": lambda desk: (
        lambda: organisations.import_file(
            desk.services,
            "kbo;name;ceased\n0999000327;OCMW Verre;2026-11-20\n",
            source="register",
            complete=False,
            dry_run=False,
            by=None,
            now=desk.now,
        )
    ),
    "the session is ended": lambda desk: (
        lambda: revocation.end_session(desk.services, desk.bram.id, "signed out", desk.now)
    ),
    "its type asks for a stronger login": lambda desk: (
        lambda: registry.store_catalogue(
            desk.services.database,
            CATALOGUE_TEXT.replace('level_to_use = "substantial"', 'level_to_use = "high"', 1),
            desk.now,
        )
    ),
    "the type of the executor opens less": lambda desk: (
        lambda: registry.store_catalogue(
            desk.services.database, CATALOGUE_TEXT.replace('["mandaatuitvoerder"]', "[]", 1), desk.now
        )
    ),
    "the client loses the type": lambda desk: (
        lambda: registry.put_client(
            desk.services, dataclasses.replace(desk.web, mandate_types=()), [], desk.now
        )
    ),
    "the client loses a scope": lambda desk: (
        lambda: registry.put_client(
            desk.services,
            dataclasses.replace(desk.web, scopes=desk.web.scopes - {"obo:vouchers:order"}),
            [],
            desk.now,
        )
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_class_24_the_bit_is_set_in_the_transaction_in_which(desk, first_commit, way):
    act = WAYS[way](desk)
    assert not desk.revoked()
    assert first_commit(act, desk.revoked) is True


def test_class_24_the_bit_is_set_in_the_transaction_that_takes_a_role_of_staff(desk, first_commit):
    """Else a broker that stops in between leaves a reviewer with all that she could do."""
    noor, ann = desk.sign_in("Noor"), desk.party("Ann")
    staff.give(desk.services, noor.party, "reviewer", by=ann.id, now=desk.now)
    again = desk.sign_in("Noor")
    own = desk.tokens(desk.web, again, "self")["access_token"]
    done = first_commit(
        lambda: staff.take(desk.services, noor.party, "reviewer", by=ann.id, now=desk.now),
        lambda: desk.revoked(own) and desk.session(again.id).ended_at == desk.now,
    )
    assert done is True


@pytest.mark.parametrize("way", ["complete file", "ceased", "recognition lost"])
def test_class_5_who_was_staff_for_an_issuer_is_none_once_it_is_no_issuer(desk, way):
    """Roles of ACM count for the voucher issuer's people only, so they go with what it was recognised as."""
    issuer = desk.organisation("Uitgever", VOUCHER_ISSUER, "voucher_issuer")
    desk.upstream.answer = UpstreamLogin(
        ACM, "Noor", "Noor", Level.HIGH, desk.now, "", organisation_code=VOUCHER_ISSUER,
        staff=frozenset({"reviewer"}),
    )  # fmt: skip
    url = sessions.start(desk.services, browser=BROWSER, return_to="/", redirect_uri=f"{ISSUER}/cb")
    answer = {"state": url.partition("state=")[2], "code": "c"}
    noor = sessions.finish(
        desk.services, browser=BROWSER, unverified_response=answer, previous=None, now=desk.now
    ).session
    assert noor.staff == {"reviewer"}
    own = desk.tokens(desk.web, noor, "self")["access_token"]
    if way == "complete file":
        text = f"kbo;name;kinds\n0999000129;OCMW;ocmw\n{FAR};OCMW Verre;ocmw\n{VOUCHER_ISSUER};Uitgever;\n"
        organisations.import_file(
            desk.services, text, source="register", by=None, complete=True, dry_run=False, now=desk.now
        )
    elif way == "ceased":
        desk.happens(Cause.CEASED, issuer.id)
    else:
        desk.happens(Cause.RECOGNITION_LOST, issuer.id, kind="voucher_issuer")
    assert desk.session(noor.id).ended_at == desk.now
    assert desk.revoked(own)
    assert desk.session(desk.bram.id).ended_at is None


def test_class_24_undoing_a_merger_reaches_what_the_successor_passed_on_since(desk):
    given = desk.give("ocmw-beneficiary", desk.party("Jozef"), desk.ocmw, evidence=Evidence("form"))
    heir, third = (
        desk.organisation("OCMW Erfgenaam", "0999000426", "ocmw"),
        desk.organisation("OCMW Derde", "0999000624", "ocmw"),
    )
    merged = Happening(Cause.MERGED, desk.ocmw.id, desk.now, "register", successor=heir.id)
    done = cascades.report(desk.services, merged, by=None, dry_run=False, now=desk.now)
    successor = next(line.successor for line in done.lines if line.mandate == given.id)
    with desk.services.database.read() as uow:
        jozef = uow.parties.get(given.principal)
    passed = desk.give("ocmw-beneficiary", jozef, third, parent=successor, valid_until=given.valid_until)
    desk.give("ocmw-executor", third, desk.stored(desk.bram.party))
    token = desk.tokens(desk.web, desk.bram, desk.key_of(desk.web, passed))["access_token"]
    assert not desk.revoked(token)
    cascades.undo(desk.services, done.reference, None, desk.now)
    assert desk.revoked(token)


def test_class_5_who_lost_her_role_decides_nothing_with_what_she_still_holds(desk):
    noor = desk.sign_in("Noor")
    with pytest.raises(NotAllowedError):
        reviews.queue(desk.services, noor, None, 10, desk.now)
