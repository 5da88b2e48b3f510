"""Working days, ends of periods and fiscal years, in Bangkok time.

A day is a Bangkok day; an instant is stored in UTC. Periods are counted as the Thai Civil and
Commercial Code counts them (Book I, Title V, sections 193/1 to 193/8), so that an officer who
checks a date by hand arrives at the same one.
"""

import hashlib
import json
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import groupby
from typing import Literal, Self, cast

from pydantic import field_serializer, field_validator, model_validator

from casework.domain._model import Frozen
from casework.domain.rules import Period, Unit

Language = Literal["th", "en"]

BANGKOK = timezone(timedelta(hours=7), "Asia/Bangkok")
"""Thai time: UTC+7 all year since 1920, so that a fixed offset is exact."""

_SATURDAY = 5
_OCTOBER = 10
_BUDDHIST_ERA = 543
_ONE_DAY = timedelta(days=1)

_MONTHS: dict[Language, tuple[str, ...]] = {
    "th": (
        "มกราคม",
        "กุมภาพันธ์",
        "มีนาคม",
        "เมษายน",
        "พฤษภาคม",
        "มิถุนายน",
        "กรกฎาคม",
        "สิงหาคม",
        "กันยายน",
        "ตุลาคม",
        "พฤศจิกายน",
        "ธันวาคม",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}


class WorkCalendar(Frozen):
    """The days on which government offices work, as a value that a case carries.

    It owns the list of holidays and its revision, not where the list comes from: the cabinet adds
    special holidays late and data sets are corrected, so a case keeps the calendar that its dates
    were counted by.

    ``holidays`` are the holidays that fall on Monday to Friday, in rising order; Saturdays and
    Sundays are never working days. ``through`` is the last day that the list covers: after it,
    Monday to Friday count as working days.
    """

    revision: str
    holidays: tuple[date, ...]
    through: date

    @field_serializer("holidays")
    def _by_year(self, holidays: tuple[date, ...]) -> list[str]:
        """Write a line a year, ``2026 01-01 01-02``: a case carries the list through its history."""
        return [
            " ".join([str(year), *(day.strftime("%m-%d") for day in days)])
            for year, days in groupby(holidays, key=lambda day: day.year)
        ]

    @field_validator("holidays", mode="before")
    @classmethod
    def _from_years(cls, value: object) -> object:
        lines = cast("list[object]", value) if isinstance(value, list | tuple) else []
        if lines and all(isinstance(line, str) and " " in line for line in lines):
            words = [str(line).split(" ") for line in lines]
            return [f"{year}-{day}" for year, *days in words for day in days]
        return cast(object, value)

    @model_validator(mode="after")
    def _searchable(self) -> Self:
        if any(a >= b for a, b in zip(self.holidays, self.holidays[1:], strict=False)):
            raise ValueError("holidays: in rising order, each once")
        return self

    @classmethod
    def of(cls, holidays: Iterable[date], through: date) -> "WorkCalendar":
        """Make the calendar of these holidays, in any order.

        The revision depends on nothing but the content. Days at a weekend and days after
        ``through`` are left out, because they change no answer.
        """
        kept = tuple(
            sorted({day for day in holidays if day.weekday() < _SATURDAY and day <= through})
        )
        content = json.dumps([through.isoformat(), *(day.isoformat() for day in kept)])
        revision = hashlib.sha256(content.encode()).hexdigest()[:12]
        return cls(revision=revision, holidays=kept, through=through)

    def is_working_day(self, day: date) -> bool:
        """Say whether government offices work on this day."""
        if day.weekday() >= _SATURDAY:
            return False
        place = bisect_left(self.holidays, day)
        return place == len(self.holidays) or self.holidays[place] != day

    def first_working_day(self, day: date) -> date:
        """Return this day if it is a working day, else the next one that is."""
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day

    def add_working_days(self, day: date, n: int) -> date:
        """Return the nth working day after ``day``, which itself is not counted.

        0 gives ``day``, working day or not.

        Raises:
            ValueError: ``n`` is negative.
        """
        if n < 0:
            raise ValueError("working days are counted forward: n is 0 or more")
        for _ in range(n):
            day = self.first_working_day(day + _ONE_DAY)
        return day

    def working_days(self, after: date, last: date) -> int:
        """Count the working days after ``after``, up to and including ``last``.

        There are none if ``last`` is not later. So a clock that stops and starts again on one day
        loses nothing: ``add_working_days(last, n - used)`` is ``add_working_days(after, n)`` where
        ``used = working_days(after, last)`` is less than n.
        """
        return sum(
            self.is_working_day(after + timedelta(days=n))
            for n in range(1, (last - after).days + 1)
        )


def local_date(instant: datetime) -> date:
    """Return the Bangkok day of an instant.

    Raises:
        ValueError: the instant has no zone, so that nobody knows which day it is.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant has a zone")
    return instant.astimezone(BANGKOK).date()


def end_of_day(day: date) -> datetime:
    """Return the UTC instant at which this Bangkok day ends: the midnight after it."""
    return datetime.combine(day + _ONE_DAY, time.min, BANGKOK).astimezone(UTC)


def last_day(due: datetime) -> date:
    """Return the last Bangkok day on which one is still in time.

    A period ends with the midnight after its last day, and that midnight belongs to the day after:
    show this day to people, never ``local_date(due)``.
    """
    return local_date(due - timedelta(microseconds=1))


def due_at(
    period: Period,
    started_at: datetime,
    calendar: WorkCalendar,
    *,
    used: int = 0,
    extended_by: int = 0,
) -> datetime:
    """Return the UTC instant at which a period ends that runs from ``started_at``.

    - Days and months end with a Bangkok day. In days, the day of the start is not counted (s. 193/3).
    - Working days: the last of them. Calendar days: the last of them, or if nobody works then, the
      next working day (s. 193/8). An extension begins on the day after the last day, whatever day
      that is (s. 193/7).
    - Months: the day before the same day of the month, or the last day of a month that has no such
      day (s. 193/5), because the day of the start counts: months count how long a certificate is
      valid, and it is valid on the day it is granted. Never moved to a working day, because nobody
      has to act on its last day.
    - Seconds: to the second.

    Args:
        period: length and unit.
        started_at: when the clock began to run (again).
        calendar: the working days.
        used: how much of the length ran before, in the period's unit
            (:meth:`WorkCalendar.working_days`). When all of it is used up, the period ends with the
            day of the start.
        extended_by: how much was added, in calendar days (in seconds for a period in seconds).
    """
    left = max(0, period.length - used)
    if period.unit is Unit.SECONDS:
        return (started_at + timedelta(seconds=left + extended_by)).astimezone(UTC)
    start = local_date(started_at)
    extension = timedelta(days=extended_by)
    match period.unit:
        case Unit.MONTHS:
            return end_of_day(_last_of_months(start, left) + extension)
        case Unit.WORKING_DAYS:
            day = calendar.add_working_days(start, left) + extension
        case Unit.CALENDAR_DAYS:
            day = start + timedelta(days=left) + extension
    waits = left > 0 or extended_by > 0
    return end_of_day(calendar.first_working_day(day) if waits else day)


def shift(due: datetime, n: int, unit: Unit) -> datetime:
    """Return the instant ``n`` calendar days after ``due``, or before it if ``n`` is negative.

    A period in seconds is shifted by seconds. Reminders and escalations of periods in working days
    and in months are counted in calendar days too.
    """
    return due + (timedelta(seconds=n) if unit is Unit.SECONDS else timedelta(days=n))


def buddhist_year(year: int) -> int:
    """Return the year of the Buddhist era for a year of the common era: 2026 is B.E. 2569."""
    return year + _BUDDHIST_ERA


def fiscal_year(day: date) -> int:
    """Return the Thai fiscal year of a day.

    It goes from 1 October to 30 September and has the number of the Buddhist-era year it ends in.
    """
    return buddhist_year(day.year + (day.month >= _OCTOBER))


def fiscal_year_bounds(fy: int) -> tuple[date, date]:
    """Return the first and the last day of a fiscal year.

    FY 2570 is 1 October 2026 to 30 September 2027.
    """
    ends_in = fy - _BUDDHIST_ERA
    return date(ends_in - 1, _OCTOBER, 1), date(ends_in, 9, 30)


def format_date(day: date, language: Language) -> str:
    """Write a day out as letters do.

    ``22 พฤศจิกายน 2569`` (Buddhist era) or ``22 November 2026`` (common era).
    """
    year = buddhist_year(day.year) if language == "th" else day.year
    return f"{day.day} {_MONTHS[language][day.month - 1]} {year}"


def _last_of_months(first: date, n: int) -> date:
    """Return the last day of ``n`` months that begin with ``first``; of no months it is ``first``."""
    if n == 0:
        return first
    years, month = divmod(first.month - 1 + n, 12)
    year, month = first.year + years, month + 1
    length = monthrange(year, month)[1]
    return (
        date(year, month, length) if first.day > length else date(year, month, first.day) - _ONE_DAY
    )
