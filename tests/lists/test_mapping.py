"""Headings as people write them, and the mapping that follows."""

import pytest
from pydantic import ValidationError

from casework.lists.fields import ListField, field_of
from casework.lists.guessing import guess
from casework.lists.mapping import Mapping
from tests.lists.samples import HEADINGS, WESTERN

F = ListField


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("registration_no", F.REGISTRATION_NO),
        ("เลขทะเบียนโรงงาน (ถ้ามี)", F.REGISTRATION_NO),
        ("ทะเบียนโรงงานเลขที่", F.REGISTRATION_NO),
        ("Factory Registration No.", F.REGISTRATION_NO),
        ("ชื่อสถานประกอบการ", F.NAME_TH),
        ("ชื่อบริษัท / Company name", F.NAME_TH),
        ("Establishment", F.NAME_TH),
        ("ชื่อโรงงาน (ภาษาอังกฤษ)", F.NAME_EN),
        ("Company Name (EN)", F.NAME_EN),
        ("ที่ตั้งโรงงาน", F.ADDRESS),
        ("Address", F.ADDRESS),
        ("จังหวัด", F.PROVINCE),
        ("รหัสจังหวัด", F.PROVINCE),
        ("Province", F.PROVINCE),
        ("Lat.", F.LATITUDE),
        ("ลองจิจูด", F.LONGITUDE),
        ("ชื่อ-สกุล", F.CONTACT_NAME),
        ("ชื่อผู้ประสานงาน", F.CONTACT_NAME),
        ("E-mail ผู้ติดต่อ", F.EMAIL),
        ("อีเมล์", F.EMAIL),
        ("Contact phone", F.PHONE),
        ("เบอร์โทรศัพท์มือถือ", F.PHONE),
        ("โทร.", F.PHONE),
        ("Language", F.LANGUAGE),
        ("ลำดับ", None),
        ("หมายเหตุ", None),
        ("เลขทะเบียนนิติบุคคล", None),
        ("วันที่จดทะเบียน", None),
        ("จังหวัดชลบุรี", None),
        ("บริษัท ตัวอย่าง จำกัด", None),
        ("โทร. 02-123-4567", None),
        ("mail@example.com", None),
        ("", None),
    ],
)
def test_a_heading_is_recognized_and_content_is_not(heading: str, field: ListField | None) -> None:
    assert field_of(heading) == field


def test_the_first_guess_finds_everything_in_the_samples() -> None:
    mapping = guess(HEADINGS).mapping
    assert set(mapping.fields) == set(F) - {F.LANGUAGE}
    assert mapping.unmapped == ("ลำดับ", "หมายเหตุ")
    assert set(guess(WESTERN[0]).mapping.fields) == {
        F.REGISTRATION_NO,
        F.NAME_TH,
        F.PROVINCE,
        F.CONTACT_NAME,
        F.EMAIL,
    }


def test_of_two_headings_the_first_counts_unless_one_is_the_fields_own_name() -> None:
    assert guess(["อีเมล", "E-mail"]).mapping.fields == {F.EMAIL: "อีเมล"}
    assert guess(["อีเมล", "Email"]).mapping.fields == {F.EMAIL: "Email"}


def test_a_mapping_is_corrected_field_by_field() -> None:
    mapping = guess(["a", "registration_no", "b"]).mapping
    assert not guess(["a", "name"]).mapping.is_usable
    assert mapping.is_usable
    moved = mapping.with_field(F.EMAIL, "registration_no").with_field(F.PHONE, "b")
    assert moved.fields == {F.EMAIL: "registration_no", F.PHONE: "b"}
    assert moved.with_field(F.PHONE, None).unmapped == ("a", "b")
    assert mapping.fields == {F.REGISTRATION_NO: "registration_no"}


def test_a_mapping_names_columns_that_are_there_once_each() -> None:
    with pytest.raises(ValidationError, match="no column x"):
        guess(["a"]).mapping.with_field(F.EMAIL, "x")
    with pytest.raises(ValidationError, match="one field"):
        Mapping(columns=("a",), fields={F.EMAIL: "a", F.PHONE: "a"})


def test_a_mapping_survives_being_stored() -> None:
    mapping = guess(HEADINGS).mapping
    assert Mapping.model_validate_json(mapping.model_dump_json()) == mapping
