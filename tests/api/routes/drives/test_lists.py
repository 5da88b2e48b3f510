"""The list of a drive over HTTP: taken as people have it, tried without effect, given back mended."""

import csv
import io
import struct
import zipfile
import zlib

import pytest
import xlsxwriter
from sqlalchemy import func, select

from casework.lists.reading import read_table
from casework.store.tables import Enrollment, Establishment
from tests.api.desk import Desk, pointers, problem
from tests.api.seminar_desk import DRIVES, HEAD, SeminarDesk, csv_of, line
from tests.sample_case import INSPECTOR


@pytest.fixture
def seminar(desk: Desk) -> SeminarDesk:
    """Sit in the provincial office of Rayong."""
    return SeminarDesk(desk)


def nothing_was_written(desk: Desk) -> bool:
    with desk.database.reading() as session:
        tables = (Enrollment, Establishment)
        return not any(session.scalar(select(func.count()).select_from(t)) for t in tables)


def picture() -> bytes:
    """Return a PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    """Return a workbook of 300 MB that travels as 300 KB."""
    bomb = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook())) as good,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            if name == "xl/worksheets/sheet1.xml":
                with bad.open(name, "w") as sheet:
                    for _ in range(300):
                        sheet.write(b" " * 1_000_000)
            else:
                bad.writestr(name, good.read(name))
    return bomb.getvalue()


def workbook(*rows: tuple[str, ...]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEAD, *rows)):
            sheet.write_row(number, 0, row)
    return file.getvalue()


def test_a_list_is_read_and_its_columns_are_guessed(seminar: SeminarDesk) -> None:
    drive = seminar.new_drive()
    answer = seminar.upload(drive, csv_of([line(1), line(2)]), "ผู้เข้าร่วม.csv")
    taken = answer.json()
    assert answer.status_code == 200, answer.text
    assert taken["columns"][:3] == list(HEAD[:3])
    assert taken["fields"] == {
        "registration_no": HEAD[0],
        "name_th": HEAD[1],
        "province": HEAD[2],
        "contact_name": HEAD[3],
        "email": HEAD[4],
    }
    assert (taken["rows"], taken["unusable"], taken["is_usable"]) == (2, 0, True)
    assert taken["first_rows"][0]["line"] == 2
    assert taken["file_name"] == "ผู้เข้าร่วม.csv"
    assert seminar.get(drive).json()["state"] == "draft"


def test_a_workbook_and_an_old_encoding_say_the_same(seminar: SeminarDesk) -> None:
    drive = seminar.new_drive()
    old = csv_of([line(1)]).decode("utf-8-sig").replace(",", ";").encode("cp874")
    for content, name in ((workbook(line(1)), "list.xlsx"), (old, "list.csv")):
        assert seminar.upload(drive, content, name).status_code == 200
        assert seminar.try_out(drive)["verdicts"] == {"new": 1}


def test_the_dry_run_judges_each_row_and_writes_nothing(desk: Desk, seminar: SeminarDesk) -> None:
    drive = seminar.new_drive()
    rows = [
        line(1),
        line(1, name="ชื่ออื่น"),
        line(2, email=""),
        line(3, province="เชียงใหม่"),
        line(4, email="not an address"),
        line(5, province="แอตแลนติส"),
    ]
    taken = seminar.upload(drive, csv_of(rows)).json()
    assert (taken["unusable"], taken["noted"]) == (1, 1)
    tried = seminar.try_out(drive)
    assert tried["verdicts"] == {
        "new": 1,
        "duplicate": 1,
        "outside-jurisdiction": 1,
        "no-contact": 2,
        "invalid": 1,
    }
    assert nothing_was_written(desk)
    wrong = seminar.rows(drive, verdict="invalid")
    assert [(row["line"], row["problems"][0]["column"]) for row in wrong] == [(7, HEAD[2])]
    noted = [row for row in seminar.rows(drive) if row["notes"]]
    assert [(row["line"], row["notes"][0]["column"]) for row in noted] == [(6, HEAD[4])]
    assert noted[0]["cells"][4] == "not an address"
    assert [row["verdict_about"] for row in seminar.rows(drive, verdict="duplicate")] == ["2"]
    details = seminar.get(drive).json()
    assert (details["state"], details["rows"]) == ("ready", 6)
    assert {each["province"]: each["rows"] for each in details["by_province"]}["21"] == 4


def test_a_telephone_number_that_is_none_costs_no_invitation(seminar: SeminarDesk) -> None:
    """The cell is left out, kept as it came, and named in the file that goes back."""
    drive = seminar.new_drive()
    content = csv_of([(*line(1), "0"), (*line(2), "02-123-4567")], (*HEAD, "โทรศัพท์"))
    assert seminar.upload(drive, content).json()["unusable"] == 0
    assert seminar.try_out(drive)["verdicts"] == {"new": 2}
    (noted,) = (row for row in seminar.rows(drive) if row["notes"])
    assert (noted["cells"][6], noted["notes"][0]["code"]) == ("0", "phone")
    file = seminar.get(f"{drive}/rows.csv").content.decode("utf-8-sig")
    assert [row[-1] for row in csv.reader(io.StringIO(file))][1:] == [
        "โทรศัพท์: This is no telephone number. This cell was left out.",
        "",
    ]


def test_what_the_guess_is_unsure_of_stands_in_the_answer(seminar: SeminarDesk) -> None:
    """The office that looks after the sites is not written to in their place."""
    rows = [(*line(n)[:3], "สอจ.ระยอง", "office@industry.example") for n in range(6)]
    head = (*HEAD[:3], "หน่วยงานกำกับ", "อีเมล")
    taken = seminar.upload(seminar.new_drive(), csv_of(rows, head)).json()
    assert "email" not in taken["fields"]
    assert [note["code"] for note in taken["notes"]] == ["office-columns"]


def test_a_mapping_is_corrected_by_a_person(seminar: SeminarDesk) -> None:
    """Columns whose headings say nothing get their meaning, and rows are read again by it."""
    drive = seminar.new_drive()
    head = ("a", "b", "c", "d")
    rows = [(f"3-{n}", f"โรงงาน {n}", "21", f"x{n}@site.example") for n in range(3)]
    taken = seminar.upload(drive, csv_of(rows, head)).json()
    assert (taken["fields"], taken["is_usable"]) == ({}, False)
    fields = {"registration_no": "a", "name_th": "b", "province": "c", "email": "d"}
    assert seminar.try_out(drive, fields)["verdicts"] == {"new": 3}
    assert seminar.try_out(drive, {**fields, "email": "a"} | {"registration_no": "d"})["verdicts"]
    assert seminar.try_out(drive, fields)["verdicts"] == {"new": 3}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"registration_no": "nowhere"}, "/fields/registration_no"),
        ({"name_th": HEAD[1]}, "/fields"),
        ({"name_th": HEAD[1], "registration_no": HEAD[1]}, "/fields"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(
    seminar: SeminarDesk, fields: dict[str, str], pointer: str
) -> None:
    drive = seminar.new_drive()
    seminar.upload(drive, csv_of([line(1)]))
    answer = seminar.put(f"{drive}/mapping", json={"fields": fields})
    assert pointers(problem(answer, 422, "mapping-unusable")) == [pointer]


def test_without_a_list_there_is_nothing_to_map(seminar: SeminarDesk) -> None:
    answer = seminar.put(f"{seminar.new_drive()}/mapping", json={})
    problem(answer, 409, "list-missing")


MIXED = csv_of([line(1)]) + "3-2,โรงงาน,ระยอง,x,x@y.example,\r\n".encode("cp874")
BAD_FILES = {
    "empty": (b"", "empty"),
    "blank": (b"\r\n \r\n", "empty"),
    "picture": (picture(), "not-a-list"),
    "bomb": (zip_bomb(), "zip-bomb"),
    "only headings": (csv_of([]), "no-rows"),
    "mixed encodings": (MIXED, "mixed-encodings"),
    "two headings": (csv_of([HEAD, line(1)]), "two-headers"),
}


@pytest.mark.parametrize(("content", "fault"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_file_that_is_no_list_gets_a_clear_answer_and_changes_nothing(
    desk: Desk, seminar: SeminarDesk, content: bytes, fault: str
) -> None:
    """Whatever it is called, and with a good list there already."""
    drive = seminar.new_drive()
    seminar.upload(drive, csv_of([line(1)]))
    told = problem(seminar.upload(drive, content, "list.csv"), 422, "list-unreadable")
    assert told["fault"] == fault
    assert len(seminar.rows(drive)) == 1
    assert nothing_was_written(desk)


def test_a_list_that_is_too_long_is_refused_while_it_comes(seminar: SeminarDesk) -> None:
    answer = seminar.upload(seminar.new_drive(), b"x" * 20_000_001)
    problem(answer, 413, "body-too-large")


def test_formulas_stay_text_on_their_way_in_and_out(seminar: SeminarDesk) -> None:
    """A cell that a spreadsheet would run comes back as text, and the same when uploaded again."""
    drive = seminar.new_drive()
    seminar.upload(drive, csv_of([line(1, remark="=cmd|' /C calc'!A0", email="")]))
    seminar.try_out(drive)
    given = seminar.get(f"{drive}/rows.csv")
    assert given.headers["content-type"].startswith("text/csv")
    assert given.headers["content-disposition"].startswith("attachment")
    cells = list(csv.reader(io.StringIO(given.content.decode("utf-8-sig"))))[1]
    assert cells[5] == "'=cmd|' /C calc'!A0"
    assert cells[6:] == [
        "2",
        "no-contact",
        "",
        "Nobody can be written to: an e-mail address is missing.",
    ]
    book = seminar.get(f"{drive}/rows.xlsx").content
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    assert read_table(book, "rows.xlsx").rows[0].cells[5] == "=cmd|' /C calc'!A0"
    again = seminar.upload(drive, given.content).json()
    assert again["columns"] == list(HEAD)
    assert again["first_rows"][0]["cells"][5] == "=cmd|' /C calc'!A0"


def test_rows_that_cannot_be_used_are_downloaded_mended_and_uploaded_again(
    seminar: SeminarDesk,
) -> None:
    drive = seminar.ready([line(1), line(2, email=""), line(3, email="wrong")])
    file = seminar.get(f"{drive}/rows.csv", params={"unusable": "true"}).content.decode("utf-8-sig")
    head, *rows = list(csv.reader(io.StringIO(file)))
    assert [row[head.index("Casework line")] for row in rows] == ["3", "4"]
    assert "This is no e-mail address." in rows[1][head.index("Casework reason")]
    for row in rows:
        row[4] = f"mended{row[0]}@site.example"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([head, *rows])
    seminar.upload(drive, text.getvalue().encode())
    assert seminar.try_out(drive)["verdicts"] == {"new": 2}


def test_rows_come_page_by_page(seminar: SeminarDesk) -> None:
    drive = seminar.ready(line(n) for n in range(5))
    found: list[int] = []
    address: str | None = f"{drive}/rows?limit=2"
    while address:
        answer = seminar.get(address)
        found += [row["line"] for row in answer.json()["items"]]
        link = answer.headers.get("link")
        address = link[1 : link.index(">")].removeprefix("https://cases.example") if link else None
    assert found == [2, 3, 4, 5, 6]
    problem(seminar.get(f"{drive}/rows?cursor=nonsense"), 422, "request-malformed")


def test_the_list_of_others_is_not_there(desk: Desk, seminar: SeminarDesk) -> None:
    """Its rows hold names and addresses of people: by province, and for officers and supervisors only."""
    drive = seminar.ready([line(1)])
    elsewhere = SeminarDesk(desk, provinces=("40",))
    for path in (drive, f"{drive}/rows", f"{drive}/rows.csv", f"{drive}/events"):
        problem(elsewhere.get(path), 404, "not-found")
        problem(desk.get(path, INSPECTOR), 403, "role-required")
        problem(desk.get(path), 401, "token-required")
    problem(elsewhere.upload(drive, csv_of([line(1)])), 404, "not-found")
    problem(seminar.get(f"{DRIVES}/drv-nothing"), 404, "not-found")
    problem(seminar.get(f"{DRIVES}/%00"), 404, "not-found")
