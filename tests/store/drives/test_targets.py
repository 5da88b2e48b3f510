"""Targets and what has come of them in a fiscal year."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from casework.domain.forecast import Ended, Horizon, Part, YearCounts
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage
from casework.store.database import Database
from casework.store.drives.targets import (
    counts_of_year,
    drop_target,
    forecast_of,
    set_target,
    targets_of,
)
from casework.store.tables import CaseRow
from tests.sample_case import CALENDAR, NOW, RULES
from tests.statements import counted
from tests.store.rows import case_row
from tests.store.story import Story, record

YEAR = 2570
BEGIN = datetime(2026, 9, 30, 17, tzinfo=UTC)
"""Midnight in Bangkok before 1 October 2026."""


def test_a_target_is_set_changed_and_dropped(database: Database) -> None:
    with database.writing() as session:
        for province, target in (("21", 5), (None, 150), ("21", 7), ("51", 0)):
            set_target(session, "eco-network", YEAR, province, target)
        set_target(session, "river-governance", YEAR, "21", 1)
        drop_target(session, "eco-network", YEAR, "51")
        drop_target(session, "eco-network", YEAR, "99")
    with database.reading() as session:
        assert targets_of(session, "eco-network", YEAR) == {None: 150, "21": 7}
        assert targets_of(session, "eco-network", YEAR + 1) == {}


def horizon(now: datetime = NOW) -> Horizon:
    """Return the fiscal year as it is seen at this moment, under the rules of the sample case."""
    feedback = {"test": RULES.periods[PeriodName.FEEDBACK]}
    return Horizon.of(YEAR, now, feedback, CALENDAR)


def put_story(database: Database, case_id: str, story_to: Stage, **changed: object) -> None:
    """Put a case with its journal up to a stage, and its row with these values."""
    story = Story(case_id).lead_to(story_to)
    with database.writing() as session:
        for request in story.requests:
            record(session, request)
        row = session.get_one(CaseRow, case_id)
        for name, value in changed.items():
            setattr(row, name, value)


def test_the_figures_of_a_year_are_counted_in_one_statement(database: Database) -> None:
    before = BEGIN - timedelta(seconds=1)
    cases = [
        case_row("eco-a", stage=Stage.INVITED),
        case_row("eco-b", stage=Stage.REVIEW),
        case_row("eco-c", stage=Stage.DECLINED),
        case_row("eco-d", stage=Stage.LAPSED),
        case_row("eco-e", stage=Stage.CERTIFIED, opened_at=before, granted_at=BEGIN),
        case_row("eco-f", stage=Stage.CERTIFIED, opened_at=before, granted_at=before),
        case_row("eco-g", stage=Stage.REVIEW, opened_at=before),
        case_row("eco-h", stage=Stage.REFUSED, opened_at=BEGIN, province="51"),
        case_row("eco-i", stage=Stage.REVIEW, program="river-governance"),
    ]
    with database.writing() as session:
        session.execute(insert(CaseRow), cases)
    lapsed = {"stage": Stage.LAPSED, "is_closed": True}
    put_story(database, "eco-lapsed000001", Stage.APPLICATION_REVIEW, **lapsed)
    with counted(database.engine) as sent, database.reading() as session:
        counts = counts_of_year(session, "eco-network", horizon(), {"21": 9, "50": 2})
    assert sent.statements == 1
    assert NOW > BEGIN
    assert counts == (
        YearCounts(
            province="21",
            target=9,
            opened=5,
            submitted=2,
            certified=1,
            under_way=3,
            ended={Part.APPLICATION: Ended(failed=1)},
            in_time={Part.INVITATION: 1, Part.DECISION: 2},
        ),
        YearCounts(province="50", target=2),
        YearCounts(province="51", opened=1, submitted=1),
    )


def test_what_ended_in_the_year_is_counted_by_how_far_it_came_whenever_it_was_opened(
    database: Database,
) -> None:
    """Certified and failed are of one set; what ended the year before is of neither."""
    before = BEGIN - timedelta(days=200)
    ended = {"opened_at": before, "stage": Stage.REFUSED, "is_closed": True}
    put_story(database, "eco-granted00001", Stage.CERTIFIED, opened_at=before, granted_at=BEGIN)
    put_story(database, "eco-refused00001", Stage.DECISION, changed_at=BEGIN, **ended)
    put_story(database, "eco-withdrawn001", Stage.INSPECTION, changed_at=BEGIN, **ended)
    put_story(database, "eco-lastyear0001", Stage.INSPECTION, changed_at=before, **ended)
    with database.reading() as session:
        (counts,) = counts_of_year(session, "eco-network", horizon(), {})
    assert counts.opened == 0
    assert counts.ended == {
        Part.APPLICATION: Ended(certified=1, failed=2),
        Part.INSPECTION: Ended(certified=1, failed=2),
        Part.FEEDBACK: Ended(certified=1, failed=1),
        Part.DECISION: Ended(certified=1, failed=1),
    }


def test_on_the_last_day_of_the_year_only_what_can_be_decided_that_day_counts(
    database: Database,
) -> None:
    """Feedback of 15 days: from 16 September on it is too late to open it."""
    ends = datetime(2027, 9, 30, 17, tzinfo=UTC)
    cases = [
        case_row("eco-a", stage=Stage.INVITED),
        case_row("eco-b", stage=Stage.INSPECTION),
        case_row("eco-c", stage=Stage.FEEDBACK, due_at=ends),
        case_row("eco-d", stage=Stage.FEEDBACK, due_at=ends + timedelta(days=1)),
        case_row("eco-e", stage=Stage.ANSWERING),
        case_row("eco-f", stage=Stage.DECISION),
    ]
    with database.writing() as session:
        session.execute(insert(CaseRow), cases)

    def in_time(now: datetime) -> dict[Part, int]:
        with database.reading() as session:
            (counts,) = counts_of_year(session, "eco-network", horizon(now), {})
        assert counts.under_way == 6
        return counts.in_time

    soon = {Part.FEEDBACK: 1, Part.DECISION: 2}
    assert in_time(datetime(2027, 9, 15, 16, tzinfo=UTC)) == {
        Part.INVITATION: 1,
        Part.INSPECTION: 1,
        **soon,
    }
    assert in_time(datetime(2027, 9, 15, 17, tzinfo=UTC)) == soon
    assert in_time(datetime(2027, 9, 30, 3, tzinfo=UTC)) == soon
    assert in_time(ends) == {}


def test_a_forecast_of_some_provinces_leaves_out_the_others(database: Database) -> None:
    with database.writing() as session:
        for province, target in (("21", 5), ("51", 3), (None, 150)):
            set_target(session, "eco-network", YEAR, province, target)
    with database.reading() as session:
        some = forecast_of(session, "eco-network", horizon(), frozenset({"21"}))
        everything = forecast_of(session, "eco-network", horizon())
    assert [(f.province, f.target) for f in some] == [("21", 5), (None, 5)]
    assert [(f.province, f.target) for f in everything] == [("21", 5), ("51", 3), (None, 150)]
