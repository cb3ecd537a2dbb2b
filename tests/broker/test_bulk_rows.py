"""From cells to what a row asks: numbers as Excel leaves them, whole days in Brussels, words that are known."""

import ast
import inspect
from datetime import UTC, datetime

import pytest

from broker.errors import UnreadableFileError
from broker.flows.bulk import columns, judging, rows, wording
from broker.numbers import BelgianNumbers
from builders import NOW, VILLAGE, catalogue
from config.settings import ROOT
from config.vms import VmsFormat
from mandates import errors

VMS = VmsFormat.from_file(ROOT / "config" / "vms.toml")
GOOD = {"naam": "Maria", "rijksregisternummer": "85.07.30-033.28", "bevoegdheden": "vouchers:read"}
STAFF = GOOD | {"bevoegdheden": "alle"}
EXECUTOR = GOOD | {"begunstigden": "alle"}
TO_OCMW = {"mandaattype id": "104", "gever id": "85073003328", "nemer id": "0999000129"}
BY_STAFF = {"mandaattype id": "104", "persoon id": "85073003328", "organisatie id": "0999000129"}
BORN_2000 = "00010100105"


def typed(kind="mandates", party="ocmw", vms=VMS, **cells):
    """One row of a file of this kind, read; the words of `cells` are titles, with `_` for a space."""
    titles = {title.replace("_", " "): cell for title, cell in cells.items()}
    known = columns.columns_of(kind, vms)
    reader = rows.RowReader(
        kind=kind,
        columns=known,
        places=columns.places(list(titles), known),
        types=catalogue().types,
        offered=rows.types_for(kind, catalogue().types, VILLAGE[party], NOW),
        organisation=VILLAGE[party],
        numbers=BelgianNumbers(),
        vms=vms,
        sha256="ab" * 32,
    )
    return reader.read(list(titles.values()))


def fault(kind="mandates", party="ocmw", vms=VMS, **cells):
    row = typed(kind, party, vms, **cells)
    assert row.request is None
    return row.code, row.column


