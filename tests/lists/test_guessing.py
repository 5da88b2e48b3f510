"""Columns are found by what stands in them and beside them, not by their headings alone."""

from collections.abc import Sequence

import pytest

from casework.lists.fields import ListField
from casework.lists.guessing import Guess, guess
from casework.lists.table import TableRow

F = ListField
SITES = ("โรงงานน้ำตาล", "โรงสีข้าว", "โรงงานยาง", "โรงงานกระดาษ", "โรงงานปูน", "โรงไฟฟ้า")
LATIN = ("Sugar Mill", "Rice Mill", "Rubber Works", "Paper Mill", "Cement Works", "Power Plant")


def guessed(columns: Sequence[str], *rows: Sequence[str]) -> Guess:
    return guess(columns, [TableRow(line, tuple(row)) for line, row in enumerate(rows, 2)])


def codes(found: Guess) -> list[str]:
    return [note.code for note in found.notes]


def test_of_two_columns_for_a_field_the_one_with_its_values_counts() -> None:
    found = guessed(
        ("registration_no", "email", "E-mail 2"),
        *((f"3-{n}", "", f"a{n}@site{n}.example") for n in range(6)),
    )
    assert found.mapping.fields[F.EMAIL] == "E-mail 2"
    assert found.notes == ()
    found = guessed(
        ("registration_no", "email", "E-mail 2"),
        *((f"3-{n}", "see the card", f"a{n}@site{n}.example") for n in range(6)),
    )
    assert found.mapping.fields[F.EMAIL] == "E-mail 2"


def test_values_far_down_a_list_count_as_much_as_the_first_ones() -> None:
    rows = [(f"3-{n}", "", f"a{n}@site.example" if n >= 2_000 else "") for n in range(5_000)]
    found = guessed(("registration_no", "email", "อีเมล"), *rows)
    assert found.mapping.fields[F.EMAIL] == "อีเมล"


def test_two_full_columns_for_a_field_are_named_in_a_note() -> None:
    found = guessed(
        ("registration_no", "อีเมล", "E-mail 2"),
        *((f"3-{n}", f"a{n}@x.example", f"b{n}@y.example") for n in range(6)),
    )
    assert found.mapping.fields[F.EMAIL] == "อีเมล"
    assert codes(found) == ["several-columns"]
    assert "E-mail 2" in found.notes[0].text


@pytest.mark.parametrize("is_first", [False, True])
def test_the_office_that_looks_after_a_site_is_not_taken_for_the_site(is_first: bool) -> None:
    """Headings say the same twice; the office stands again and again."""
    site = [(name, f"p{n}@site{n}.example", f"02-111-111{n}") for n, name in enumerate(SITES)]
    office = ("สำนักงานอุตสาหกรรมจังหวัดระยอง", "rayong@industry.example", "038-111-111")
    head = ("ชื่อ", "อีเมล", "โทรศัพท์")
    second = ("ชื่อ (2)", "อีเมล (2)", "โทรศัพท์ (2)")
    rows = [(*office, *each) if is_first else (*each, *office) for each in site]
    found = guessed((*head, *second, "จังหวัด"), *((*row, "ระยอง") for row in rows))
    ours = second if is_first else head
    assert (found.mapping.fields[F.NAME_TH], found.mapping.fields[F.EMAIL]) == ours[:2]
    assert found.mapping.fields[F.PHONE] == ours[2]
    assert found.mapping.fields[F.PROVINCE] == "จังหวัด"


def test_the_contact_of_an_office_alone_is_left_to_a_person() -> None:
    rows = [(name, "Rayong", "DIW", f"o{n}@diw.example", "x") for n, name in enumerate(LATIN)]
    found = guessed(
        ("Factory", "Province", "Competent authority", "E-mail", "Contact person"), *rows
    )
    assert found.mapping.unmapped == ("Competent authority", "E-mail", "Contact person")
    assert codes(found) == ["office-columns", "office-columns"]
    assert "E-mail" in found.notes[1].text


