"""What housekeeping finds: overdue cases, old calendars, histories to export."""

from datetime import date, timedelta

from casework.domain import events as e
from casework.domain.calendar import WorkCalendar
from casework.domain.stages import Stage
from casework.store.cases import sweeping
from casework.store.database import Database
from casework.store.tables import RunRow
from tests.sample_case import CALENDAR, NOW, TERMS
from tests.statements import counted
from tests.store.story import Story, put, recorded

CASE = TERMS.case_id
OTHER = "eco-othercase001"


def test_a_case_is_overdue_once_its_deadline_and_the_grace_have_passed(
    database: Database,
) -> None:
    recorded(database, Stage.FEEDBACK)
    put(database, Story(OTHER).lead_to(Stage.APPLICATION_REVIEW))
    due = NOW + timedelta(days=17)
    grace = timedelta(minutes=5)
    with database.reading() as session:
        assert sweeping.overdue(session, NOW, grace, 10) == []
        assert sweeping.overdue(session, due, grace, 10) == [CASE]
        assert sweeping.overdue(session, NOW + timedelta(days=90), grace, 10) == [CASE, OTHER]
        assert sweeping.overdue(session, NOW + timedelta(days=90), grace, 1) == [CASE]


def test_a_closed_case_is_never_swept(database: Database) -> None:
    story = Story().lead_to(Stage.CERTIFIED)
    story.happen([e.CertificationExpired()], now=NOW + timedelta(days=1200))
    put(database, story)
    with database.reading() as session:
        far = NOW + timedelta(days=9000)
        assert sweeping.overdue(session, far, timedelta(), 10) == []
        assert sweeping.stale_calendars(session, "other", 10) == []


def test_cases_with_another_calendar_are_found(database: Database) -> None:
    recorded(database, Stage.INSPECTION)
    story = put(database, Story(OTHER).lead_to(Stage.INSPECTION))
    new = WorkCalendar.of([date(2026, 12, 7)], through=date(2029, 12, 31))
    with database.reading() as session:
        assert sweeping.stale_calendars(session, CALENDAR.revision, 10) == []
        assert set(sweeping.stale_calendars(session, new.revision, 10)) == {CASE, OTHER}
    story.happen([e.CalendarAdopted(calendar=new)])
    put(database, story, since=len(story.requests) - 1)
    with database.reading() as session:
        assert sweeping.stale_calendars(session, new.revision, 10) == [CASE]
        assert sweeping.stale_calendars(session, CALENDAR.revision, 10) == [OTHER]


def test_a_run_is_exported_once(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    for number in range(2):
        with database.writing() as session:
            sweeping.note_end_of_run(session, CASE, f"run-{number}", NOW)
    ended_at = NOW
    with database.writing() as session:
        assert sweeping.runs_to_export(session, 10, before=ended_at) == []
        assert len(sweeping.runs_to_export(session, 1)) == 1
        assert sweeping.mark_exported(session, CASE, "run-0", NOW, "ab" * 32)
        assert sweeping.mark_exported(session, CASE, "run-1", NOW, None)
        assert not sweeping.mark_exported(session, CASE, "run-1", NOW, "cd" * 32)
        assert sweeping.runs_to_export(session, 10) == []
    with database.reading() as session:
        assert {
            (row.run_id, row.file, row.gone) for row in sweeping.runs_of_case(session, CASE)
        } == {("run-0", "ab" * 32, False), ("run-1", None, True)}
        assert session.get_one(RunRow, (CASE, "run-0")).exported_at == NOW


def test_each_look_takes_one_statement(database: Database) -> None:
    recorded(database, Stage.INSPECTION)
    with counted(database.engine) as sent, database.reading() as session:
        sweeping.overdue(session, NOW, timedelta(), 10)
        sweeping.stale_calendars(session, "other", 10)
        sweeping.runs_to_export(session, 10)
    assert sent.statements == 3
