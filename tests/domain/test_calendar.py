"""Working days, ends of periods and fiscal years."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from casework.domain.calendar import (
    BANGKOK,
    WorkCalendar,
    buddhist_year,
    due_at,
    end_of_day,
    fiscal_year,
    fiscal_year_bounds,
    format_date,
    last_day,
    local_date,
    shift,
)
from casework.domain.rules import Period, Unit

YEAR_2027 = WorkCalendar.of(
    [
        date(2027, 1, 1),  # New Year's Day, a Friday
        date(2027, 2, 22),  # Makha Bucha in lieu
        date(2027, 4, 6),  # Chakri Memorial Day
        date(2027, 4, 13),  # Songkran, Tuesday to Thursday
        date(2027, 4, 14),
        date(2027, 4, 15),
        date(2027, 5, 4),
        date(2027, 7, 19),  # Asarnha Bucha was a Sunday: Monday and Tuesday are holidays
        date(2027, 7, 20),
        date(2027, 10, 23),  # a Saturday, which changes nothing
        date(2027, 10, 25),
        date(2027, 12, 31),
    ],
    through=date(2027, 12, 31),
)

DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
LENGTHS = st.integers(1, 120)
CALENDARS = st.builds(
    WorkCalendar.of, st.lists(DAYS, max_size=60), through=st.just(date(2028, 12, 31))
)
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def period(length: int, unit: Unit) -> Period:
    return Period(length=length, unit=unit)


def bangkok(year: int, month: int, day: int, hour: int = 10) -> datetime:
    return datetime(year, month, day, hour, tzinfo=BANGKOK)


def due_day(length: int, unit: Unit, started_at: datetime, **more: int) -> date:
    return last_day(due_at(period(length, unit), started_at, YEAR_2027, **more))


class TestWorkCalendar:
    def test_weekends_and_holidays_are_no_working_days(self):
        assert YEAR_2027.is_working_day(date(2027, 4, 12))
        assert not YEAR_2027.is_working_day(date(2027, 4, 13))
        assert not YEAR_2027.is_working_day(date(2027, 4, 17))

    def test_holidays_at_weekends_are_left_out_of_the_value(self):
        assert date(2027, 10, 23) not in YEAR_2027.holidays

    def test_days_after_the_list_ends_count_as_working_days(self):
        calendar = WorkCalendar.of([date(2028, 1, 3)], through=date(2027, 12, 31))
        assert calendar.holidays == ()
        assert calendar.is_working_day(date(2028, 1, 3))

    def test_five_working_days_around_songkran_take_more_than_a_week(self):
        """Friday 9 April; Monday 12, Friday 16, Monday 19, Tuesday 20, Wednesday 21."""
        assert YEAR_2027.add_working_days(date(2027, 4, 9), 5) == date(2027, 4, 21)

    def test_a_long_weekend_is_skipped_whole(self):
        """Saturday 17 to Tuesday 20 July 2027 is one long weekend."""
        assert YEAR_2027.add_working_days(date(2027, 7, 16), 1) == date(2027, 7, 21)
        assert YEAR_2027.working_days(date(2027, 7, 16), date(2027, 7, 20)) == 0

    def test_zero_working_days_after_a_sunday_is_that_sunday(self):
        assert YEAR_2027.add_working_days(date(2027, 4, 18), 0) == date(2027, 4, 18)

    def test_working_days_are_not_counted_backward(self):
        with pytest.raises(ValueError, match="forward"):
            YEAR_2027.add_working_days(date(2027, 4, 18), -1)
        assert YEAR_2027.working_days(date(2027, 4, 21), date(2027, 4, 9)) == 0

    def test_the_revision_depends_on_the_content_alone(self):
        days = [date(2027, 4, 6), date(2027, 5, 4)]
        through = date(2027, 12, 31)
        same = WorkCalendar.of([*reversed(days), date(2027, 10, 23), days[0]], through)
        assert same == WorkCalendar.of(days, through)
        assert same.revision != WorkCalendar.of(days[:1], through).revision
        assert same.revision != WorkCalendar.of(days, date(2028, 12, 31)).revision

    def test_the_revision_of_a_known_list_stays_the_same(self):
        """Cases carry revisions for years, so the way to compute one never changes."""
        assert WorkCalendar.of([date(2027, 4, 6)], date(2027, 12, 31)).revision == "067faec361a3"

    def test_holidays_out_of_order_are_refused(self):
        with pytest.raises(ValidationError, match="rising order"):
            WorkCalendar(
                revision="x",
                holidays=(date(2027, 5, 4), date(2027, 4, 6)),
                through=date(2027, 12, 31),
            )

    @given(CALENDARS)
    def test_a_calendar_survives_json(self, calendar: WorkCalendar):
        assert WorkCalendar.model_validate_json(calendar.model_dump_json()) == calendar

    @given(CALENDARS, DAYS, LENGTHS)
    def test_counting_undoes_adding(self, calendar: WorkCalendar, day: date, n: int):
        last = calendar.add_working_days(day, n)
        assert calendar.is_working_day(last)
        assert calendar.working_days(day, last) == n
        assert calendar.working_days(day, last - timedelta(days=1)) == n - 1

    @given(CALENDARS, DAYS, LENGTHS, st.integers(0, 200))
    def test_a_clock_that_stops_and_starts_on_one_day_loses_nothing(
        self, calendar: WorkCalendar, day: date, n: int, gap: int
    ):
        stopped = day + timedelta(days=gap)
        used = calendar.working_days(day, stopped)
        if used < n:
            assert calendar.add_working_days(stopped, n - used) == calendar.add_working_days(day, n)


class TestDays:
    def test_the_evening_in_utc_is_the_next_day_in_bangkok(self):
        assert local_date(datetime(2026, 11, 22, 16, 59, tzinfo=UTC)) == date(2026, 11, 22)
        assert local_date(datetime(2026, 11, 22, 17, 0, tzinfo=UTC)) == date(2026, 11, 23)

    def test_an_instant_without_a_zone_is_refused(self):
        with pytest.raises(ValueError, match="zone"):
            local_date(datetime(2026, 11, 22))  # noqa: DTZ001

    def test_a_day_ends_at_five_in_the_afternoon_utc(self):
        assert end_of_day(date(2026, 11, 22)) == datetime(2026, 11, 22, 17, tzinfo=UTC)
        assert end_of_day(date(2026, 11, 22)).tzinfo is UTC

    @given(DAYS)
    def test_the_last_day_of_a_day_s_end_is_that_day(self, day: date):
        assert last_day(end_of_day(day)) == day
        assert local_date(end_of_day(day)) == day + timedelta(days=1)


class TestDueAt:
    def test_working_days_end_with_the_nth_working_day_after_the_start(self):
        """Received on Friday 9 April 2027, before Songkran."""
        assert due_day(5, Unit.WORKING_DAYS, bangkok(2027, 4, 9)) == date(2027, 4, 21)

    def test_the_hour_of_the_start_does_not_matter(self):
        """The day of the start is not counted (s. 193/3), and it is the Bangkok day that counts."""
        expected = date(2027, 4, 12)
        assert due_day(1, Unit.WORKING_DAYS, bangkok(2027, 4, 9, 0)) == expected
        assert due_day(1, Unit.WORKING_DAYS, bangkok(2027, 4, 9, 23)) == expected

    def test_what_was_used_before_a_stop_is_not_given_again(self):
        """Ten working days, four used; the answer came on Monday 3 May 2027."""
        assert due_day(10, Unit.WORKING_DAYS, bangkok(2027, 5, 3), used=4) == date(2027, 5, 12)

    def test_a_period_that_is_used_up_ends_with_the_day_it_goes_on(self):
        for unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS):
            assert due_day(10, unit, bangkok(2027, 4, 18), used=10) == date(2027, 4, 18)
            assert due_day(10, unit, bangkok(2027, 4, 18), used=99) == date(2027, 4, 18)

    def test_calendar_days_that_end_on_a_working_day_end_there(self):
        assert due_day(15, Unit.CALENDAR_DAYS, bangkok(2027, 1, 4)) == date(2027, 1, 19)

    def test_calendar_days_that_end_in_songkran_end_after_it(self):
        """15 days after 29 March 2027 is Tuesday 13 April; work begins on Friday 16 (s. 193/8)."""
        assert due_day(15, Unit.CALENDAR_DAYS, bangkok(2027, 3, 29)) == date(2027, 4, 16)

    def test_calendar_days_that_end_on_a_saturday_end_after_the_long_weekend(self):
        assert due_day(7, Unit.CALENDAR_DAYS, bangkok(2027, 7, 10)) == date(2027, 7, 21)

    def test_an_extension_begins_the_day_after_the_last_day_even_if_that_is_a_holiday(self):
        """13 April and 5 days is 18 April, a Sunday; so Monday 19 (ss. 193/7 and 193/8)."""
        started = bangkok(2027, 3, 29)
        assert due_day(15, Unit.CALENDAR_DAYS, started, extended_by=5) == date(2027, 4, 19)

    def test_working_days_are_extended_by_calendar_days(self):
        """Wednesday 21 April and 3 days is Saturday 24; so Monday 26."""
        started = bangkok(2027, 4, 9)
        assert due_day(5, Unit.WORKING_DAYS, started, extended_by=3) == date(2027, 4, 26)

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            ((2026, 11, 22), 24, date(2028, 11, 21)),
            ((2027, 1, 1), 12, date(2027, 12, 31)),
            ((2027, 2, 1), 1, date(2027, 2, 28)),
            ((2027, 1, 31), 1, date(2027, 2, 28)),
            ((2027, 8, 31), 6, date(2028, 2, 29)),
            ((2028, 2, 29), 24, date(2030, 2, 28)),
            ((2028, 2, 29), 48, date(2032, 2, 28)),
            ((2026, 12, 31), 1, date(2027, 1, 30)),
        ],
    )
    def test_months_end_the_day_before_or_on_the_last_day_of_a_month_without_that_day(
        self, start: tuple[int, int, int], length: int, expected: date
    ):
        assert due_day(length, Unit.MONTHS, bangkok(*start)) == expected

    def test_months_are_not_moved_to_a_working_day(self):
        """14 April 2027 is Songkran, and a certificate ends that day all the same."""
        assert due_day(5, Unit.MONTHS, bangkok(2026, 11, 15)) == date(2027, 4, 14)

    def test_months_are_extended_by_calendar_days(self):
        assert due_day(1, Unit.MONTHS, bangkok(2027, 1, 31), extended_by=2) == date(2027, 3, 2)

    def test_seconds_are_exact(self):
        started = datetime(2026, 11, 22, 16, 59, 57, 123456, tzinfo=UTC)
        due = due_at(period(6, Unit.SECONDS), started, YEAR_2027, used=1, extended_by=10)
        assert due == datetime(2026, 11, 22, 17, 0, 12, 123456, tzinfo=UTC)

    @given(CALENDARS, INSTANTS, LENGTHS, st.sampled_from(Unit), st.integers(0, 30))
    def test_a_due_date_is_utc_after_the_start_and_later_when_extended(
        self, calendar: WorkCalendar, started: datetime, length: int, unit: Unit, extra: int
    ):
        due = due_at(period(length, unit), started, calendar)
        assert due > started
        assert due.tzinfo is UTC
        assert due_at(period(length, unit), started, calendar, extended_by=extra) >= due

    @given(CALENDARS, INSTANTS, LENGTHS)
    def test_nobody_has_to_act_on_a_day_on_which_nobody_works(
        self, calendar: WorkCalendar, started: datetime, length: int
    ):
        for unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS):
            due = due_at(period(length, unit), started, calendar)
            assert calendar.is_working_day(last_day(due))


class TestShift:
    def test_days_before_and_after(self):
        due = end_of_day(date(2027, 4, 21))
        for unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS, Unit.MONTHS):
            assert last_day(shift(due, -3, unit)) == date(2027, 4, 18)
            assert last_day(shift(due, 1, unit)) == date(2027, 4, 22)

    def test_seconds_for_a_period_in_seconds(self):
        due = datetime(2026, 11, 22, 17, tzinfo=UTC)
        assert shift(due, -30, Unit.SECONDS) == datetime(2026, 11, 22, 16, 59, 30, tzinfo=UTC)


class TestYears:
    def test_the_fiscal_year_changes_on_the_first_of_october(self):
        assert fiscal_year(date(2026, 9, 30)) == 2569
        assert fiscal_year(date(2026, 10, 1)) == 2570
        assert fiscal_year(date(2027, 9, 30)) == 2570

    def test_the_buddhist_era_is_543_years_ahead(self):
        assert buddhist_year(2026) == 2569

    def test_bounds_of_a_fiscal_year(self):
        assert fiscal_year_bounds(2570) == (date(2026, 10, 1), date(2027, 9, 30))

    @given(DAYS)
    def test_a_day_is_within_the_bounds_of_its_fiscal_year(self, day: date):
        first, last = fiscal_year_bounds(fiscal_year(day))
        assert first <= day <= last


class TestFormatDate:
    def test_thai_is_written_in_the_buddhist_era(self):
        assert format_date(date(2026, 11, 22), "th") == "22 พฤศจิกายน 2569"

    def test_english_is_written_in_the_common_era(self):
        assert format_date(date(2026, 11, 2), "en") == "2 November 2026"
