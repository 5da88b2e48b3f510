"""The figures of an operator: what waits, is late or is stuck, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from api.http.metrics import Metrics
from casework.audit.figures import GOOD_FOR, FigureReader, count
from casework.domain.stages import Stage
from casework.store.database import Database
from casework.store.tables import CaseRow, IntentRow, NoticeRow, NoticeState
from tests.sample_case import NOW
from tests.store.rows import case_row

CASE = "eco-k3v9a2q7m4tz"


def notice(number: int, state: NoticeState, minutes_old: int) -> dict[str, object]:
    return {
        "key": f"{CASE}/{number}",
        "case_id": CASE,
        "slug": "case-assigned",
        "seq": number,
        "recipient": "officer",
        "state": state,
        "attempts": 0,
        "next_attempt_at": NOW,
        "created_at": NOW - timedelta(minutes=minutes_old),
    }


@pytest.fixture
def busy(database: Database) -> Database:
    """Keep one overdue case, one that is not, one closed, notices in all states, and two intents."""
    late = NOW - timedelta(days=1)
    cases = [
        case_row(CASE, stage=Stage.REVIEW, due_at=late, head=""),
        case_row("eco-bbbbbbbbbbbb", stage=Stage.REVIEW, head=""),
        case_row("eco-cccccccccccc", stage=Stage.REFUSED, head=""),
    ]
    states = [
        NoticeState.CREATED,
        NoticeState.CREATED,
        NoticeState.SENDING,
        NoticeState.FAILED,
        NoticeState.UNKNOWN,
        NoticeState.SENT,
    ]
    with database.writing() as session:
        for case in cases:
            session.execute(insert(CaseRow).values(**case))
        for number, state in enumerate(states):
            session.execute(insert(NoticeRow).values(**notice(number, state, 10 + number)))
        for seconds in (5, 40):
            session.add(
                IntentRow(
                    update_id=f"u-{seconds}",
                    case_id=CASE,
                    act="Recommend",
                    at=NOW - timedelta(seconds=seconds),
                    sent_at=NOW - timedelta(seconds=seconds),
                )
            )
    return database


def test_everything_is_counted(busy: Database):
    with busy.reading() as session:
        found = count(session, NOW)
    assert found._asdict() == {
        "notices_waiting": 2,
        "notices_sending": 1,
        "notices_failed": 1,
        "notices_unknown": 1,
        "notices_oldest_waiting": 11 * 60,
        "cases_overdue": 1,
        "intents": 2,
        "intents_oldest": 40,
        "drives_running": 0,
        "drive_rows_pending": 0,
    }


def test_a_monitor_that_asks_again_at_once_costs_nothing(busy: Database):
    now = [NOW]
    reader = FigureReader(busy, lambda: now[0])
    assert reader.read().intents == 2  # pyright: ignore[reportOptionalMemberAccess]
    with busy.writing() as session:
        session.execute(text("DELETE FROM intents"))
    now[0] += GOOD_FOR / 2
    assert reader.read().intents == 2  # pyright: ignore[reportOptionalMemberAccess]
    now[0] += GOOD_FOR
    assert reader.read().intents == 0  # pyright: ignore[reportOptionalMemberAccess]


def test_prometheus_reads_them(busy: Database):
    with busy.reading() as session:
        shown = Metrics().text(count(session, NOW)).decode()
    for line in (
        "casework_database_up 1.0",
        'casework_notices{state="waiting"} 2.0',
        'casework_notices{state="unknown"} 1.0',
        "casework_notices_oldest_waiting_seconds 660.0",
        "casework_cases_overdue 1.0",
        "casework_intents_oldest_seconds 40.0",
        "casework_drive_rows_pending 0.0",
    ):
        assert line in shown.splitlines()


def test_no_old_number_is_shown_while_the_database_is_away(tmp_path):
    reader = FigureReader(Database(f"sqlite:///{tmp_path / 'none' / 'casework.db'}"), lambda: NOW)
    shown = Metrics().text(reader.read()).decode()
    assert "casework_database_up 0.0" in shown.splitlines()
    assert "casework_cases_overdue" not in shown
