"""The calendars that cases count by, each kept once: a case names the revision, and its fold needs the days."""

from sqlalchemy.orm import Session

from casework.domain.calendar import WorkCalendar
from casework.store._statements import rows_changed, upsert
from casework.store.tables import CalendarRow


def keep_calendar(session: Session, calendar: WorkCalendar) -> None:
    """Keep a calendar under its revision. One statement."""
    rows_changed(
        session,
        upsert(session, CalendarRow).on_conflict_do_nothing(),
        {"revision": calendar.revision, "body": calendar.model_dump_json()},
    )


def find_calendar(session: Session, revision: str) -> WorkCalendar | None:
    """Return the calendar of a revision."""
    row = session.get(CalendarRow, revision)
    return None if row is None else WorkCalendar.model_validate_json(row.body)
