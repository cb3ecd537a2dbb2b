"""What was done in somebody's name: posted by services, read by her (mandates.md section 8)."""

import dataclasses

import pytest

from broker.errors import InvalidPlaceError
from broker.flows import uses
from broker.flows.uses import KNOWN, REFUSED, STORED, AuditLine
from broker.port_errors import ConflictError
from flow_world import OCMW, OTHER, VOUCHERS
from mandates.errors import NotAllowedError

URN = "iso6523-actorid-upis::0208:"


@pytest.fixture
def service(flow):
    return flow.client("voucher-api", serves=(VOUCHERS,), scopes=frozenset(), redirect_uris=())


@pytest.fixture
def bram(flow):
    return flow.officer()


def line(flow, given, actor, sector="vouchers", **facts):
    vault = flow.services.vault
    plain = AuditLine(
        jti="jti-1",
        sub=vault.pseudonym("p-", sector, given.principal),
        act_sub=vault.pseudonym("p-", sector, actor.party),
        representative=f"{URN}{OCMW}",
        identifier=vault.pseudonym("m-", sector, given.id),
        decision="permit",
        at=flow.now,
        operation="vouchers:order",
    )
    return dataclasses.replace(plain, **facts)


def post(flow, service, *lines):
    return uses.post(flow.services, service, lines, flow.now)


def seen(flow, session, after=None, limit=50, **kw):
    return uses.of_principal(flow.services, session, after, limit, flow.now, **kw)


def events(flow, kind="uses.posted"):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type == kind]


def test_a_service_posts_and_she_sees_who_did_what_through_whom(flow, service, bram):
    given = flow.beneficiary()
    assert post(flow, service, line(flow, given, bram)) == [STORED]
    page = seen(flow, flow.sign_in("Maria"))
    (row,) = page.rows
    assert (row.kind, row.operations, row.decision, row.at) == (
        "use",
        ("vouchers:order",),
        "permit",
        flow.now,
    )
    assert (page.parties[row.actor].name, page.parties[row.representative].name) == ("Bram", "OCMW")
    assert (row.client, row.mandate, page.next) == ("voucher-api", given.id, None)
    assert seen(flow, flow.sign_in("Jozef")).rows == ()


def test_the_same_line_again_changes_nothing_also_within_a_batch(flow, service, bram):
    one = line(flow, flow.beneficiary(), bram)
    other = dataclasses.replace(one, operation="vouchers:read")
    assert post(flow, service, one, one, other) == [STORED, KNOWN, STORED]
    assert post(flow, service, one, other) == [KNOWN, KNOWN]
    assert len(seen(flow, flow.sign_in("Maria")).rows) == 2
    assert post(flow, dataclasses.replace(service, id="another-api"), one) == [STORED]


def test_a_batch_is_one_row_of_the_journal_with_its_hash_and_a_known_one_none(flow, service, bram):
    given = flow.beneficiary()
    lines = [line(flow, given, bram, jti=f"j{number}") for number in range(5)]
    post(flow, service, *lines)
    post(flow, service, *lines)
    post(flow, service, line(flow, given, bram, jti="j9", decision="deny"))
    first, second = reversed(events(flow))
    assert (first.body["detail"]["client"], first.body["detail"]["lines"]) == ("voucher-api", 5)
    assert len(first.body["detail"]["sha256"]) == 64
    assert first.body["detail"]["sha256"] != second.body["detail"]["sha256"]


@pytest.mark.parametrize(
    "facts",
    [
        {"jti": ""},
        {"jti": "x" * 201},
        {"operation": "order for 85073003328"},
        {"operation": "85073003328"},
        {"decision": "perhaps"},
        {"at": 0},
        {"identifier": "m-nonsense"},
        {"identifier": ""},
        {"act_sub": "p-nonsense"},
        {"sub": "p-nonsense"},
        {"representative": f"{URN}0999000228"},
        {"representative": "p-nonsense"},
    ],
)
def test_a_line_that_cannot_be_believed_is_refused_and_the_others_are_stored(flow, service, bram, facts):
    given = flow.beneficiary()
    good = line(flow, given, bram)
    assert post(flow, service, line(flow, given, bram, **facts), good) == [REFUSED, STORED]