def utc(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


# --- titles ---


@pytest.mark.parametrize(
    "titles",
    [
        ("Naam", "RIJKSREGISTERNUMMER", "Bevoegdheden"),
        ("name", "National-Number", "powers"),
        (" naam ", "INSZ", "bevoegdheden", ""),
    ],
)
def test_titles_are_known_in_dutch_and_english_whatever_their_case(titles):
    found = columns.places(titles, columns.columns_of("mandates", VMS))
    assert found == {"name": 0, "insz": 1, "powers": 2}


@pytest.mark.parametrize(
    ("titles", "code", "text"),
    [
        (("naam", "bevoegdheden"), "missing_column", "rijksregisternummer"),
        ((), "missing_column", "naam, rijksregisternummer, bevoegdheden"),
        (("naam", "insz", "bevoegdheden", "tot en meet"), "unknown_column", "column 4"),
        (("naam", "insz", "bevoegdheden", "name"), "double_column", "column 4"),
    ],
)
def test_a_title_that_is_missing_misspelt_or_double_refuses_the_file(titles, code, text):
    with pytest.raises(UnreadableFileError, match=text) as refused:
        columns.places(titles, columns.columns_of("mandates", VMS))
    assert refused.value.fault == code


def test_a_file_without_titles_is_refused_without_telling_its_first_row():
    with pytest.raises(UnreadableFileError) as refused:
        columns.places(("Maria", "85073003328", "alle"), columns.columns_of("mandates", VMS))
    assert "Maria" not in str(refused.value)
    assert "8507" not in str(refused.value)


# --- numbers ---


@pytest.mark.parametrize("number", ["85.07.30-033.28", "85073003328", "850730 033 28", "85 07 30-033/28"])
def test_a_national_number_is_taken_as_people_write_it(number):
    assert typed(**GOOD | {"rijksregisternummer": number}).request.insz == "85073003328"


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_the_zeros_that_excel_took_from_a_national_number_come_back(lost):
    assert BORN_2000.startswith("0" * lost)
    assert typed(**GOOD | {"rijksregisternummer": BORN_2000[lost:]}).request.insz == BORN_2000


@pytest.mark.parametrize(
    "number", ["85073003329", "8507300332", "12", "850730033280", "Maria", "٨٥٠٧٣٠٠٣٣٢٨"]
)
def test_a_number_whose_check_digits_are_wrong_is_a_fault(number):
    assert fault(**GOOD | {"rijksregisternummer": number}) == ("invalid_number", "rijksregisternummer")


@pytest.mark.parametrize("number", ["8,50730E+10", "8.50730E+10", "9E+10"])
def test_a_number_that_excel_rounded_says_so(number):
    assert fault(**GOOD | {"rijksregisternummer": number}) == ("number_rounded", "rijksregisternummer")


@pytest.mark.parametrize("number", ["0999.000.129", "999000129", "BE0999000129", "BE 0999.000.129"])
def test_an_enterprise_number_is_taken_as_people_and_excel_write_it(number):
    assert typed("vms-mandaten", **TO_OCMW | {"nemer id": number}).request.insz == "85073003328"


# --- days ---


@pytest.mark.parametrize(
    "day", ["28/03/2027", "28-3-2027", "28.03.2027", "2027-03-28", "2027-03-28T00:00:00"]
)
def test_days_are_taken_as_people_and_excel_write_them(day):
    asked = typed(**GOOD, van=day).request
    assert asked.valid_from == utc(2027, 3, 27, 23)


def test_the_last_day_is_included_also_when_the_clocks_change():
    asked = typed(**GOOD, van="28/03/2027", tot_en_met="31/10/2027").request
    assert (asked.valid_from, asked.valid_until) == (utc(2027, 3, 27, 23), utc(2027, 10, 31, 23))
    assert typed(**GOOD, tot_en_met="28/03/2027").request.valid_until == utc(2027, 3, 28, 22)


def test_no_day_means_from_now_on_and_as_long_as_the_type_says():
    asked = typed(**GOOD).request
    assert (asked.valid_from, asked.valid_until) == (None, None)


@pytest.mark.parametrize(
    "day", ["31/02/2027", "03/28/2027", "1/2/27", "morgen", "46112", "31/12/9999", "1/1/0001"]
)
def test_what_is_no_day_is_a_fault(day):
    assert fault(**GOOD, tot_en_met=day) == ("invalid_day", "tot en met")


# --- words ---


def test_powers_are_separated_as_one_likes_and_all_of_them_have_a_word():
    for words in (
        "vouchers:read vouchers:order",
        "vouchers:read, vouchers:order",
        "vouchers:read;vouchers:order",
    ):
        asked = typed(**GOOD | {"bevoegdheden": words}).request
        assert asked.powers == ("vouchers:read", "vouchers:order")
    everything = typed(**GOOD | {"bevoegdheden": "Alle"}).request
    assert everything.powers == tuple(catalogue().types["ocmw-beneficiary"].powers)


@pytest.mark.parametrize("column", ["naam", "rijksregisternummer", "bevoegdheden"])
def test_an_empty_cell_gives_nothing(column):
    assert fault(**GOOD | {column: ""}) == ("missing", column)


@pytest.mark.parametrize(("column", "most"), [("naam", 200), ("sleutel", 100), ("bewijsstuk", 2000)])
def test_texts_are_bounded(column, most):
    assert typed(**GOOD | {column: "x" * most}).request is not None
    assert fault(**GOOD | {column: "x" * (most + 1)}) == ("too_long", column)


def test_a_cell_under_no_title_is_not_left_out_in_silence():
    assert fault(**GOOD, **{"": "vergeten"}) == ("cell_without_title", "")


def test_a_short_row_lacks_its_last_cells():
    known = columns.columns_of("mandates", VMS)
    reader = rows.RowReader(
        "mandates",
        known,
        {"name": 0, "insz": 1, "powers": 2},
        {},
        [],
        VILLAGE["ocmw"],
        BelgianNumbers(),
        VMS,
        "",
    )
    assert reader.read(["Maria"]).code == "unknown_type"


# --- types ---


def test_the_type_follows_from_what_the_organisation_is():
    assert typed(**GOOD).request.type == "ocmw-beneficiary"
    assert typed("staff", "company", **STAFF).request.type == "company-employee"
    assert typed("staff", "ocmw", **EXECUTOR).request.type == "ocmw-executor"


def test_a_type_can_be_named_and_must_be_one_that_files_ask():
    assert typed(**GOOD, soort="ocmw-beneficiary").request.type == "ocmw-beneficiary"
    for other in ("ocmw-legacy", "citizen-helper", "company-employee", "x"):
        assert fault(**GOOD, soort=other) == ("unknown_type", "soort")


def test_an_organisation_that_no_type_is_for_can_ask_nothing():
    assert fault("mandates", "bakery", **GOOD) == ("unknown_type", "soort")
    assert fault("staff", "bakery", **EXECUTOR) == ("unknown_type", "soort")


# --- caseloads ---


def test_an_executor_is_for_everybody_only_where_somebody_wrote_so():
    assert typed("staff", **EXECUTOR).request.whole
    assert fault("staff", **EXECUTOR | {"begunstigden": ""}) == ("missing", "begunstigden")
    assert fault("staff", **GOOD) == ("missing", "begunstigden")


def test_a_caseload_is_a_list_of_national_numbers():
    asked = typed(
        "staff", **EXECUTOR | {"begunstigden": f"85.07.30-033.28, {BORN_2000[2:]} 85073003328"}
    ).request
    assert not asked.whole
    assert asked.caseload == ("85073003328", BORN_2000)
    assert fault("staff", **EXECUTOR | {"begunstigden": "85073003328 12"}) == (
        "invalid_number",
        "begunstigden",
    )


def test_a_caseload_stands_with_executors_only():
    assert fault("staff", "company", **STAFF | {"begunstigden": "85073003328"}) == (
        "no_caseload",
        "begunstigden",
    )


# --- VMS ---


def test_a_vms_mandate_means_what_the_table_says():
    asked = typed("vms-mandaten", **TO_OCMW).request
    assert (asked.type, asked.powers) == ("ocmw-beneficiary", VMS.types["104"].mandate_powers)
    assert asked.sha256 == "ab" * 32
    assert asked.name == rows.NAMELESS


def test_a_vms_executor_acts_for_everybody():
    asked = typed("vms-mandaatuitvoerders", **BY_STAFF).request
    assert (asked.type, asked.whole) == ("ocmw-executor", True)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"mandaattype id": "105"}, ("unknown_vms_type", "mandaattype id")),
        ({"nemer id": "0999000228"}, ("other_organisation", "nemer id")),
        ({"nemer id": "0999000129", "toegangsniveau": "2"}, ("access_level", "toegangsniveau")),
        ({"gever id": ""}, ("missing", "gever id")),
    ],
)
def test_what_vms_says_otherwise_is_a_fault(changed, code):
    assert fault("vms-mandaten", **TO_OCMW | changed) == code


