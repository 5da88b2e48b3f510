"""Targets and what has come of them in a fiscal year."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from casework.domain.forecast import YearCounts
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
from tests.sample_case import NOW
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
    story = Story("eco-lapsed000001").lead_to(Stage.APPLICATION_REVIEW)
    with database.writing() as session:
        record(session, story.requests[0])
        case = session.get_one(CaseRow, "eco-lapsed000001")
        case.stage, case.is_closed = Stage.LAPSED, True
    with counted(database.engine) as sent, database.reading() as session:
        counts = counts_of_year(session, "eco-network", YEAR, {"21": 9, "50": 2})
    assert sent.statements == 1
    assert NOW > BEGIN
    assert counts == (
        YearCounts(
            province="21", target=9, opened=5, submitted=2, certified=1, failed=3, under_way=3
        ),
        YearCounts(province="50", target=2),
        YearCounts(province="51", opened=1, submitted=1, failed=1),
    )


def test_a_forecast_of_some_provinces_leaves_out_the_others(database: Database) -> None:
    with database.writing() as session:
        for province, target in (("21", 5), ("51", 3), (None, 150)):
            set_target(session, "eco-network", YEAR, province, target)
    with database.reading() as session:
        some = forecast_of(session, "eco-network", YEAR, frozenset({"21"}))
        everything = forecast_of(session, "eco-network", YEAR)
    assert [(f.province, f.target) for f in some] == [("21", 5), (None, 5)]
    assert [(f.province, f.target) for f in everything] == [("21", 5), ("51", 3), (None, 150)]