def test_a_line_about_other_parties_than_the_mandates_is_refused(flow, service, bram):
    given, other = flow.beneficiary(), flow.beneficiary("Jozef")
    mixed = line(flow, given, bram, identifier=line(flow, other, bram).identifier)
    assert post(flow, service, mixed) == [REFUSED]
    with flow.services.database.read() as uow:
        maria = uow.parties.get(given.principal)
    tom = flow.sign_in("Tom")
    with flow.services.database.read() as uow:
        helped = flow.give("citizen-helper", maria, uow.parties.get(tom.party))
    hers = flow.services.vault.pseudonym("p-", "vouchers", tom.party)
    assert post(flow, service, line(flow, helped, bram, representative=hers)) == [REFUSED]
    assert post(flow, service, line(flow, helped, tom, representative=hers)) == [STORED]


def test_a_line_may_run_a_minute_ahead_and_no_more(flow, service, bram):
    given = flow.beneficiary()
    assert post(flow, service, line(flow, given, bram, at=flow.now + 61)) == [REFUSED]
    assert post(flow, service, line(flow, given, bram, at=flow.now + 60)) == [STORED]


def test_a_service_speaks_of_audiences_that_it_serves_and_of_no_other(flow, service, bram):
    flow.audience(uri=OTHER, name="Companies", sector="companies")
    one = line(flow, flow.beneficiary(), bram, sector="companies")
    assert post(flow, service, one) == [REFUSED]
    assert post(flow, dataclasses.replace(service, serves=(VOUCHERS, OTHER)), one) == [STORED]
    with pytest.raises(NotAllowedError):
        post(flow, dataclasses.replace(service, serves=()), one)


def test_a_thousand_lines_at_a_time_in_a_fixed_number_of_queries(flow, service, bram):
    given = flow.beneficiary()
    lines = [line(flow, given, bram, jti=f"j{number}") for number in range(1001)]
    with pytest.raises(ConflictError):
        post(flow, service, *lines)
    few, many = queries(flow, service, lines[:2]), queries(flow, service, lines[2:1000])
    assert few == many


def queries(flow, service, lines):
    from sqlalchemy import Engine, event

    counted = []

    def count(*_):
        counted.append(1)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        assert set(post(flow, service, *lines)) == {STORED}
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return len(counted)


def test_she_sees_who_was_let_in_beside_what_they_did_in_pages_of_any_size(flow, service, bram):
    client, given = flow.client(), flow.beneficiary()
    for second in range(3):
        flow.tokens(client, bram, flow.key_of(client, given))
        post(
            flow,
            service,
            line(flow, given, bram, jti=f"a{second}"),
            line(flow, given, bram, jti=f"b{second}", at=flow.now - 1),
        )
        flow.clock.forward(1)
    maria = flow.sign_in("Maria")
    whole = seen(flow, maria)
    assert [row.kind for row in whole.rows].count("token") == 3
    assert len(whole.rows) == 9
    assert [row.at for row in whole.rows] == sorted((row.at for row in whole.rows), reverse=True)
    token = next(row for row in whole.rows if row.kind == "token")
    assert "obo:vouchers:order" in token.operations
    for size in (1, 2, 4, 9):
        found, after = [], None
        while True:
            page = seen(flow, maria, after, size)
            found += page.rows
            after = page.next
            if after is None:
                break
        assert tuple(found) == whole.rows


@pytest.mark.parametrize(
    "place", ["", "x", "1.2", "1.use.x", "1.nothing.2", "1.use.2.3", "9" * 19 + ".use.1", "1.use.-1"]
)
def test_a_place_that_no_page_gave_is_refused(flow, place):
    with pytest.raises(InvalidPlaceError):
        seen(flow, flow.sign_in("Maria"), place)


def test_what_was_done_for_an_organisation_is_for_who_manages_it(flow, service, bram):
    els = flow.sign_in("Els", roles=(f"DienstenchequesVlaanderen-beheerder:{OCMW}",))
    tom = flow.sign_in("Tom")
    with flow.services.database.read() as uow:
        executor = flow.give("ocmw-executor", flow.ocmw, uow.parties.get(tom.party))
    vault = flow.services.vault
    hers = vault.pseudonym("p-", "vouchers", tom.party)
    one = line(flow, executor, tom, sub=f"{URN}{OCMW}", representative=hers)
    assert post(flow, service, one) == [STORED]
    assert len(seen(flow, els, organisation=True).rows) == 1
    assert seen(flow, els).rows == ()
    for session in (bram, tom):
        with pytest.raises(NotAllowedError):
            seen(flow, session, organisation=True)
