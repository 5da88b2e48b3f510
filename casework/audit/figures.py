"""How much waits, is late or is stuck, counted in the database: what an operator is woken for.

Each count is answered by an index and over a set that is small while all is well.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ScalarSelect, func, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.drives import DriveState, RowOutcome
from casework.store.database import DATABASE_AWAY, Database
from casework.store.drives.tables import Drive, DriveRow
from casework.store.tables import CaseRow, IntentRow, NoticeRow, NoticeState

GOOD_FOR = timedelta(seconds=10)
"""Several monitors that ask at the same time cost the database one look."""


class Figures(NamedTuple):
    """What stands in the database. Ages are in seconds, 0 where there is nothing."""

    notices_waiting: int
    notices_sending: int
    notices_failed: int
    notices_unknown: int
    notices_oldest_waiting: float
    cases_overdue: int
    intents: int
    intents_oldest: float
    drives_running: int
    drive_rows_pending: int


class FigureReader:
    """Read the figures, and keep them for some seconds."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._figures: Figures | None = None

    def read(self) -> Figures | None:
        """Return the figures, or None while the database does not answer. Three statements at most."""
        with self._lock:
            now = self._now()
            if self._read_at is None or not timedelta(0) <= now - self._read_at < GOOD_FOR:
                self._read_at = now
                try:
                    with self._database.reading() as session:
                        self._figures = count(session, now)
                except DATABASE_AWAY:
                    self._figures = None
            return self._figures


def count(session: Session, now: datetime) -> Figures:
    """Count everything: two statements, and a third while a drive runs."""
    waits = text(f"state = '{NoticeState.CREATED}'")
    waiting, oldest, sending, failed, unknown, overdue, intents, first = session.execute(
        select(
            _notices(NoticeState.CREATED),
            select(func.min(col(NoticeRow.created_at))).where(waits).scalar_subquery(),
            _notices(NoticeState.SENDING),
            _notices(NoticeState.FAILED),
            _notices(NoticeState.UNKNOWN),
            select(func.count())
            .select_from(CaseRow)
            .where(col(CaseRow.queue_at) < now)
            .scalar_subquery(),
            select(func.count()).select_from(IntentRow).scalar_subquery(),
            select(func.min(col(IntentRow.at))).scalar_subquery(),
        )
    ).one()
    running = list(
        session.scalars(select(col(Drive.id)).where(col(Drive.state) == DriveState.RUNNING))
    )
    pending = (
        session.scalar(
            select(func.count())
            .select_from(DriveRow)
            .where(col(DriveRow.drive_id).in_(running), col(DriveRow.outcome) == RowOutcome.PENDING)
        )
        if running
        else 0
    )
    return Figures(
        waiting,
        sending,
        failed,
        unknown,
        _age(oldest, now),
        overdue,
        intents,
        _age(first, now),
        len(running),
        pending or 0,
    )


def _notices(state: NoticeState) -> ScalarSelect[int]:
    # The state stands in the statement itself: with a parameter the partial index of that state is not found.
    rows = select(func.count()).select_from(NoticeRow).where(text(f"state = '{state}'"))
    return rows.scalar_subquery()


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
