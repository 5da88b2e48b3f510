"""The holidays of government offices: a public data set, corrected by a file of the ministry.

The data set changes between releases and the cabinet declares special holidays at short notice.
That is why the result is a value with a revision, which a case carries (:class:`WorkCalendar`).
"""

from collections import Counter
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import holidays

from casework.domain._model import Frozen, Line
from casework.domain.calendar import WorkCalendar, local_date
from casework.programs._source import KeyPath, ProgramFileError, TomlSource

OVERRIDES = Path(__file__).parent / "data" / "holidays.toml"
"""The ministry's corrections as they ship, and how to write more."""

_NOT_FOR_OFFICIALS = {"วันแรงงานแห่งชาติ", "National Labor Day"}
"""Labor Day is a holiday of banks and private firms; government offices work on it."""


class PublicHoliday(Frozen):
    """A day on which government offices are closed, whatever day of the week it is."""

    date: date
    name_th: Line
    name_en: Line


class HolidayOverrides(Frozen):
    """What the ministry knows better: holidays to add (or rename), days that are none."""

    add: tuple[PublicHoliday, ...] = ()
    remove: tuple[date, ...] = ()


def current_calendar(override_file: Path | None = None) -> WorkCalendar:
    """Return the working days as they are known now: last year's, this year's and next year's.

    Last year is there because a case adopts a newer calendar while a period runs, and one that
    began before New Year has to count the holidays of December the same way after it.

    Raises:
        OSError: the override file cannot be read.
        ProgramFileError: it breaks a rule; see :func:`public_holidays`.
    """
    this_year = local_date(datetime.now(UTC)).year
    return work_calendar(date(this_year - 1, 1, 1), years=3, override_file=override_file)


def work_calendar(
    from_day: date, years: int = 3, override_file: Path | None = None
) -> WorkCalendar:
    """Return the working days of whole calendar years, beginning with the year of ``from_day``.

    Cases opened in one year under the same data get the same revision.

    Raises:
        OSError: the override file cannot be read.
        ProgramFileError: it breaks a rule; see :func:`public_holidays`.
    """
    days = public_holidays(from_day, years, override_file)
    through = date(from_day.year + years - 1, 12, 31)
    return WorkCalendar.of((holiday.date for holiday in days), through)


def public_holidays(
    from_day: date, years: int = 3, override_file: Path | None = None
) -> tuple[PublicHoliday, ...]:
    """Return the holidays of these years with their names, in order, so that pages can say why.

    Args:
        from_day: a day of the first year.
        years: how many calendar years, the first included.
        override_file: the ministry's own file in place of the one that ships.

    Raises:
        OSError: the override file cannot be read.
        ProgramFileError: it breaks a rule; every problem with its line.
    """
    overrides = _overrides(override_file or OVERRIDES)
    covered = range(from_day.year, from_day.year + years)
    found = {holiday.date: holiday for holiday in _from_data_set(covered)}
    found |= {holiday.date: holiday for holiday in overrides.add if holiday.date.year in covered}
    return tuple(found[day] for day in sorted(found.keys() - set(overrides.remove)))


@cache
def _from_data_set(years: range) -> tuple[PublicHoliday, ...]:
    """Compute the holidays of these years once; it takes a tenth of a second."""
    thai, english = (
        holidays.country_holidays(
            "TH",
            years=years,
            language=language,
            categories=(holidays.PUBLIC, holidays.GOVERNMENT),
        )
        for language in ("th", "en_US")
    )
    names = (
        (day, _names(thai.get_list(day)), _names(english.get_list(day))) for day in sorted(thai)
    )
    return tuple(
        PublicHoliday(date=day, name_th=name_th, name_en=name_en)
        for day, name_th, name_en in names
        if name_th
    )


def _names(names: list[str]) -> str:
    """Join the names of a day; empty if it is a holiday for private firms alone."""
    official = (n for n in names if not any(other in n for other in _NOT_FOR_OFFICIALS))
    return "; ".join(official)


def _overrides(path: Path) -> HolidayOverrides:
    source = TomlSource.read(path)
    overrides = source.validate(HolidayOverrides)
    places: list[tuple[date, KeyPath]] = [
        *((holiday.date, ("add", n, "date")) for n, holiday in enumerate(overrides.add)),
        *((day, ("remove", n)) for n, day in enumerate(overrides.remove)),
    ]
    times = Counter(day for day, _ in places)
    problems = [
        source.problem(place, f"{day} stands in this file {times[day]} times")
        for day, place in places
        if times[day] > 1
    ]
    if problems:
        raise ProgramFileError(problems)
    return overrides
