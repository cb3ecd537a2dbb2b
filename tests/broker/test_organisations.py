"""What the registers say of organisations: read whole, stored once, and what it ends (mandates.md section 2)."""

import json

import pytest

from broker.days import first_instant
from broker.errors import InvalidImportError, InvalidTypedNumberError, SourceMissingError
from broker.flows import organisations
from builders import DAY
from flow_world import OCMW
from mandates.model import Ending, Recognition
from mandates.status import State, status_of

FAR, COMPANY, WRONG = "0999000327", "0999000228", "0999000128"
HEADER = "kbo;name;ovo;kinds;effective_date;source;ceased;successor\n"


def take(flow, text, **kw):
    options = {"by": None, "source": "", "complete": False, "dry_run": False, "now": flow.now} | kw
    return organisations.import_file(flow.services, text, **options)


def faults(flow, text, **kw):
    with pytest.raises(InvalidImportError) as refused:
        take(flow, text, **kw)
    return list(refused.value.faults)


def found(flow, kbo):
    with flow.services.database.read() as uow:
        return uow.parties.find_by_kbo(kbo)


def journal(flow, kind="organisation.imported"):
    with flow.services.database.read() as uow:
        return [row for row in uow.journal.tail(1000) if row.type == kind]


def day(text):
    from datetime import date

    return first_instant(date.fromisoformat(text))


def test_a_line_says_name_code_recognition_since_when_and_by_whose_word(flow):
    done = take(flow, HEADER + "0999.000.327;OCMW Verre;OVO001999;ocmw;2026-01-31;besluit 12;;\n")
    party = found(flow, FAR)
    assert (party.name, party.ovo) == ("OCMW Verre", "OVO001999")
    assert party.recognitions == (Recognition("ocmw", day("2026-01-31"), None, "besluit 12"),)
    assert (done.added, done.changed, done.unchanged) == ((party.id,), (), 0)
    (event,) = journal(flow)
    assert (event.principal, event.body["detail"]["source"]) == (party.id, "besluit 12")


def test_the_same_file_again_changes_nothing(flow):
    text = HEADER + f"{FAR};OCMW Verre;;ocmw;;KBO;;\n{COMPANY};Poets NV;;recognised_company;;KBO;;\n"
    take(flow, text)
    done = take(flow, text)
    assert (done.added, done.changed, done.unchanged) == ((), (), 2)
    assert len(journal(flow)) == 2
    take(flow, text.replace("Poets NV", "Poets BV"))
    assert len(journal(flow)) == 3
    assert found(flow, COMPANY).name == "Poets BV"


def test_dutch_names_commas_a_mark_of_byte_order_and_json_lines_are_read_too(flow):
    take(flow, f"\ufeffKBO,Naam,Soorten,Datum,Bron\n{FAR},OCMW Verre,ocmw,31/01/2026,KBO\n")
    assert found(flow, FAR).recognitions[0].since == day("2026-01-31")
    line = {
        "kbo": COMPANY,
        "name": "Poets NV",
        "kinds": ["recognised_company", "voucher_issuer"],
        "source": "KBO",
    }
    take(flow, json.dumps(line) + "\n\n")
    assert found(flow, COMPANY).kinds_at(flow.now) == {"recognised_company", "voucher_issuer"}


def test_every_wrong_line_is_named_and_nothing_is_stored(flow):
    text = (
        HEADER + f"{WRONG};A;;ocmw;;KBO;;\n"  # line 2: check digits
        f"{FAR};B;;ocwm;;KBO;;\n"  # line 3: kind
        f"{COMPANY};C;;ocmw;2030-01-01;KBO;;\n"  # line 4: to come
        f"{COMPANY};C;;ocmw;soon;KBO;;\n"  # line 5: no day
        f"{COMPANY};C;;ocmw;;;;\n"  # line 6: no source
        f"0999000426;;;;;KBO;;\n"  # line 7: no name
        f"0999000525;D;;;;KBO;2026-01-31;\n"  # line 8: unknown one ceases
        f"{OCMW};E;;;;KBO;2026-01-31;{COMPANY}\n"  # line 9: unknown successor
        f"{OCMW};E;;;;KBO;;{FAR}\n"  # line 10: successor without a day
        f"{OCMW};E;;;;KBO;;\n"  # line 11: line 9 again
    )
    named = faults(flow, text)
    assert [int(one.split()[1].rstrip(":")) for one in named] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert WRONG not in " ".join(named)
    assert found(flow, FAR) is None
    assert journal(flow) == []


@pytest.mark.parametrize(
    "text",
    ["", "name\nx\n", "{not json\n", '{"kbo": "1"}\n[]\n', "kbo;colour\n0999000327;red\n", 'kbo;name\n"0999'],
)
def test_a_file_that_is_none_is_refused(flow, text):
    assert faults(flow, text, source="KBO")


