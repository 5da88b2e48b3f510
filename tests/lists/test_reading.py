"""Lists in the forms in which people have them."""

from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import example, given
from hypothesis import strategies as st

from casework.lists._cells import received
from casework.lists.reading import read_table
from casework.lists.table import OWN_COLUMNS
from tests.lists import samples
from tests.lists.samples import HEADINGS, ROWS, WESTERN, delimited, workbook


@pytest.mark.parametrize("name", samples.good())
def test_the_same_list_is_read_from_every_kind_of_file(name: str) -> None:
    table = read_table(samples.good()[name], name)
    straight = [[cell.replace("“", '"').replace("”", '"') for cell in row] for row in ROWS]
    assert table.columns == HEADINGS
    assert [
        [cell.replace("“", '"').replace("”", '"') for cell in row.cells] for row in table.rows
    ] == straight
    assert table.notes == ()


def test_a_list_is_read_from_a_path(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(delimited((HEADINGS, *ROWS)))
    assert len(read_table(path, "list.csv").rows) == 2


def test_the_answer_says_how_the_file_was_read() -> None:
    table = read_table(delimited((HEADINGS, *ROWS), encoding="cp874", delimiter=";"), "a.csv")
    assert (table.encoding, table.delimiter, table.sheet) == ("cp874", ";", None)
    table = read_table(workbook((HEADINGS, *ROWS)), "a.xlsx")
    assert (table.encoding, table.delimiter, table.sheet) == (None, None, "รายชื่อ")


def test_western_and_thai_windows_encodings_are_told_apart() -> None:
    table = read_table(delimited(WESTERN, encoding="cp1252"), "a.csv")
    assert table.encoding == "cp1252"
    assert table.rows[1].cells[1] == "Weißbräu Übersee GmbH"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("name,province\nABCจำกัด,Tak\n", "cp874"),
        ("ชื่อ,จังหวัด\nก,ตาก\n", "cp874"),
        ("name,city\nConceição,São Paulo\n", "cp1252"),
        ("name,city\nÉcole à Nîmes,Köln\n", "cp1252"),
    ],
)
def test_a_word_is_enough_to_tell_the_encoding(text: str, encoding: str) -> None:
    assert read_table(text.encode(encoding), "a.csv").encoding == encoding


OLD_MAC = {
    "accents below A0": ("José,Société Générale", "mac-roman"),
    "only letters that are quotation marks in Windows": ("Peña,García López", "mac-roman"),
    "a capital first": ("École,Île-de-France", "mac-roman"),
    "quotation marks": ("“Café”,l’Oréal", "mac-roman"),
}


@pytest.mark.parametrize(("text", "encoding"), OLD_MAC.values(), ids=list(OLD_MAC))
def test_a_list_of_an_old_mac_is_read_in_its_own_encoding(text: str, encoding: str) -> None:
    content = f"registration_no,name,address\r3-1,{text}\r".encode("mac-roman")
    table = read_table(content, "a.csv")
    assert table.encoding == encoding
    assert ",".join(table.rows[0].cells[1:]) == text


def test_what_no_byte_decides_is_said_in_a_note() -> None:
    """ñ, í and ó of a Mac are quotation marks and dashes of Windows."""
    content = "registration_no,name\r3-1,Peña\r".encode("mac-roman")
    assert [note.code for note in read_table(content, "a.csv").notes] == ["encoding-unsure"]
    content = "registration_no,name\r3-1,Café José\r".encode("mac-roman")
    assert read_table(content, "a.csv").notes == ()


@pytest.mark.parametrize("newline", ["\r", "\r\n"])
@pytest.mark.parametrize("name", ["Café “Noir” – l’Oréal", "cœur Škoda Größe", "Žito España"])
def test_western_text_of_windows_is_not_taken_for_that_of_a_mac(name: str, newline: str) -> None:
    content = newline.join(("registration_no,name", f"3-1,{name}", "")).encode("cp1252")
    table = read_table(content, "a.csv")
    assert (table.encoding, table.rows[0].cells[1], table.notes) == ("cp1252", name, ())


def test_thai_of_an_old_mac_has_its_marks_where_they_belong() -> None:
    thai = "เลขทะเบียนโรงงาน,ชื่อโรงงาน\r3-1,".encode("cp874")
    # ปั่น and “ต้น” with the marks as a Mac places them beside and below tall letters.
    name = b"\xbb\x92\x98\xb9 \x8d\xb5\x89\xb9\x8e"
    table = read_table(thai + name + b"\r", "a.csv")
    assert table.encoding == "mac-thai"
    assert table.rows[0].cells == ("3-1", "ปั่น “ต้น”")


