"""A row of the read model as the case it stands for, with its rules and its calendar."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from casework.domain.calendar import WorkCalendar, local_date
from casework.domain.case import Case
from casework.domain.rules import ProgramRules
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import work_calendar
from casework.store.cases.casebook import restore
from casework.store.tables import CaseRow


class Calendars:
    """The working days as they are known, for new cases and those that count by an older list."""

    def __init__(self, override_file: Path | None, now: Callable[[], datetime]) -> None:
        """Keep where the ministry's corrections are, and the clock."""
        self._override_file = override_file
        self._now = now

    def current(self) -> WorkCalendar:
        """Return the calendar that a case gets that opens now."""
        return self._known_in(local_date(self._now()).year)

    def of(self, row: CaseRow) -> WorkCalendar:
        """Return the calendar that the case counts by.

        The read model has only its revision. When no known list has that one any more, the current
        list stands in until housekeeping has told the case of it.
        """
        this_year = local_date(self._now()).year
        for year in range(this_year, local_date(row.opened_at).year - 1, -1):
            calendar = self._known_in(year)
            if calendar.revision == row.calendar_revision:
                return calendar
        return self._known_in(this_year)

    def _known_in(self, year: int) -> WorkCalendar:
        """Return last year's, this year's and next year's days, as housekeeping reads them."""
        changed = self._override_file.stat().st_mtime_ns if self._override_file else 0
        return _read(year, self._override_file, changed)


@lru_cache(maxsize=64)
def _read(year: int, override_file: Path | None, changed: int) -> WorkCalendar:
    """Read the data set once for each state of the override file."""
    return work_calendar(date(year - 1, 1, 1), years=3, override_file=override_file)


class CaseReader:
    """Restore cases from rows. Owns no rule: those of the program version are in the catalog."""

    def __init__(self, catalog: ProgramCatalog, calendars: Calendars) -> None:
        """Keep the collaborators."""

        def rules(program: str, version: str) -> ProgramRules:
            return catalog.get(program, version).rules()

        self._rules = cache(rules)
        self._calendars = calendars

    def case(self, row: CaseRow) -> Case:
        """Return the case of a row.

        Raises :class:`~casework.programs.catalog.NoSuchVersion` when the files of its program
        version are gone.
        """
        rules = self._rules(row.program, row.program_version)
        return restore(row, rules, self._calendars.of(row))

    def current_calendar(self) -> WorkCalendar:
        """Return the calendar that a new case counts by."""
        return self._calendars.current()
