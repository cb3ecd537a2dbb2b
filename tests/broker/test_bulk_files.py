"""Files as Belgian Excel makes them, and as somebody with bad intentions does."""

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook, load_workbook

from broker import spreadsheets
from broker.errors import UnreadableFileError
from broker.flows.bulk import files
from broker.spreadsheets import ExcelSpreadsheets

EXCEL = ExcelSpreadsheets()


def read(content):
    return list(files.rows_of(io.BytesIO(content), EXCEL))


def fault_of(content):
    with pytest.raises(UnreadableFileError) as refused:
        read(content)
    return refused.value.fault


def workbook(*rows, sheets=()):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cells in sheets:
        book.create_sheet().append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(content, name, text):
    """The same workbook with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, text if part == name else old.read(part))
    return out.getvalue()


# --- CSV ---


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_separator_is_what_stands_between_the_titles(separator):
    content = f'naam{separator}"wat; met, alles\ter in"{separator}van\r\nAn{separator}x{separator}y\r\n'
    assert read(content.encode()) == [(1, ("naam", "wat; met, alles\ter in", "van")), (2, ("An", "x", "y"))]


def test_commas_in_a_semicolon_file_separate_nothing():
    assert read(b"naam;van\r\nPeeters, An;x") == [(1, ("naam", "van")), (2, ("Peeters, An", "x"))]


def test_the_line_sep_of_excel_names_the_separator_and_is_no_row():
    assert read(b"sep=,\r\nna;am,van\r\nAn,x\r\n") == [(2, ("na;am", "van")), (3, ("An", "x"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_accents_survive_every_encoding_that_excel_writes(encoding):
    assert read("naam;van\r\nZoë Désiré;x\r\n".encode(encoding))[1] == (2, ("Zoë Désiré", "x"))


def test_a_late_accent_decides_the_encoding_of_the_whole_file():
    content = b"naam;van\r\n" + b"An;x\r\n" * 50_000 + "Zoë;x".encode("cp1252")
    assert read(content)[-1] == (50_002, ("Zoë", "x"))


def test_a_cell_may_hold_line_breaks_and_rows_are_named_by_the_line_they_begin_on():
    content = b'naam;nota\r\nAn;"een\r\ntwee ""drie"""\r\n\r\nTom;x\r\n'
    assert read(content) == [(1, ("naam", "nota")), (2, ("An", 'een\r\ntwee "drie"')), (5, ("Tom", "x"))]


def test_empty_rows_are_no_rows():
    assert [line for line, _ in read(b"naam;van\n;\n \n An ; x \n")] == [1, 4]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b'naam;van\nAn;"x\n' + b"y\n" * 200, "quotes"),
        (b'naam;van\nAn;"x', "quotes"),
        (b'naam;van\nAn;"x"y\n', "quotes"),
        (b"naam;van\n" + b"x" * 20_000, "too_large"),
        (b"naam;" + b"x;" * 60 + b"van\n", "too_large"),
        (b"naam;van\nA\0n;x", "not_text"),
        (b"naam;van\n\x81\x8d;x", "not_text"),
        (b"\xd0\xcf\x11\xe0old excel", "not_a_workbook"),
        (b"PK\x03\x04no zip", "not_a_workbook"),
    ],
)
def test_a_file_that_is_not_what_it_seems_is_refused(content, fault):
    assert fault_of(content) == fault


def test_a_fault_names_the_line_and_never_what_stands_there():
    with pytest.raises(UnreadableFileError, match=r"^line 3: ") as refused:
        read(b'naam;van\nAn;x\n"85.07.30-033.28;x\n')
    assert "85" not in str(refused.value)


def test_a_quote_that_is_never_closed_does_not_hold_the_whole_file():
    with pytest.raises(UnreadableFileError, match="line 102: a quote in this row is never closed"):
        read(b'naam;van\nAn;"x\n' + b"y\n" * 200 + b'";z\n')


def test_the_number_of_rows_is_bounded(monkeypatch):
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    assert len(read(b"t\n1\n2\n3\n")) == 4
    assert fault_of(b"t\n1\n2\n3\n4\n") == "too_large"


def test_a_file_that_is_too_large_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    with files.taken_in(io.BytesIO(b"0123456789")) as taken:
        assert taken.sha256 == "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
    with pytest.raises(UnreadableFileError), files.taken_in(io.BytesIO(b"0123456789a")):
        pass


# --- XLSX ---


