"""The calendar file of a visit, read back as a calendar reads it."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from casework.domain import acts as a
from casework.domain.stages import Stage
from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from tests.notices.tale import ADDRESS, APPLICANT, NAMES, PUBLIC_URL, Tale
from tests.sample_case import NOW

BANGKOK = ZoneInfo("Asia/Bangkok")


@pytest.fixture
def tale(sqlite_database: Database, catalog: ProgramCatalog) -> Tale:
    """Tell of a case whose visit is to be planned."""
    return Tale(sqlite_database, catalog).applied().accepted()


def calendars(tale: Tale, composer: NoticeComposer, slug: str, recipient: str) -> list[Calendar]:
    """Return the calendar files of these notices, in order, as they arrive."""
    found: list[Calendar] = []
    for row in tale.notices():
        if row.slug == slug and row.recipient.startswith(recipient):
            for part in composer.compose(row.key).iter_attachments():
                assert isinstance(part, EmailMessage)
                assert part.get_content_type() == "text/calendar"
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                calendar = Calendar.from_ical(content)
                assert isinstance(calendar, Calendar)
                assert part.get_param("method") == str(calendar["method"])
                found.append(calendar)
    return found


def the_event(calendar: Calendar) -> Any:
    """Return the one event of a calendar, whose properties have too many types to name."""
    (event,) = calendar.events
    return event


def test_a_visit_comes_as_an_invitation_in_bangkok_time(
    tale: Tale, composer: NoticeComposer
) -> None:
    """With its zone described, so that a calendar abroad shows the right hour."""
    tale.scheduled()
    (calendar,) = calendars(tale, composer, "visit-scheduled", "applicant")
    event = the_event(calendar)
    assert calendar["method"] == "REQUEST"
    assert event.start == (NOW + timedelta(days=10)).astimezone(BANGKOK)
    assert event["dtstart"].params["TZID"] == "Asia/Bangkok"
    assert [str(zone["tzid"]) for zone in calendar.timezones] == ["Asia/Bangkok"]
    assert event.duration == timedelta(hours=3)
    assert NAMES["th"] in event["summary"]
    assert event["location"] == ADDRESS["th"]
    assert event["url"] == f"{PUBLIC_URL}/th/cases/{tale.case.case_id}"
    assert event["organizer"] == "mailto:no-reply@casework.example"
    assert event["attendee"] == "mailto:somchai@factory.example"
    assert event["status"] == "CONFIRMED"


def test_moving_a_visit_moves_the_entry(tale: Tale, composer: NoticeComposer) -> None:
    """The UID stays, for every reader the same, and the SEQUENCE rises."""
    tale.scheduled().rescheduled()
    (before,) = calendars(tale, composer, "visit-scheduled", "applicant")
    (after,) = calendars(tale, composer, "visit-rescheduled", "applicant")
    (inspectors,) = calendars(tale, composer, "visit-rescheduled", "inspector")
    first, moved = the_event(before), the_event(after)
    assert first["uid"] == moved["uid"] == the_event(inspectors)["uid"]
    assert moved["sequence"] > first["sequence"]
    assert moved.start - first.start == timedelta(days=2)


def test_withdrawing_cancels_the_entry(tale: Tale, composer: NoticeComposer) -> None:
    """For the applicant and for the inspector."""
    tale.scheduled().act(a.WithdrawApplication(), APPLICANT)
    (planned,) = calendars(tale, composer, "visit-scheduled", "applicant")
    (applicants,) = calendars(tale, composer, "withdrawal-received", "applicant")
    (inspectors,) = calendars(tale, composer, "visit-canceled", "inspector")
    for calendar in (applicants, inspectors):
        event = the_event(calendar)
        assert calendar["method"] == "CANCEL"
        assert event["status"] == "CANCELLED"
        assert event["uid"] == the_event(planned)["uid"]
        assert event["sequence"] > the_event(planned)["sequence"]
        assert event.start == the_event(planned).start


def test_withdrawing_without_a_visit_brings_no_file(tale: Tale, composer: NoticeComposer) -> None:
    """There is nothing to cancel, nor is there after the visit."""
    tale.act(a.WithdrawApplication(), APPLICANT)
    assert calendars(tale, composer, "withdrawal-received", "applicant") == []


def test_a_second_visit_is_another_entry(tale: Tale, composer: NoticeComposer) -> None:
    """A deferred decision asks for a new visit; the one that took place stays where it is."""
    tale.scheduled().inspected().closed().recommended()
    tale.decided(a.Outcome.DEFERRED, Stage.INSPECTION).scheduled()
    first, second = calendars(tale, composer, "visit-scheduled", "applicant")
    assert the_event(first)["uid"] != the_event(second)["uid"]
