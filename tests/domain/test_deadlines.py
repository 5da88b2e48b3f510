"""What time does to a case."""

from datetime import UTC, date, datetime, timedelta

import pytest

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import ActorKind
from casework.domain.calendar import WorkCalendar
from casework.domain.case import evolve
from casework.domain.deadlines import feedback_is_over, next_deadline, tick
from casework.domain.rules import PeriodName
from casework.domain.stages import ImpossibleTransition, Stage
from tests.sample_case import (
    APPLICANT,
    CALENDAR,
    NOW,
    OFFICER,
    act_of,
    case_at,
    happen,
    let_time_pass,
    perform,
)


def test_an_invitation_is_reminded_twice_and_then_lapses() -> None:
    """Fourteen and three days before its end, by the program's rules."""
    case = case_at(Stage.INVITED)
    seen: list[str] = []
    while not case.is_closed:
        due = next_deadline(case, case.changed_at or NOW)
        assert due is not None
        (event,) = tick(case, due)
        seen.append(event.type)
        case = happen(case, [event], due)
    assert seen == ["DeadlineReminded", "DeadlineReminded", "CaseLapsed"]


def test_an_overdue_office_is_escalated_and_the_case_stays_open() -> None:
    """At the due date and seven days later; then nothing more."""
    case = case_at(Stage.APPLICATION_REVIEW)
    case = let_time_pass(case, NOW + timedelta(days=365))
    assert case.stage is Stage.APPLICATION_REVIEW
    assert case.running is not None
    assert case.running.escalated == 2
    assert next_deadline(case, NOW + timedelta(days=365)) is None


def test_a_long_outage_brings_one_reminder_not_a_storm() -> None:
    """The last one is enough."""
    case = case_at(Stage.INVITED)
    assert case.running is not None
    (event,) = tick(case, case.running.due_at - timedelta(days=1))
    assert isinstance(event, e.DeadlineReminded)
    assert event.number == 2


def test_returning_an_application_stops_the_clock_of_the_office() -> None:
    """The days the office used are used; the days the applicant took are not the office's."""
    case = case_at(Stage.APPLICATION_REVIEW)
    returned_at = NOW + timedelta(days=7)
    case = perform(case, act_of(a.ReturnApplication, case), OFFICER, returned_at)
    again_at = returned_at + timedelta(days=10)
    case = perform(case, act_of(a.ResubmitApplication, case), APPLICANT, again_at)
    assert case.running is not None
    assert case.running.used == 5
    expected = CALENDAR.add_working_days(date(2026, 12, 10), 25)
    assert case.running.due_at == datetime(
        expected.year, expected.month, expected.day, 17, tzinfo=UTC
    )
    assert [i.period for i in case.clock] == [
        PeriodName.APPLICATION_REVIEW,
        PeriodName.RESUBMISSION,
        PeriodName.APPLICATION_REVIEW,
    ]
    assert all(i.until for i in case.clock[:-1])


def test_a_holiday_added_late_moves_the_due_date() -> None:
    """The cabinet declares one, the case adopts the calendar and counts anew."""
    case = case_at(Stage.APPLICATION_REVIEW)
    assert case.running is not None
    was = case.running.due_at
    more = WorkCalendar.of([*CALENDAR.holidays, date(2026, 12, 30)], CALENDAR.through)
    case = happen(case, [e.CalendarAdopted(calendar=more)])
    assert case.running is not None
    assert case.running.due_at == was + timedelta(days=3)  # over a weekend


def test_feedback_waits_to_be_closed_and_a_certification_expires() -> None:
    """Feedback ends by an activity, validity by an event that has to be published."""
    feedback = case_at(Stage.FEEDBACK)
    assert feedback.running is not None
    assert not feedback_is_over(feedback, feedback.running.due_at - timedelta(seconds=1))
    assert feedback_is_over(feedback, feedback.running.due_at)
    assert tick(feedback, feedback.running.due_at) == ()
    certified = case_at(Stage.CERTIFIED)
    assert certified.valid_until is not None
    expired = let_time_pass(certified, certified.valid_until)
    assert expired.stage is Stage.EXPIRED
    assert expired.publication_due == expired.version


def test_an_event_out_of_order_or_out_of_place_is_a_defect() -> None:
    """One door changes a stage, and it checks the table."""
    case = case_at(Stage.INVITED)
    by = e.ActorRef(person="system", kind=ActorKind.SYSTEM)
    wrong = e.Recorded(seq=9, at=NOW, actor=by, event=e.NoteAdded(note="x"))
    with pytest.raises(ValueError, match="does not follow"):
        evolve(case, wrong)
    leap = e.Recorded(seq=2, at=NOW, actor=by, event=e.CertificationExpired())
    with pytest.raises(ImpossibleTransition):
        evolve(case, leap)
