"""Files that are no lists get a clear answer, quickly and without harm."""

import io
import zipfile

import pytest

from casework.lists.faults import FILE_FAULTS, ListFileError
from casework.lists.reading import read_table
from casework.lists.table import MOST_BYTES, MOST_ROWS
from tests.lists.samples import (
    HEADINGS,
    PICTURE,
    ROWS,
    delimited,
    rezipped,
    with_sheet_data,
    workbook,
)


def fault(content: bytes, name: str = "list.csv") -> tuple[str, int | None]:
    with pytest.raises(ListFileError) as caught:
        read_table(content, name)
    assert caught.value.code in FILE_FAULTS
    assert caught.value.reason.endswith((".", "?"))
    return caught.value.code, caught.value.line


def zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\r\n \r\n", b"\xff\xfe", b",,,\r\n,,\r\n"]
)
def test_an_empty_file(content: bytes) -> None:
    assert fault(content)[0] == "empty"


@pytest.mark.parametrize(
    "content",
    [
        PICTURE,
        b"%PDF-1.7\nx",
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
        b"<html><table><tr><td>name</td></tr></table></html>",
        b"{\\rtf1 name}",
        zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}),
        "name,email\n".encode("utf-16-le"),
    ],
)
def test_a_file_of_another_kind_named_csv(content: bytes) -> None:
    assert fault(content)[0] == "not-a-list"


def test_old_and_protected_workbooks() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    assert fault(old, "list.xls")[0] == "old-workbook"
    assert fault(old + "EncryptedPackage".encode("utf-16-le"), "a.xlsx")[0] == "protected"


def test_mixed_encodings_name_the_first_line_that_differs() -> None:
    thai, unicode = (
        delimited((HEADINGS, *ROWS), encoding="cp874"),
        delimited(ROWS, encoding="utf-8"),
    )
    assert fault(thai + unicode) == ("mixed-encodings", 5)
    assert fault(delimited((HEADINGS,)) + delimited(ROWS, encoding="cp874")) == (
        "mixed-encodings",
        2,
    )
    western = "name,email\r\nCafé,a@example.com\r\nPeña,b@example.com\r\n"
    assert fault(western.encode() + b"Andr\xe9,c@example.com\r\n") == ("mixed-encodings", 4)


def test_an_encoding_that_nobody_expects() -> None:
    assert fault(b"name,email\r\n\xa1\xa2\xa3\xfc\xfd\xfe,x\r\n") == ("encoding", 2)
    assert fault(b"\xff\xfea")[0] == "encoding"


def test_two_lines_of_headings() -> None:
    english = ("No", "Registration no", "Name", "Name (EN)", "Address", "Province")
    assert fault(delimited((HEADINGS, english, *ROWS))) == ("two-headers", 2)
    groups = ("", "", "ที่ตั้ง", "จังหวัด", "ติดต่อ", "")
    below = ("เลขทะเบียนโรงงาน", "ชื่อโรงงาน", "", "", "อีเมล", "โทร")
    rows = (("3-1", "A", "B", "ชลบุรี", "a@example.com", "1"),)
    assert fault(workbook((groups, below, *rows)), "a.xlsx") == ("two-headers", 2)


def test_no_headings_at_all() -> None:
    assert fault(b"3-101,a@example.com\n3-102,b@example.com\n") == ("no-header", 1)


def test_headings_and_nothing_below() -> None:
    assert fault(delimited((HEADINGS,))) == ("no-rows", 1)


@pytest.mark.parametrize("text", ['1,"open\n2,x\n3,y\n', '1,"a"b\n2,x\n'])
def test_quotation_marks_that_do_not_match(text: str) -> None:
    assert fault(f"registration_no,name\n0,x\n{text}".encode()) == ("quotes", 3)


