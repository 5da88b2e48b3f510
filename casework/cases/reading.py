"""A row of the read model as the case it stands for, with its rules and its calendar."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from casework.domain.calendar import WorkCalendar, local_date
from casework.domain.case import Case, Terms, TermsRef
from casework.domain.rules import ProgramRules
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import work_calendar
from casework.store.cases.calendars import find_calendar, keep_calendar
from casework.store.cases.casebook import restore
from casework.store.database import Database
from casework.store.tables import CaseRow

RulesOf = Callable[[str, str], ProgramRules]
"""Returns the rules of a program's version."""


class CalendarUnknown(LookupError):
    """SQL has no calendar of this revision, although it is kept before a case that counts by it starts."""


class CurrentCalendar:
    """The working days as they are known now: last year's, this year's and next year's."""

    def __init__(self, override_file: Path | None, now: Callable[[], datetime]) -> None:
        """Keep where the ministry's corrections are, and the clock."""
        self._override_file = override_file
        self._now = now

    def __call__(self) -> WorkCalendar:
        """Return the calendar that a case gets that opens now."""
        changed = self._override_file.stat().st_mtime_ns if self._override_file else 0
        return _read(local_date(self._now()).year, self._override_file, changed)


@lru_cache(maxsize=64)
def _read(year: int, override_file: Path | None, changed: int) -> WorkCalendar:
    """Read the data set once for each state of the override file."""
    return work_calendar(date(year - 1, 1, 1), years=3, override_file=override_file)


class CaseReader:
    """Restore cases from rows. Owns no rule: those of the program version are in the catalog."""

    def __init__(self, database: Database, rules_of: RulesOf) -> None:
        """Keep the database, which has the calendars, and where the rules of program versions are."""
        self._database = database
        self._rules_of = rules_of
        self._calendars: dict[str, WorkCalendar] = {}

    @classmethod
    def of(cls, database: Database, catalog: ProgramCatalog) -> "CaseReader":
        """Read cases under the programs of a catalog."""

        def rules(program: str, version: str) -> ProgramRules:
            return catalog.get(program, version).rules()

        return cls(database, cache(rules))

    def case(self, row: CaseRow, session: Session | None = None) -> Case:
        """Return the case of a row; a transaction of its own reads its calendar unless there is a session.

        Raises :class:`~casework.programs.catalog.NoSuchVersion` when the files of its program
        version are gone, and :class:`CalendarUnknown`.
        """
        calendar = self._calendar(row.calendar_revision, session)
        return restore(row, self._rules_of(row.program, row.program_version), calendar)

    def terms(self, terms: TermsRef, session: Session) -> Terms:
        """Return the terms that a reference names; raises as :meth:`case`."""
        return Terms(
            case_id=terms.case_id,
            establishment=terms.establishment,
            province=terms.province,
            rules=self._rules_of(terms.program, terms.version),
            calendar=self._calendar(terms.calendar, session),
        )

    def keep_calendar(self, session: Session, calendar: WorkCalendar) -> None:
        """Keep the calendar of a case that is about to open. No statement once it is known to be there."""
        if calendar.revision not in self._calendars:
            keep_calendar(session, calendar)

    def _calendar(self, revision: str, session: Session | None) -> WorkCalendar:
        known = self._calendars.get(revision)
        if known is None:
            if session is None:
                with self._database.reading() as reading:
                    known = find_calendar(reading, revision)
            else:
                known = find_calendar(session, revision)
            if known is None:
                raise CalendarUnknown(f"there is no calendar {revision}")
            self._calendars[revision] = known
        return known
