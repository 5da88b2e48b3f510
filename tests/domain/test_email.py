"""One rule for e-mail addresses, wherever people write them."""

from pathlib import Path

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.public.feedback.form import FeedbackForm
from api.public.invitations.form import ApplicationForm
from api.routes.cases.applications import ContactBody
from casework.domain.drives import ListedSite
from casework.domain.email import Email, ascii_email_of, email_of, is_email
from casework.lists.guessing import guess
from casework.lists.rows import parse_row
from casework.lists.table import TableRow
from casework.notices.composing import address_of
from casework.notices.readers import Mailbox
from casework.people.directory import DirectoryFileError, read_directory

UNSENDABLE = [
    "a..b@example.go.th",
    ".a@example.go.th",
    "a@example..go.th",
    "a@-example.go.th",
    "somchai@factory",
    "somchai@localhost",
    "somchai@factory.invalid",
    "สมชาย@example.go.th",
    "Somchai <a@example.go.th>",
    "a@example.go.th, b@example.go.th",
    "a@example.go.th\r\nBcc: b@example.go.th",
    "a b@example.go.th",
    f"{'a' * 65}@example.go.th",
    "",
]


@pytest.mark.parametrize("text", UNSENDABLE)
def test_what_cannot_be_written_to_is_no_address_anywhere(text: str, tmp_path: Path) -> None:
    assert not is_email(text)
    with pytest.raises(ValidationError):
        TypeAdapter[str](Email).validate_python(text)
    with pytest.raises(ValidationError):
        ListedSite(email=text)
    with pytest.raises(ValidationError):
        ContactBody(name="A", email=text)
    assert ApplicationForm(name="A", email=text).errors()["email"] == "email-invalid"
    if text:
        form = FeedbackForm(stance="support", text="x", email=text)
        assert form.errors()["email"] == "email-invalid"
        row = TableRow(2, ("3-1", text))
        found = parse_row(guess(("registration_no", "email")).mapping, row)
        assert [note.column for note in found.notes] == ["email"]
    people = tmp_path / "people.csv"
    people.write_text(f'person,name,email,kinds,provinces\np-1,A,"{text}",officer,21\n', "utf-8")
    with pytest.raises(DirectoryFileError, match="email"):
        read_directory(people)


def test_a_domain_may_be_in_any_script_and_the_mailer_can_send_to_it() -> None:
    assert email_of("Somchai@ตัวอย่าง.ไทย") == "Somchai@ตัวอย่าง.ไทย"
    assert ascii_email_of("Somchai@ตัวอย่าง.ไทย") == "Somchai@xn--72c1a1bt4awk9o.xn--o3cw4h"
    assert address_of(Mailbox(email="a@EXAMPLE.go.th")).addr_spec == "a@example.go.th"


def test_an_address_has_one_form() -> None:
    assert TypeAdapter[str](Email).validate_python(" A.B@Example.GO.TH ") == "A.B@example.go.th"


@given(
    st.from_regex(r"[a-z0-9._+A-Z-]{1,66}", fullmatch=True),
    st.sampled_from(
        ["x.go.th", "Ünï.example", "ตัวอย่าง.ไทย", "a..b", f"{'b.' * 92}example", "", "x_y.th"]
    )
    | st.from_regex(r"[a-z0-9.-]{1,12}\.th", fullmatch=True),
)
def test_a_domain_that_was_seen_before_makes_no_difference(local: str, domain: str) -> None:
    text = f"{local}@{domain}"
    try:
        found = validate_email(text, allow_smtputf8=False, check_deliverability=False, strict=True)
    except EmailNotValidError:
        assert not is_email(text)
        return
    assert (email_of(text), ascii_email_of(text)) == (found.normalized, found.ascii_email)
