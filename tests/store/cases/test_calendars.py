"""Calendars: kept once under their revision, and read back day by day."""

from datetime import date, timedelta

from sqlalchemy import func, select

from casework.domain import events as e
from casework.domain.calendar import WorkCalendar
from casework.domain.stages import Stage
from casework.store.cases.calendars import find_calendar, keep_calendar
from casework.store.cases.casebook import record
from casework.store.database import Database
from casework.store.tables import CalendarRow
from tests.sample_case import CALENDAR, NOW
from tests.statements import counted
from tests.store.story import recorded

OTHER = WorkCalendar.of([date(2026, 12, 7)], through=date(2029, 12, 31))


def test_a_calendar_reads_back_as_it_was_kept(database: Database) -> None:
    with database.writing() as session:
        keep_calendar(session, CALENDAR)
        keep_calendar(session, OTHER)
    with database.reading() as session:
        assert find_calendar(session, CALENDAR.revision) == CALENDAR
        assert find_calendar(session, OTHER.revision) == OTHER


def test_a_calendar_that_nobody_kept_is_not_found(database: Database) -> None:
    with database.reading() as session:
        assert find_calendar(session, OTHER.revision) is None


def test_a_calendar_is_kept_once_with_one_statement(database: Database) -> None:
    for _ in range(2):
        with counted(database.engine) as sent, database.writing() as session:
            keep_calendar(session, CALENDAR)
        assert (sent.statements, sent.commits) == (1, 1), sent
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CalendarRow)) == 1


def test_a_case_that_adopts_a_calendar_has_it_kept_in_the_same_transaction(
    database: Database,
) -> None:
    """Whoever folds the case from its row next needs the days of the revision that the row names."""
    story = recorded(database, Stage.INSPECTION)
    moment = story.happen([e.CalendarAdopted(calendar=OTHER)], now=NOW + timedelta(hours=1))
    with database.writing() as session:
        record(session, moment.case, moment.events)
    with database.reading() as session:
        assert find_calendar(session, OTHER.revision) == OTHER
