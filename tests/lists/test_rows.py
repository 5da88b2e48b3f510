"""Rows as people fill them in, and what is said about the wrong ones."""

import pytest

from casework.lists.mapping import guess
from casework.lists.places import province_of
from casework.lists.reading import read_table
from casework.lists.rows import ListedEstablishment, RowProblem, parse_row
from casework.lists.table import TableRow
from casework.programs.provinces import provinces
from tests.lists.samples import HEADINGS, ROWS, workbook


def parsed(**cells: str) -> ListedEstablishment | tuple[RowProblem, ...]:
    return parse_row(guess(tuple(cells)), TableRow(7, tuple(cells.values())))


def good(**cells: str) -> ListedEstablishment:
    found = parsed(**{"registration_no": "3-1", **cells})
    assert isinstance(found, ListedEstablishment), found
    return found


def problems(**cells: str) -> list[tuple[str | None, str]]:
    found = parsed(**{"registration_no": "3-1", **cells})
    assert not isinstance(found, ListedEstablishment), found
    assert {problem.line for problem in found} == {7}
    return [(problem.column, problem.code) for problem in found]


def test_the_sample_rows_are_understood() -> None:
    table = read_table(workbook((HEADINGS, *ROWS)), "a.xlsx")
    mapping = guess(table.columns)
    assert [parse_row(mapping, row) for row in table.rows] == [
        ListedEstablishment(
            line=2,
            registration_no="3-105-5/50ชบ",
            name_th="บริษัท ตัวอย่าง จำกัด",
            name_en="Example Co., Ltd.",
            address="99 หมู่ 4 ต.ตัวอย่าง",
            province="20",
            latitude=13.3611,
            longitude=100.9847,
            contact_name="นางสาวสมมุติ ตัวอย่าง",
            email="office@example.com",
            phone="038-123456 ต่อ 12",
        ),
        ListedEstablishment(
            line=3,
            registration_no="10200012345678",
            name_th="โรงงานน้ำตาล “ทดสอบ”",
            address="1 ถ.ทดสอบ; ชั้น 2",
            province="21",
            latitude=12.68,
            longitude=101.28,
            phone="0812345678",
        ),
    ]


@pytest.mark.parametrize("code", provinces())
def test_every_province_is_found_by_code_and_by_each_name(code: str) -> None:
    province = provinces()[code]
    thai, english = province.name_th, province.name_en
    for text in (
        code,
        province.iso_3166_2,
        thai,
        f"จังหวัด{thai}",
        f"จ.{thai}",
        f"จ. {thai}",
        english,
        english.upper().replace(" ", ""),
        f"{english} Province",
        code.translate({ord("0") + digit: 0x0E50 + digit for digit in range(10)}),
    ):
        assert province_of(text) == code, text


@pytest.mark.parametrize("text", ["", "99", "ชล", "Thailand", "จังหวัด"])
def test_what_is_no_province_is_none(text: str) -> None:
    assert province_of(text) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"province": "Atlantis"}, ("province", "province-unknown")),
        ({"latitude": "100.5", "longitude": "13.7"}, ("latitude", "coordinate-outside")),
        ({"latitude": "north", "longitude": "100.5"}, ("latitude", "coordinate")),
        ({"latitude": "13.7"}, ("latitude", "coordinate-alone")),
        ({"email": "somebody"}, ("email", "email")),
        ({"email": "a@b.th, c@d.th"}, ("email", "several-emails")),
        ({"phone": "ask at the gate"}, ("phone", "phone")),
        ({"phone": "1" * 60}, ("phone", "too-long")),
        ({"language": "fr"}, ("language", "language")),
        ({"name": "x" * 601}, ("name", "too-long")),
        ({"name": "#REF!"}, ("name", "formula-error")),
        ({"registration_no": "1.0130E+13"}, ("registration_no", "number-cut")),
        ({"registration_no": "1" * 65}, ("registration_no", "too-long")),
        ({"registration_no": ""}, (None, "unidentified")),
        ({"registration_no": "-", "name": "A"}, (None, "unidentified")),
        ({"Surplus 1": "x"}, ("Surplus 1", "surplus-cell")),
    ],
)
def test_a_wrong_cell_is_named_with_its_column(
    cells: dict[str, str], expected: tuple[str | None, str]
) -> None:
    assert expected in problems(**cells)


def test_everything_wrong_is_said_at_once_by_the_lists_own_headings() -> None:
    row = TableRow(9, ("x", "y", "z"))
    found = parse_row(guess(("จังหวัด", "อีเมล", "โทรศัพท์")), row)
    assert isinstance(found, tuple)
    assert [(problem.column, problem.line) for problem in found] == [
        ("จังหวัด", 9),
        ("อีเมล", 9),
        ("โทรศัพท์", 9),
    ]


def test_a_name_and_a_province_do_without_a_number() -> None:
    assert good(registration_no="", name="A", province="Rayong").province == "21"


@pytest.mark.parametrize("nothing", ["", "-", "–", " ", "N/A", "ไม่มี", "...", "\u200b"])
def test_what_means_nothing_is_nothing(nothing: str) -> None:
    found = good(email=nothing, phone=nothing, province=nothing, name=nothing, latitude=nothing)
    assert found == ListedEstablishment(line=7, registration_no="3-1")


def test_a_name_goes_to_the_language_it_is_in() -> None:
    assert good(name="Example").name_en == "Example"
    assert good(name_en="ตัวอย่าง").name_th == "ตัวอย่าง"
    both = good(name_th="Example", name_en="Other")
    assert (both.name_th, both.name_en) == ("Example", "Other")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("812345678", "0812345678"),
        ("38123456", "038123456"),
        ("+66 81 234 5678", "+66 81 234 5678"),
        ("๐๒-๑๒๓-๔๕๖๗", "02-123-4567"),
        ("02-123-4567-9, 081-234-5678", "02-123-4567-9, 081-234-5678"),
        ("021234567 ext. 12", "021234567 ext. 12"),
    ],
)
def test_telephone_numbers(written: str, read: str) -> None:
    assert good(phone=written).phone == read


def test_coordinates_in_several_ways() -> None:
    found = good(latitude="13,7563", longitude="๑๐๐.๕๐๑๘° E")
    assert (found.latitude, found.longitude) == (13.7563, 100.5018)


def test_text_is_in_form_c_and_on_one_line() -> None:
    assert good(name="Cafe\u0301\r\n  Co.").name_en == "Café Co."
    assert good(language="ภาษาอังกฤษ").language == "en"


def test_a_short_row_has_nothing_in_its_last_columns() -> None:
    found = parse_row(guess(("registration_no", "email")), TableRow(2, ("3-1",)))
    assert found == ListedEstablishment(line=2, registration_no="3-1")
