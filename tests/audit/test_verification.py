"""Verification finds what was altered, wherever it was altered, and nothing in a journal that was not."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from casework.audit.outbox import queue_again, stuck_notices
from casework.audit.verification import case_ids, verify_case
from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import Actor
from casework.domain.calendar import WorkCalendar
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import work_calendar
from casework.store.database import Database
from casework.store.outbox import NewNotice
from tests.sample_case import APPLICANT, NOW, OFFICER, act_of
from tests.store.story import Moment, Story, record

CASE = "eco-k3v9a2q7m4tz"
CATALOG = ProgramCatalog.load()
HOLIDAYS = work_calendar(date(NOW.year - 1, 1, 1), years=3)


class Recorder:
    """Let events happen to a case under a real program and record each step as a worker does."""

    def __init__(self, database: Database, case_id: str, calendar: WorkCalendar) -> None:
        rules = CATALOG.get("eco-network", "1").rules()
        self._database = database
        self._story = Story(case_id, rules=rules, calendar=calendar)

    def act(self, kind: type[a.Act], actor: Actor) -> None:
        self._record(self._story.act(act_of(kind, self._story.case), actor))

    def happen(self, *events: e.Event) -> None:
        self._record(self._story.happen(events))

    def _record(self, request: Moment) -> None:
        notices = [NewNotice("case-assigned", line.seq, "officer") for line in request.events]
        with self._database.writing() as session:
            record(session, request, notices)


@pytest.fixture
def recorder(database: Database) -> Recorder:
    """Record a case of three events: applied, returned, answered."""
    recorder = Recorder(database, CASE, HOLIDAYS)
    recorder.act(a.SubmitApplication, APPLICANT)
    recorder.act(a.ReturnApplication, OFFICER)
    recorder.act(a.ResubmitApplication, APPLICANT)
    return recorder


@pytest.fixture
def tamper(database: Database) -> Callable[[str], None]:
    """Change the database behind the back of the engine."""

    def change(statement: str) -> None:
        with database.writing() as session:
            session.execute(text(statement))

    return change


def test_a_case_as_it_was_recorded_is_in_order(database: Database, recorder: Recorder):
    verdict = verify_case(database, CATALOG, CASE)
    assert verdict == (3, "as its journal says", ())


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (
            "UPDATE journal SET body = replace(body, 'map', 'cap') WHERE seq = 2",
            "broken at event 2",
        ),
        ("UPDATE journal SET actor_person = 'nobody' WHERE seq = 2", "broken at event 2"),
        ("UPDATE journal SET previous_hash = hash WHERE seq = 3", "broken at event 3"),
        ("DELETE FROM journal WHERE seq = 2", "broken at event 2"),
        ("DELETE FROM journal WHERE seq = 3", "broken at event 3"),
        ("UPDATE cases SET stage = 'certified'", "the column stage is certified"),
        ("UPDATE cases SET officer = 'officer-99'", "the column officer is officer-99"),
        ("UPDATE cases SET level = 'model'", "the column level is model"),
        ("UPDATE cases SET version = 2", "the case is at version 2"),
        (
            "UPDATE cases SET snapshot = replace(snapshot, 'officer-21', 'officer-22')",
            "officer is officer-22 and should be officer-21",
        ),
    ],
)
def test_what_was_altered_is_found(
    database: Database,
    recorder: Recorder,
    tamper: Callable[[str], None],
    statement: str,
    says: str,
):
    tamper(statement)
    verdict = verify_case(database, CATALOG, CASE)
    assert any(says in difference for difference in verdict.differences), verdict.differences


def test_a_case_that_opened_under_other_holidays_is_compared_but_for_its_dates(database: Database):
    """Nobody can say any more what the holidays were, so the due date is left out, and it says so."""
    other = WorkCalendar.of([NOW.date() + timedelta(days=1)], through=date(2028, 12, 31))
    recorder = Recorder(database, CASE, other)
    recorder.act(a.SubmitApplication, APPLICANT)
    verdict = verify_case(database, CATALOG, CASE)
    assert verdict.differences == ()
    assert "the holidays have changed" in verdict.remark


def test_a_case_that_adopted_new_holidays_is_in_order(database: Database, recorder: Recorder):
    other = WorkCalendar.of([NOW.date() + timedelta(days=1)], through=date(2028, 12, 31))
    recorder.happen(e.CalendarAdopted(calendar=other))
    verdict = verify_case(database, CATALOG, CASE)
    assert verdict.differences == ()


def test_a_case_that_does_not_exist_is_said_to(database: Database):
    assert verify_case(database, CATALOG, CASE).differences == ("there is no such case",)


def test_all_cases_are_listed_in_order(database: Database):
    for case_id in ("eco-b", "eco-c", "eco-a"):
        Recorder(database, case_id, HOLIDAYS).act(a.SubmitApplication, APPLICANT)
    assert list(case_ids(database)) == ["eco-a", "eco-b", "eco-c"]


def test_stuck_notices_are_listed_and_can_be_queued_again(
    database: Database, recorder: Recorder, tamper: Callable[[str], None]
):
    """Only those that failed or may have left; one that waits is left alone."""
    tamper("UPDATE notices SET state = 'failed', failure = 'no such mailbox' WHERE seq = 1")
    tamper("UPDATE notices SET state = 'unknown' WHERE seq = 2")
    found = stuck_notices(database)
    assert [(row.seq, row.state.value) for row in found] == [(1, "failed"), (2, "unknown")]

    waiting = f"{CASE}/case-assigned/3/officer"
    assert queue_again(database, [found[0].key, found[1].key, waiting]) == [waiting]
    assert stuck_notices(database) == []
