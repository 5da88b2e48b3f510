"""From a row of the outbox to a message."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest

from casework.domain import acts as a
from casework.domain.actors import ActorKind
from casework.notices.composing import NoticeComposer, address_of
from casework.notices.faults import NotComposable
from casework.notices.readers import Mailbox
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.people import StaffMember, put_people
from casework.store.tables import Contact, Person
from tests.notices.tale import MAIL_FROM, NAMES, PUBLIC_URL, Tale, actor, composer_of
from tests.sample_case import NOW
from tests.statements import counted

RECEIVED = "eco-tale00000001/application-received/1/applicant"
TO_REVIEW = "eco-tale00000001/application-to-review/1/office"


def travel(message: EmailMessage) -> EmailMessage:
    """Return the message as the other side reads it."""
    return message_from_bytes(message.as_bytes(policy=SMTP), EmailMessage, policy=default)


def test_a_message_has_what_mail_servers_and_readers_need(
    database: Database, catalog: ProgramCatalog
) -> None:
    """Sender, reader, subject, date and both parts survive the journey."""
    tale = Tale(database, catalog).applied()
    message = travel(composer_of(database, catalog).compose(RECEIVED))
    assert str(message["From"]) == MAIL_FROM
    assert message["To"].addresses[0].addr_spec == "somchai@factory.example"
    assert message["To"].addresses[0].display_name == "สมชาย ใจดี"
    assert message["Subject"] == f"ได้รับคำขอแล้ว: {NAMES['th']} ({tale.case.case_id})"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "th"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().startswith("เรียน คุณสมชาย ใจดี")
    assert '<html lang="th">' in html.get_content()


@pytest.fixture
def tale(sqlite_database: Database, catalog: ProgramCatalog) -> Tale:
    """Tell of an application."""
    return Tale(sqlite_database, catalog).applied()


def test_everything_on_the_wire_is_ascii(tale: Tale, composer: NoticeComposer) -> None:
    """So every server takes it, with 8BITMIME and SMTPUTF8 or without."""
    raw = composer.compose(RECEIVED).as_bytes(policy=SMTP)
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) <= 998


def test_the_same_key_gives_the_same_message_id(tale: Tale, composer: NoticeComposer) -> None:
    """A server that gets a notice twice can tell; other notices have other ids."""
    first, again = composer.compose(RECEIVED), composer.compose(RECEIVED)
    assert first["Message-ID"] == again["Message-ID"] == composer.message_id(RECEIVED)
    assert str(first["Message-ID"]).endswith("@casework.example>")
    assert composer.compose(TO_REVIEW)["Message-ID"] != first["Message-ID"]


def test_a_preview_is_what_the_message_says(tale: Tale, composer: NoticeComposer) -> None:
    """The outbox page shows nothing else than what leaves."""
    message, preview = composer.compose(RECEIVED), composer.render_preview(RECEIVED)
    body = message.get_body(("plain",))
    assert body is not None
    assert preview.subject == message["Subject"]
    assert preview.text.split() == body.get_content().split()
    assert preview.to == ("สมชาย ใจดี <somchai@factory.example>",)


def test_a_notice_costs_few_statements(tale: Tale, composer: NoticeComposer) -> None:
    """Case and establishment, event, people, and the reader; for a visit also the visits before."""
    tale.accepted().scheduled().rescheduled()
    for row in tale.notices():
        with counted(tale.database.engine) as sent:
            composer.compose(row.key)
        assert sent.statements <= 5, sent
        assert sent.commits == 0, sent


# --- Who gets it ----------------------------------------------------------------------------------


def test_the_office_is_the_officer_of_the_case_or_all_of_the_province(
    tale: Tale, composer: NoticeComposer
) -> None:
    """Before somebody has taken the case, everybody who may take it is told."""
    assert to(composer, TO_REVIEW) == {
        "officer-1@industry.example",
        "officer-2@industry.example",
    }
    tale.accepted()
    assert to(composer, TO_REVIEW) == {"officer-1@industry.example"}


def test_an_officer_with_a_conflict_is_neither_told_nor_named(
    tale: Tale, composer: NoticeComposer
) -> None:
    """The other officers of the province take over, and nobody is sent to ask the first one."""
    tale.accepted()
    assert "สมหญิง ตั้งใจ" in composer.render_preview(RECEIVED).text
    tale.act(a.DeclareConflict(statement="-"), actor("officer-1"))
    assert to(composer, TO_REVIEW) == {"officer-2@industry.example"}
    assert "สมหญิง ตั้งใจ" not in composer.render_preview(RECEIVED).text


def test_who_inspected_is_not_asked_to_review_or_decide(
    tale: Tale, composer: NoticeComposer
) -> None:
    """A person may hold several roles; impartiality goes by person."""
    both = StaffMember(
        person="inspector-1",
        name="ประสิทธิ์ ละเอียด",
        email="inspector-1@industry.example",
        kinds=(ActorKind.INSPECTOR, ActorKind.REVIEWER, ActorKind.DECISION_MAKER),
        provinces="*",
    )
    with tale.database.writing() as session:
        put_people(session, [both])
    tale.accepted().scheduled().inspected().closed()
    (review,) = [row.key for row in tale.notices() if row.slug == "case-to-review"]
    assert to(composer, review) == {"reviewer-1@industry.example"}
    tale.recommended()
    (decide,) = [row.key for row in tale.notices() if row.slug == "case-to-decide"]
    assert to(composer, decide) == {"decider-1@industry.example"}


def test_an_inspector_who_loses_a_visit_is_told_too(tale: Tale, composer: NoticeComposer) -> None:
    """Else two inspectors stand at the gate."""
    tale.accepted().scheduled("inspector-1").rescheduled("inspector-2")
    (key,) = [
        row.key
        for row in tale.notices()
        if row.slug == "visit-rescheduled" and row.recipient != "applicant"
    ]
    assert to(composer, key) == {"inspector-1@industry.example", "inspector-2@industry.example"}


def test_the_contact_of_the_application_counts(tale: Tale, composer: NoticeComposer) -> None:
    """The address is looked up when the message leaves, so a corrected one is used."""
    with tale.database.writing() as session:
        contact = session.get(Contact, "con-1")
        assert contact is not None
        contact.email = "new@factory.example"
    assert to(composer, RECEIVED) == {"new@factory.example"}


def test_staff_get_thai_unless_all_of_them_asked_for_english(
    tale: Tale, composer: NoticeComposer
) -> None:
    """One reader of Thai in a group is enough."""
    assert composer.compose(TO_REVIEW)["Content-Language"] == "th"
    with tale.database.writing() as session:
        for ref in ("officer-1", "officer-2"):
            person = session.get(Person, ref)
            assert person is not None
            person.language = "en"
            if ref == "officer-1":
                session.flush()
    assert composer.compose(TO_REVIEW)["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("eco-nowhere/application-received/1/applicant", "There is no case eco-nowhere."),
        ("eco-tale00000001/application-received/99/applicant", "has no event 99"),
        ("eco-tale00000001/no-such-notice/1/applicant", "names no notice of the catalogue"),
        ("nonsense", "names no notice of the catalogue"),
        ("eco-tale00000001/case-assigned/1/officer:nobody", "nobody is not in the staff directory"),
        ("eco-tale00000001/application-received/1/postman", "no kind of recipient"),
        ("eco-tale00000001/decision-announced/1/representation:8", "representation 8 left no"),
        ("eco-tale00000001/representation-received/8/representation:8", "representation 8 left no"),
        ("eco-tale00000001/decision-granted/1/applicant", "is at fault"),
    ],
)
def test_a_notice_that_cannot_be_made_says_why(
    tale: Tale, composer: NoticeComposer, key: str, reason: str
) -> None:
    """The text is what staff read beside the failed row."""
    with pytest.raises(NotComposable, match=reason):
        composer.compose(key)


def test_a_group_without_anybody_says_whom_to_add(tale: Tale, composer: NoticeComposer) -> None:
    """An empty staff directory is the first mistake of every installation."""
    with tale.database.writing() as session:
        for ref in ("officer-1", "officer-2"):
            session.delete(session.get(Person, ref))
    with pytest.raises(NotComposable, match="Province 21 has no officer"):
        composer.compose(TO_REVIEW)


def to(composer: NoticeComposer, key: str) -> set[str]:
    """Return the addresses a notice goes to."""
    return {address.addr_spec for address in composer.compose(key)["To"].addresses}


# --- Addresses ------------------------------------------------------------------------------------


def test_a_domain_in_thai_letters_is_written_as_servers_know_it() -> None:
    """The name before the @ has to be ASCII, the domain need not."""
    address = address_of(Mailbox(email="info@ตัวอย่าง.ไทย", name="ตัวอย่าง"))
    assert address.addr_spec == "info@xn--72c1a1bt4awk9o.xn--o3cw4h"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody",
        "@factory.example",
        "somchai@",
        "สมชาย@factory.example",
        "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "<a@b.example>",
    ],
)
def test_what_is_not_one_address_is_refused_without_repeating_it(email: str) -> None:
    """The reason is stored and shown; the address stays where it is."""
    with pytest.raises(NotComposable) as refused:
        address_of(Mailbox(email=email))
    assert "factory.example" not in str(refused.value)


def test_a_sender_that_is_no_address_is_found_at_the_start(
    sqlite_database: Database, catalog: ProgramCatalog
) -> None:
    """Not with the first notice, hours later."""
    with pytest.raises(ValueError, match="the sender of notices"):
        NoticeComposer(sqlite_database, catalog, PUBLIC_URL, "Casework")