def test_thai_with_line_ends_of_a_mac_and_signs_that_may_be_marks_is_noted() -> None:
    content = "เลขทะเบียนโรงงาน,ชื่อโรงงาน\r3-1,โรงงาน “ทดสอบ”\r".encode("cp874")
    table = read_table(content, "a.csv")
    assert table.rows[0].cells[1] == "โรงงาน “ทดสอบ”"
    assert [note.code for note in table.notes] == ["encoding-unsure"]
    assert read_table(content.replace(b"\r", b"\r\n"), "a.csv").notes == ()


def test_a_row_has_the_line_in_which_it_begins() -> None:
    table = read_table(delimited((("เลขทะเบียนโรงงาน", "ที่ตั้ง"), ("1", "a\nb"), ("2", "c"))), "a.csv")
    assert [row.line for row in table.rows] == [2, 4]
    table = read_table(workbook((("title",), HEADINGS, ROWS[0], (), ROWS[1])), "a.xlsx")
    assert table.header_line == 2
    assert [row.line for row in table.rows] == [3, 5]


def test_line_breaks_within_a_cell_stay_and_are_of_one_kind() -> None:
    content = 'เลขทะเบียนโรงงาน,ที่ตั้ง\r\n1,"a\r\nb\rc"\r\n'.encode()
    assert read_table(content, "a.csv").rows[0].cells == ("1", "a\nb\nc")


def test_the_content_decides_and_not_the_name() -> None:
    assert read_table(workbook((HEADINGS, *ROWS)), "list.csv").sheet is not None
    assert read_table(delimited((HEADINGS, *ROWS)), "list.xlsx").delimiter == ","


def test_columns_without_a_heading_are_named_or_left_out() -> None:
    table = read_table(b"registration_no,,name,,\n1,x,A,,\n", "a.csv")
    assert table.columns == ("registration_no", "Column 2", "name")
    table = read_table(workbook((("registration_no", "name"), ("1", "A", "x"))), "a.xlsx")
    assert table.columns == ("registration_no", "name", "Column 3")


def test_headings_of_the_same_name_are_told_apart() -> None:
    table = read_table(b"name,email,email,email\nA,a@b.th,c,d\n", "a.csv")
    assert table.columns == ("name", "email", "email (2)", "email (3)")


def test_cells_behind_the_last_heading_of_delimited_text_are_surplus() -> None:
    table = read_table(b"registration_no,address\n1,Road 5, Town\n2,x\n", "a.csv")
    assert table.columns == ("registration_no", "address", "Surplus 1")
    assert table.rows[1].cells == ("2", "x", "")


def test_our_own_columns_are_dropped() -> None:
    headings = ("registration_no", *OWN_COLUMNS, "name")
    table = read_table(delimited((headings, ("1", "2", "new", "", "", "A"))), "a.csv")
    assert table.columns == ("registration_no", "name")
    assert table.rows[0].cells == ("1", "A")


def test_unknown_headings_are_read_with_a_note() -> None:
    table = read_table(b"Aa,Bb,Cc\n1,x,5\n2,y,6\n", "a.csv")
    assert table.columns == ("Aa", "Bb", "Cc")
    assert [note.code for note in table.notes] == ["unknown-headings"]


def test_a_list_of_one_column_has_no_delimiter_in_it() -> None:
    table = read_table("เลขทะเบียนโรงงาน\n3-1\n3-2\n".encode(), "a.csv")
    assert [row.cells for row in table.rows] == [("3-1",), ("3-2",)]


def test_what_keeps_a_spreadsheet_from_calculating_is_taken_away() -> None:
    table = read_table(b'registration_no,phone\n"=""0042""",\'+66812345678\n', "a.csv")
    assert table.rows[0].cells == ("0042", "+66812345678")


def workbook_by(write) -> bytes:
    file = BytesIO()
    with xlsxwriter.Workbook(file) as book:
        write(book)
    return file.getvalue()


def test_cells_of_a_workbook_read_as_they_look() -> None:
    def write(book: xlsxwriter.Workbook) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(2, 1, ("registration_no", "name", "a", "b", "c", "d"))
        sheet.write_row(3, 1, (10130000525506, "x_x0041_\x01y", 0.1 + 0.2, True))
        sheet.write(3, 5, date(2026, 1, 2), book.add_format({"num_format": "d/m/yy"}))
        sheet.write(3, 6, "=A1", None, "saved")

    table = read_table(workbook_by(write), "a.xlsx")
    assert table.rows[0].cells == (
        "10130000525506",
        "x_x0041_y",
        "0.3",
        "TRUE",
        "2026-01-02",
        "saved",
    )
    assert table.rows[0].line == 4