def test_a_dry_run_says_what_would_change_and_changes_nothing(flow):
    given = flow.beneficiary()
    text = HEADER + f"{FAR};OCMW Verre;;ocmw;;KBO;;\n{OCMW};;;;;KBO;2026-01-31;{FAR}\n"
    shown = take(flow, text, dry_run=True)
    assert len(shown.added) == 1
    assert [(one.cause, one.changed, one.taken_over) for one in shown.reports] == [("merged", 1, 1)]
    assert found(flow, FAR) is None
    assert found(flow, OCMW).ceased_at is None
    assert journal(flow) == []
    with flow.services.database.read() as uow:
        assert uow.mandates.find(given.id) == given


def test_a_merger_ends_and_carries_over_and_is_done_once(flow):
    given = flow.beneficiary()
    text = HEADER + f"{FAR};OCMW Verre;;ocmw;;KBO;;\n{OCMW};OCMW;;;;KBO;2026-01-31;{FAR}\n"
    done = take(flow, text)
    (report,) = done.reports
    assert (report.cause, report.changed, report.taken_over) == ("merged", 1, 1)
    party = found(flow, OCMW)
    assert (party.ceased_at, party.successor) == (day("2026-01-31"), found(flow, FAR).id)
    with flow.services.database.read() as uow:
        assert uow.mandates.find(given.id).ending is Ending.CASCADED
    assert take(flow, text).reports == ()


def test_a_cessation_without_a_successor_ends_alone(flow):
    flow.beneficiary()
    (report,) = take(flow, HEADER + f"{OCMW};;;;;KBO;2026-01-31;\n").reports
    assert (report.cause, report.changed, report.taken_over) == ("ceased", 1, 0)


def test_what_a_file_does_not_mention_is_lost_only_if_the_file_is_complete(flow):
    given = flow.beneficiary()
    flow.organisation("OCMW Verre", FAR, "ocmw")
    text = HEADER + f"{FAR};OCMW Verre;;ocmw;;KBO;;\n{COMPANY};Poets NV;;;;KBO;;\n"
    assert take(flow, text).reports == ()
    assert found(flow, OCMW).kinds_at(flow.now) == {"ocmw"}
    with pytest.raises(SourceMissingError):
        take(flow, text, complete=True)
    (shown,) = take(flow, text, complete=True, source="KBO", dry_run=True).reports
    assert shown.reference is None
    assert found(flow, OCMW).kinds_at(flow.now) == {"ocmw"}
    (report,) = take(flow, text, complete=True, source="KBO").reports
    assert (shown.changed, report.changed) == (1, 1)
    assert (report.cause, report.party) == ("recognition_lost", flow.ocmw.id)
    assert found(flow, OCMW).kinds_at(flow.now) == frozenset()
    assert found(flow, FAR).kinds_at(flow.now) == {"ocmw"}
    with flow.services.database.read() as uow:
        assert status_of(uow.mandates.find(given.id), flow.now).state is State.CASCADED
    assert take(flow, text, complete=True, source="KBO").reports == ()


def test_what_ceases_in_a_complete_file_does_not_lose_its_recognition_too(flow):
    (report,) = take(flow, HEADER + f"{OCMW};;;;;KBO;2026-01-31;\n", complete=True, source="KBO").reports
    assert report.cause == "ceased"


def test_one_organisation_at_a_time_for_whoever_calls_from_code(flow):
    def one(**kw):
        facts = {
            "typed_kbo": FAR,
            "name": "Verre",
            "kinds": frozenset({"ocmw"}),
            "source": "demo",
            "now": flow.now,
        }
        return organisations.import_organisation(flow.services, **(facts | kw))

    first = one(since=flow.now - DAY)
    assert first.recognitions == (Recognition("ocmw", flow.now - DAY, None, "demo"),)
    assert one() == first == found(flow, FAR)
    assert len(journal(flow)) == 1
    assert one(kinds=frozenset({"voucher_issuer"})).kinds_at(flow.now) == {"ocmw", "voucher_issuer"}
    with pytest.raises(InvalidTypedNumberError):
        one(typed_kbo=WRONG)


def test_queries_do_not_grow_with_the_lines_of_a_file(flow):
    from sqlalchemy import Engine, event

    def counted(lines):
        calls = []

        def count(*_):
            calls.append(1)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            take(flow, HEADER + "".join(lines))
        finally:
            event.remove(Engine, "before_cursor_execute", count)
        return len(calls)

    numbers = [f"0{base:07d}{97 - base % 97:02d}" for base in range(8_000_000, 8_000_300)]
    counted([f"{FAR};N;;ocmw;;KBO;;\n"])
    few = counted([f"{one};N;;ocmw;;KBO;;\n" for one in numbers[:2]])
    assert counted([f"{one};N;;ocmw;;KBO;;\n" for one in numbers[2:]]) == few
