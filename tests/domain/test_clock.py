"""Why a date is what it is."""

from datetime import UTC, date, datetime, timedelta

from casework.domain import acts as a
from casework.domain.clock import ClockState, explain
from casework.domain.rules import Holder, Period, PeriodName, ProgramRules, Unit
from casework.domain.stages import Stage
from tests.sample_case import (
    APPLICANT,
    INSPECTOR,
    NOW,
    OFFICER,
    RULES,
    SUPERVISOR,
    TERMS,
    act_of,
    case_at,
    findings,
    new_case,
    perform,
)


def test_the_due_date_of_the_review_names_length_start_holidays_and_last_day():
    """Thirty working days from 23 November pass over three holidays before the year ends."""
    due = explain(case_at(Stage.APPLICATION_REVIEW), NOW).due
    assert due is not None
    assert (due.length, due.unit, due.used) == (30, Unit.WORKING_DAYS, 0)
    assert due.holder is Holder.OFFICE
    assert due.left_out == (
        date(2026, 12, 7),
        date(2026, 12, 10),
        date(2026, 12, 31),
        date(2027, 1, 1),
    )
    assert due.last_day == date(2027, 1, 8)
    assert "30 working days." in due.why.en
    assert "on the day after 23 November 2026" in due.why.en
    assert "4 public holidays (7 December 2026" in due.why.en
    assert due.why.en.endswith("The last day is 8 January 2027.")
    assert "30 วันทำการ" in due.why.th
    assert due.why.th.endswith("วันสุดท้ายคือวันที่ 8 มกราคม 2570")


def test_every_left_out_day_and_weekend_accounts_for_the_last_day():
    """Start, length and the days left out lead to the last day by simple counting."""
    due = explain(case_at(Stage.APPLICATION_REVIEW), NOW).due
    assert due is not None
    assert due.last_day is not None
    day, left = date(2026, 11, 23), due.length
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in due.left_out
    assert day == due.last_day


def test_returning_the_application_stops_the_clock_of_the_office_and_starts_the_applicants():
    """Each stretch says who held the case; only the last one runs."""
    later = NOW + timedelta(days=3)
    reviewed = case_at(Stage.APPLICATION_REVIEW)
    returned = perform(reviewed, act_of(a.ReturnApplication, reviewed), OFFICER, later)
    first, second = explain(returned, later).stretches
    assert (first.period, first.holder) == (PeriodName.APPLICATION_REVIEW, Holder.OFFICE)
    assert (first.state, first.counted) == (ClockState.STOPPED, 3)
    assert first.why.en == (
        "The case waited for the provincial office from 23 November 2026 to 26 November 2026: "
        "3 working days."
    )
    assert (second.period, second.holder) == (PeriodName.RESUBMISSION, Holder.APPLICANT)
    assert (second.state, second.until) == (ClockState.RUNNING, None)
    assert "The case has waited for the applicant since 26 November 2026" in second.why.en
    assert "ผู้ยื่นคำขอ" in second.why.th


def test_a_resumed_review_says_what_was_used_before():
    """The office does not get its thirty days anew when the answers come in."""
    reviewed = case_at(Stage.APPLICATION_REVIEW)
    returned = perform(
        reviewed, act_of(a.ReturnApplication, reviewed), OFFICER, NOW + timedelta(days=3)
    )
    answered = NOW + timedelta(days=14)
    resumed = perform(returned, act_of(a.ResubmitApplication, returned), APPLICANT, answered)
    due = explain(resumed, answered).due
    assert due is not None
    assert due.used == 3
    assert "3 were used before the application was returned, so 27 are left." in due.why.en
    assert "ใช้ไปแล้ว 3 วัน" in due.why.th
    assert "เหลืออีก 27 วัน" in due.why.th


def test_calendar_days_that_end_on_a_day_off_end_on_the_next_working_day():
    """Fifteen days from Saturday 21 November end on Sunday 6 December, and Monday is a holiday."""
    saturday = datetime(2026, 11, 21, 3, tzinfo=UTC)
    inspected = case_at(Stage.INSPECTION)
    case = perform(inspected, act_of(a.ScheduleInspection, inspected), OFFICER, saturday)
    case = case.model_copy(update={"terms": TERMS.model_copy(update={"rules": _with_feedback(15)})})
    act = a.FileInspection(visited_at=saturday, findings=findings())
    opened = perform(case, act, INSPECTOR, saturday)
    due = explain(opened, saturday).due
    assert due is not None
    assert due.last_day == date(2026, 12, 8)
    assert "The last day counted is no working day" in due.why.en
    assert "มาตรา 193/8" in due.why.th
    assert due.left_out == ()


def test_an_extension_is_part_of_the_reason():
    """The supervisor's seven days stand in the sentence and in the number."""
    case = case_at(Stage.FEEDBACK)
    extended = perform(case, act_of(a.ExtendFeedback, case), SUPERVISOR)
    due = explain(extended, NOW).due
    assert due is not None
    assert due.extended_by == 7
    assert "It was extended by 7 calendar days." in due.why.en
    assert "ขยายเวลาอีก 7 วัน" in due.why.th


def test_a_period_in_seconds_has_no_last_day():
    """Sample programs run in seconds and say so."""
    rules = RULES.model_copy(
        update={
            "periods": {
                **RULES.periods,
                PeriodName.APPLICATION_REVIEW: Period(length=20, unit=Unit.SECONDS),
            }
        }
    )
    fresh = new_case(TERMS.model_copy(update={"rules": rules}))
    case = perform(fresh, act_of(a.SubmitApplication, fresh), APPLICANT)
    clock = explain(case, NOW + timedelta(seconds=5))
    assert clock.due is not None
    assert clock.due.last_day is None
    assert clock.due.why.en == (
        "A sample program counts in seconds: 20 seconds from 23 November 2026, "
        "10:00:00 Bangkok time."
    )
    assert clock.stretches[0].counted == 5


def test_it_is_overdue_from_the_midnight_after_the_last_day():
    """The last day is still in time; the instant it ends is not."""
    case = case_at(Stage.APPLICATION_REVIEW)
    assert case.running is not None
    before = explain(case, case.running.due_at - timedelta(microseconds=1)).due
    after = explain(case, case.running.due_at).due
    assert before is not None
    assert after is not None
    assert (before.is_overdue, after.is_overdue) == (False, True)


def test_the_validity_of_a_certificate_is_counted_in_months_and_has_no_count_of_days():
    """Thirty-six months, to the same day of the month."""
    case = case_at(Stage.CERTIFIED)
    clock = explain(case, NOW)
    assert clock.due is not None
    assert clock.due.due_at == case.valid_until
    assert "36 months." in clock.due.why.en
    assert clock.stretches[-1].counted is None


def test_a_closed_case_waits_for_nobody_and_keeps_its_stretches():
    """The history of the clock stays when nothing runs any more."""
    clock = explain(case_at(Stage.REJECTED), NOW)
    assert clock.due is None
    assert [s.state for s in clock.stretches] == [ClockState.STOPPED]


def test_every_stage_of_a_case_can_be_explained_in_both_languages():
    """No stage is left without words."""
    for stage in Stage:
        clock = explain(case_at(stage), NOW + timedelta(days=2))
        for sentence in (s.why for s in clock.stretches):
            assert sentence.th
            assert sentence.en
        assert (clock.due is None) == (case_at(stage).running is None)


def _with_feedback(days: int) -> ProgramRules:
    periods = {
        **RULES.periods,
        PeriodName.FEEDBACK: Period(length=days, unit=Unit.CALENDAR_DAYS),
    }
    return RULES.model_copy(update={"periods": periods})