def test_a_vms_file_for_another_application_is_a_fault_where_ours_is_known():
    ours = VmsFormat("mijn-burgerprofiel", VMS.titles, VMS.types)
    assert typed("vms-mandaten", vms=ours, **TO_OCMW, client_id="mijn-burgerprofiel").request
    assert fault("vms-mandaten", vms=ours, **TO_OCMW, client_id="ander") == ("other_vms_client", "client id")
    assert typed("vms-mandaten", **TO_OCMW, client_id="ander").request


def test_a_misspelt_key_of_the_vms_table_is_refused(tmp_path):
    text = (ROOT / "config" / "vms.toml").read_text()
    for wrong in (
        text.replace("executor_powers", "executor_power"),
        text.replace("giver =", "gever ="),
        text + "x=1",
    ):
        (tmp_path / "vms.toml").write_text(wrong)
        with pytest.raises(ValueError, match="missing or unknown"):
            VmsFormat.from_file(tmp_path / "vms.toml")


# --- what is kept, and what is said ---


def test_a_row_is_the_same_after_it_was_stored():
    for row in (
        typed("staff", **EXECUTOR | {"begunstigden": "85073003328", "sleutel": "k"}, van="1/1/2027"),
        typed(**GOOD | {"naam": ""}),
    ):
        assert rows.TypedRow.from_json(row.to_json()) == row


def codes_in(module):
    """Codes that stand as text in calls that give a row its code."""
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call))
    named = [call for call in calls if getattr(call.func, "id", "") in {"RowFaultError", "_said"}]
    texts = [
        one for call in named for arg in call.args for one in ast.walk(arg) if isinstance(one, ast.Constant)
    ]
    titles = {column.name for kind in columns.KINDS for column in columns.columns_of(kind, VMS)}
    return {one.value for one in texts if isinstance(one.value, str)} - titles | {"access_level"}


def test_every_code_that_a_row_can_have_says_what_mends_it():
    of_engine = {
        "not_allowed", "assurance_too_low", "own_request", "not_eligible", "invalid_period", "invalid_powers",
        "evidence_required", "duplicate", "invalid_catalogue",
    }  # fmt: skip
    assert of_engine <= {
        one.code for one in vars(errors).values() if inspect.isclass(one) and hasattr(one, "code")
    }
    assert codes_in(rows) | codes_in(judging) | of_engine == wording.MEND.keys()
    approvals = {one for kind in catalogue().types.values() for one in kind.approvals}
    assert approvals <= wording.APPROVALS.keys()