def test_behind_an_office_the_contact_of_the_site_is_found_again() -> None:
    found = guessed(
        ("เลขทะเบียนโรงงาน", "หน่วยงานกำกับ", "อีเมล", "อีเมลโรงงาน", "โทรศัพท์โรงงาน"),
        *(
            (f"3-{n}", "สอจ.ระยอง", f"o{n}@a.example", f"p{n}@b.example", f"02-111-111{n}")
            for n in range(3)
        ),
    )
    assert found.mapping.fields == {
        F.REGISTRATION_NO: "เลขทะเบียนโรงงาน",
        F.EMAIL: "อีเมลโรงงาน",
        F.PHONE: "โทรศัพท์โรงงาน",
    }


def test_columns_that_have_offices_in_them_are_an_offices_whatever_their_heading_says() -> None:
    rows = [
        (f"3-{n}", name, f"Provincial Industry Office of {p}", f"{n}@office.example")
        for n, (name, p) in enumerate(zip(LATIN, ("A", "B", "C", "D", "E", "F"), strict=True))
    ]
    found = guessed(("registration_no", "name", "contact", "email"), *rows)
    assert set(found.mapping.fields) == {F.REGISTRATION_NO, F.NAME_EN}
    assert codes(found) == ["office-columns", "office-columns"]


def test_one_address_for_all_sites_is_used_and_asked_about() -> None:
    rows = [(f"3-{n}", "all@group.example") for n in range(9)]
    found = guessed(("registration_no", "email"), *rows)
    assert found.mapping.fields[F.EMAIL] == "email"
    assert codes(found) == ["repeated-contact"]


def test_the_contact_person_in_a_second_set_of_columns_is_found() -> None:
    rows = [
        (f"3-{n}", name, "Rayong", f"Person {n}", f"p{n}@site.example")
        for n, name in enumerate(LATIN)
    ]
    found = guessed(("Reg. no.", "Factory name", "Province", "Name", "E-mail"), *rows)
    assert (found.mapping.fields[F.NAME_EN], found.mapping.fields[F.EMAIL]) == (
        "Factory name",
        "E-mail",
    )


def test_a_column_of_latin_names_is_not_the_thai_name() -> None:
    found = guessed(
        ("เลขทะเบียนโรงงาน", "ชื่อโรงงาน"), *((f"3-{n}", name) for n, name in enumerate(LATIN))
    )
    assert found.mapping.fields[F.NAME_EN] == "ชื่อโรงงาน"
    assert F.NAME_TH not in found.mapping.fields


def test_two_columns_of_names_go_to_the_languages_they_are_in() -> None:
    rows = [(f"3-{n}", *names) for n, names in enumerate(zip(LATIN, SITES, strict=True))]
    for head in (("ชื่อโรงงาน", "Factory name"), ("name_th", "name_en"), ("Name", "Company")):
        fields = guessed(("registration_no", *head), *rows).mapping.fields
        assert (fields[F.NAME_EN], fields[F.NAME_TH]) == head


def test_names_in_both_languages_under_their_headings_stay_there() -> None:
    rows = [(f"3-{n}", *names) for n, names in enumerate(zip(SITES, LATIN, strict=True))]
    fields = guessed(("registration_no", "ชื่อโรงงาน", "Factory name (EN)"), *rows).mapping.fields
    assert (fields[F.NAME_TH], fields[F.NAME_EN]) == ("ชื่อโรงงาน", "Factory name (EN)")


def test_a_few_thai_names_under_a_thai_heading_are_not_lost() -> None:
    rows = [(f"3-{n}", name, name) for n, name in enumerate(LATIN)]
    rows[3] = ("3-3", SITES[3], LATIN[3])
    fields = guessed(("registration_no", "ชื่อโรงงาน", "Factory name (EN)"), *rows).mapping.fields
    assert (fields[F.NAME_TH], fields[F.NAME_EN]) == ("ชื่อโรงงาน", "Factory name (EN)")


def test_without_rows_the_headings_count() -> None:
    assert guess(("ชื่อโรงงาน", "อีเมล")).mapping.fields == {
        F.NAME_TH: "ชื่อโรงงาน",
        F.EMAIL: "อีเมล",
    }