def test_the_first_visible_sheet_with_content_is_read() -> None:
    def write(book: xlsxwriter.Workbook) -> None:
        book.add_worksheet("empty").activate()
        hidden = book.add_worksheet("hidden")
        hidden.write(0, 0, "x")
        hidden.hide()
        book.add_worksheet("list").write_column(0, 0, ("registration_no", "3-1"))
        book.add_worksheet("more").write(0, 0, "x")

    table = read_table(workbook_by(write), "a.xlsx")
    assert table.sheet == "list"
    assert [note.text for note in table.notes] == ["Not read: the sheets more."]


def test_formulas_without_a_result_and_errors_are_noted() -> None:
    content = samples.with_sheet_data(
        workbook((HEADINGS, *ROWS)),
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>registration_no</t></is></c></row>'
        b'<row r="2"><c r="A2"><v>7</v></c><c r="B2"><f>A1</f></c><c r="C2" t="e"><v>#N/A</v></c></row>'
        b'<row r="3"><c r="A3"><f>A2</f><v/></c></row>',
    )
    table = read_table(content, "a.xlsx")
    assert [row.cells for row in table.rows] == [("7",)]
    assert [note.code for note in table.notes] == ["formulas", "formula-errors"]


def test_a_million_empty_rows_are_no_content() -> None:
    rows = ((n, b'<c r="A%d" s="1"/>' % n if n % 10 == 0 else b"") for n in range(3, 1_048_577))
    empty = b"".join(b'<row r="%d">%s</row>' % row for row in rows)
    content = samples.with_sheet_data(
        workbook((HEADINGS, *ROWS)),
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>registration_no</t></is></c></row>'
        b'<row r="2"><c r="A2"><v>7</v></c></row>' + empty,
    )
    assert [row.cells for row in read_table(content, "a.xlsx").rows] == [("7",)]


# --- Round trips ----------------------------------------------------------------------------------

THAI = st.text(st.sampled_from("กขคงจฉชซญฎพรลวศสหอะาิีุูเแโใไ่้์ฯๆ๐๙ 5.-"), min_size=1, max_size=12)
LATIN = st.text(st.sampled_from("abcxyzäöüéèçñßÄÉ 5.-\"'&"), min_size=1, max_size=12)
ANY = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
BREAKS = st.lists(THAI, max_size=3).map("\n".join)


def lists_of(cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    row = st.lists(cells.map(received), min_size=3, max_size=3).map(lambda row: ["3-1", *row])
    return st.lists(row, min_size=1, max_size=6)


NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
COLUMNS = ("เลขทะเบียนโรงงาน", "ชื่อโรงงาน", "ที่ตั้ง", "หมายเหตุ")
LATIN_COLUMNS = ("registration_no", "name", "address", "Größe")


def normal(rows: list[list[str]]) -> list[tuple[str, ...]]:
    return [tuple(map(received, row)) for row in rows]


@given(
    rows=lists_of(THAI | BREAKS),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp874"]),
    delimiter=DELIMITERS,
    newline=NEWLINES,
)
def test_thai_text_comes_back(
    rows: list[list[str]], encoding: str, delimiter: str, newline: str
) -> None:
    content = delimited((COLUMNS, *rows), encoding=encoding, delimiter=delimiter, newline=newline)
    table = read_table(content, "a.csv")
    assert (table.columns, table.encoding, table.delimiter) == (COLUMNS, encoding, delimiter)
    assert [row.cells for row in table.rows] == normal(rows)


@example(rows=[["3-1", "5", "ÄÄ5ÄÄ5ÄÄ", "ÄÄ5ÄÄ5ÄÄ"]], delimiter=",", newline="\n")
@given(rows=lists_of(LATIN), delimiter=DELIMITERS, newline=NEWLINES)
def test_western_text_comes_back(rows: list[list[str]], delimiter: str, newline: str) -> None:
    # A word that is nothing but accented letters is not told from Thai; in a list it stands among others.
    words = [[*row[:3], f"Café {row[3]} São Müller Straße Peña"] for row in rows]
    content = delimited(
        (LATIN_COLUMNS, *words), encoding="cp1252", delimiter=delimiter, newline=newline
    )
    table = read_table(content, "a.csv")
    assert (table.columns, table.delimiter) == (LATIN_COLUMNS, delimiter)
    assert table.encoding == "cp1252"
    assert [row.cells for row in table.rows] == normal(words)


@given(rows=lists_of(ANY), delimiter=DELIMITERS, newline=NEWLINES)
def test_any_text_comes_back(rows: list[list[str]], delimiter: str, newline: str) -> None:
    table = read_table(delimited((COLUMNS, *rows), delimiter=delimiter, newline=newline), "a.csv")
    assert [row.cells for row in table.rows] == normal(rows)
