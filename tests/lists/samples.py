"""Lists as offices send them, made here so that the tests say what is in them.

`python -m tests.lists.samples FOLDER` writes them, to be looked at or uploaded by hand.
"""

import csv
import io
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import xlsxwriter

HEADINGS = (
    "ลำดับ",
    "เลขทะเบียนโรงงาน",
    "ชื่อโรงงาน",
    "Factory name (English)",
    "ที่ตั้ง",
    "จังหวัด",
    "ละติจูด",
    "ลองจิจูด",
    "ชื่อผู้ติดต่อ",
    "อีเมล",
    "โทรศัพท์",
    "หมายเหตุ",
)
ROWS = (
    (
        "๑",
        "๓-๑๐๕-๕/๕๐ชบ",
        "บริษัท ตัวอย่าง จำกัด",
        "Example Co., Ltd.",
        "99 หมู่ 4\nต.ตัวอย่าง",
        "จ.ชลบุรี",
        "13,3611",
        "100,9847",
        "นางสาวสมมุติ ตัวอย่าง",
        "office@example.com",
        "๐๓๘-๑๒๓๔๕๖ ต่อ ๑๒",
        "ส่งแล้ว",
    ),
    (
        "๒",
        "10200012345678",
        "โรงงานน้ำตาล “ทดสอบ”",
        "",
        "1 ถ.ทดสอบ; ชั้น 2",
        "Rayong Province",
        "12.68",
        "101.28",
        "-",
        "-",
        "812345678",
        "",
    ),
)
WESTERN = (
    ("Registration no", "Name", "Province", "Contact", "E-mail"),
    ("3-1", "Société Générale du Café", "Nonthaburi", "José Peña", "jose@example.com"),
    ("3-2", "Weißbräu Übersee GmbH", "Chon Buri", "Jürgen Groß", "j@example.com"),
)


def delimited(
    rows: Sequence[Sequence[str]],
    *,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    newline: str = "\r\n",
) -> bytes:
    # Python's writer takes only the line end it was told for one when it decides what to quote.
    broken = any("\n" in cell or "\r" in cell for row in rows for cell in row)
    quoting = csv.QUOTE_ALL if broken and newline != "\r\n" else csv.QUOTE_MINIMAL
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


def workbook(rows: Sequence[Sequence[object]], *, empty_rows: int = 0) -> bytes:
    """Return a workbook; `empty_rows` have a height and nothing in them."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("รายชื่อ")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        for number in range(len(rows), len(rows) + empty_rows):
            sheet.set_row(number, 20)
    return file.getvalue()


def rezipped(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a workbook with its parts changed by hand."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return file.getvalue()


def with_sheet_data(content: bytes, data: bytes) -> bytes:
    """Return a workbook with this instead of its first sheet's rows."""

    def change(name: str, part: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return part
        start, end = part.index(b"<sheetData>"), part.index(b"</sheetData>")
        return part[:start] + b"<sheetData>" + data + part[end:]

    return rezipped(content, change)


PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"


def good() -> dict[str, bytes]:
    """Return files that all hold HEADINGS and ROWS."""
    rows = (HEADINGS, *ROWS)
    without_curls = [[cell.replace("“", '"').replace("”", '"') for cell in row] for row in rows]
    return {
        "excel-utf-8.csv": delimited(rows),
        "plain-utf-8.csv": delimited(rows, encoding="utf-8", newline="\n"),
        "unicode-text.txt": delimited(rows, encoding="utf-16", delimiter="\t"),
        "thai-excel.csv": delimited(rows, encoding="cp874"),
        "semicolons.csv": delimited(without_curls, encoding="cp874", delimiter=";", newline="\r"),
        "pipes.csv": delimited(rows, delimiter="|", newline="\n"),
        "spoken.csv": b"\xef\xbb\xbfsep=;\r\n" + delimited(rows, encoding="utf-8", delimiter=";"),
        "title.csv": delimited((("รายชื่อผู้เข้าร่วมสัมมนา ปี 2570",), (), *rows)),
        "workbook.xlsx": workbook(rows),
        "title.xlsx": workbook((("รายชื่อผู้เข้าร่วมสัมมนา",), (), *rows)),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, file_content in good().items():
        (folder / file_name).write_bytes(file_content)