def test_numbers_and_days_of_a_workbook_come_as_people_type_them():
    content = workbook(
        ("naam", "insz", "van", "tot", "waar", "half"),
        ("An", 85073003328.0, datetime(2027, 1, 31), date(2027, 2, 1), True, 1.5),  # noqa: DTZ001 - Excel knows no zones
    )
    assert read(content)[1] == (2, ("An", "85073003328", "2027-01-31", "2027-02-01", "1", "1.5"))


def test_a_formula_counts_as_what_excel_last_saw():
    assert read(workbook(("naam", "x"), ("=1+1", "y")))[1][1][:2] == ("", "y")


def test_a_second_sheet_must_be_empty_or_it_would_be_left_out_in_silence():
    assert len(read(workbook(("naam",), ("An",), sheets=[()]))) == 2
    assert fault_of(workbook(("naam",), ("An",), sheets=[("Tom",)])) == "one_sheet"


def test_a_sheet_that_lies_about_its_size_is_read_whole():
    content = workbook(*[("naam", "van")] * 3)
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b'ref="A1:B3"' in sheet
    small = with_part(content, "xl/worksheets/sheet1.xml", sheet.replace(b'ref="A1:B3"', b'ref="A1:A1"'))
    assert [cells[:2] for _, cells in read(small)] == [("naam", "van")] * 3


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = with_part(workbook(("naam",)), "xl/worksheets/sheet1.xml", b"<a>" + b" " * 10_000_000)
    assert len(bomb) < 100_000
    assert fault_of(bomb) == "too_large"


def test_shared_texts_are_bounded_because_they_are_held_in_memory(monkeypatch):
    monkeypatch.setattr(spreadsheets, "MOST_BESIDE", 10)
    assert fault_of(workbook(("naam", "van"))) == "too_large"


def test_entities_that_grow_are_refused():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><worksheet>&l9;</worksheet>'
    assert fault_of(with_part(workbook(("naam",)), "xl/worksheets/sheet1.xml", text)) == "not_a_workbook"


def test_an_entity_from_outside_is_not_fetched(tmp_path):
    (tmp_path / "secret").write_text("geheim")
    text = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{tmp_path}/secret">]><worksheet>&f;</worksheet>'
    assert fault_of(with_part(workbook(("naam",)), "xl/worksheets/sheet1.xml", text)) == "not_a_workbook"


def test_a_row_that_says_to_be_far_down_costs_nothing():
    content = workbook(("naam",), ("An",))
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'r="2"', b'r="99999999999"')
    assert len(read(with_part(content, "xl/worksheets/sheet1.xml", far))) == 1


@pytest.mark.parametrize("beside", [60, 5_000])
def test_a_cell_far_to_the_right_is_not_left_out_in_silence(beside):
    assert fault_of(workbook(("naam",), (*[None] * beside, "x"))) == "too_large"


def test_a_row_that_is_wide_and_empty_is_refused_where_it_would_cost():
    content = workbook(("naam",), ("An", *[""] * 5_000))
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    wide = sheet.replace(b"</row></sheetData>", b'<c r="XFD2"/></row></sheetData>')
    assert fault_of(with_part(content, "xl/worksheets/sheet1.xml", wide)) == "too_large"


# --- what goes out ---


@pytest.mark.parametrize("cell", ["=1+1", "+32", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_that_excel_would_run_gets_an_apostrophe(cell):
    assert files.neutral(cell) == "'" + cell.replace("\t", " ").replace("\r", " ")


@pytest.mark.parametrize("cell", ["", "85073003328", "1=1", "Zoë", "een\ntwee"])
def test_any_other_cell_is_left_as_it_is(cell):
    assert files.neutral(cell) == cell


def test_what_is_written_as_csv_reads_back():
    out, rows = io.BytesIO(), [("naam", "nota"), ("Zoë; An", 'een\n"twee"')]
    files.write_rows(out, rows)
    assert out.getvalue().startswith(b"\xef\xbb\xbf")
    assert [cells for _, cells in read(out.getvalue())] == rows


def test_what_is_written_as_a_workbook_is_text_and_reads_back():
    out, rows = io.BytesIO(), [("naam", "nummer"), (files.neutral("=cmd|x"), "00010112345")]
    EXCEL.write(out, rows)
    cells = list(load_workbook(out).active.iter_rows())
    assert {cell.data_type for row in cells for cell in row} == {"s"}
    assert [tuple(cell.value for cell in row) for row in cells] == rows