def test_too_much_of_everything() -> None:
    assert fault(b"x" * (MOST_BYTES + 1))[0] == "too-large"
    many = b"registration_no\n" + b"1\n" * (MOST_ROWS + 1)
    assert fault(many) == ("too-many-rows", MOST_ROWS + 2)
    empty = b"registration_no\n1\n" + b"\n" * 2_000_000
    assert fault(empty) == ("too-many-rows", 1_048_577)
    wide = "registration_no,name" + ",x" * 300
    assert fault(f"{wide}\n1,2\n".encode()) == ("too-many-columns", 1)
    assert fault(f"registration_no,name\n1,2{',3' * 300}\n".encode()) == ("too-many-columns", 2)
    assert fault(b"registration_no,name\n1," + b"x" * 40_000) == ("cell-too-long", 2)
    assert fault(b"registration_no,name\n1," + b"x" * 200_000) == ("cell-too-long", 2)


def test_a_cell_in_the_last_corner_of_a_sheet_harms_nobody() -> None:
    corners = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c %s><v>2</v></c></row>'
    book = workbook((HEADINGS, *ROWS))
    for place in (b'r="XFD1048576"', b"s='1' r='A1048576'", b'r="&#88;FD1048576"', b""):
        assert fault(with_sheet_data(book, corners % place), "a.xlsx") == (
            "too-many-rows",
            1_048_576,
        )
    far = b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>2</v></c></row>'
    assert fault(with_sheet_data(book, far), "a.xlsx")[0] == "too-many-columns"


def test_a_sheet_that_is_not_read_may_be_as_it_likes() -> None:
    book = workbook((HEADINGS, *ROWS))

    def add(name: str, part: bytes) -> bytes:
        swap = {b'r:id="rId1"/>': b'r:id="rId1"/><sheet name="far" sheetId="9" r:id="rId99"/>'}
        if name == "xl/_rels/workbook.xml.rels":
            kind = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
            far = b'<Relationship Id="rId99" Type="%s" Target="worksheets/far.xml"/>' % kind
            swap = {b"</Relationships>": far + b"</Relationships>"}
        for old, new in swap.items():
            part = part.replace(old, new)
        return part

    content = io.BytesIO(rezipped(book, add))
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr(
            "xl/worksheets/far.xml",
            b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
            b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData></worksheet>',
        )
    table = read_table(content.getvalue(), "a.xlsx")
    assert len(table.rows) == 2
    assert [note.code for note in table.notes] == ["other-sheets"]


def test_zip_bombs() -> None:
    book = workbook((HEADINGS, *ROWS))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert fault(zipped({**parts, "xl/media/a.bin": bytes(100_000_000)}), "a.xlsx")[0] == "zip-bomb"
    rows = b"<row/>" * 4_000_000
    assert fault(with_sheet_data(book, rows), "a.xlsx")[0] == "zip-bomb"
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    for part in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"):
        declared = rezipped(
            book,
            lambda name, text, part=part: (
                text.replace(b"?>", b"?>" + entities, 1) if name == part else text
            ),
        )
        assert fault(declared, "a.xlsx")[0] == "zip-bomb"
    disguised = rezipped(
        book, lambda name, text: text + b"<sheetData></sheetData>" if "styles" in name else text
    )
    assert fault(disguised, "a.xlsx")[0] == "zip-bomb"


@pytest.mark.parametrize("keep", [40, 400, 2_000, -30])
def test_a_damaged_workbook(keep: int) -> None:
    assert fault(workbook((HEADINGS, *ROWS))[:keep], "a.xlsx")[0] in {"damaged", "not-a-list"}


def test_a_workbook_with_broken_parts() -> None:
    book = workbook((HEADINGS, *ROWS))
    for part in ("xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"):
        broken = rezipped(book, lambda name, text, part=part: text[:90] if name == part else text)
        assert fault(broken, "a.xlsx")[0] in {"damaged", "empty"}, part


def test_an_empty_workbook() -> None:
    assert fault(workbook(()), "a.xlsx")[0] == "empty"
