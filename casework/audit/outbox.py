"""What an operator looks at and decides of notices that did not simply leave."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlmodel import col

from casework.store.database import Database
from casework.store.outbox import send_again
from casework.store.tables import NoticeRow, NoticeState

_MOST = 1000


def stuck_notices(database: Database) -> list[NoticeRow]:
    """Return notices that failed or may have left, the oldest first, 1,000 at most."""
    rows = (
        select(NoticeRow)
        .where(col(NoticeRow.state).in_([NoticeState.FAILED, NoticeState.UNKNOWN]))
        .order_by(col(NoticeRow.created_at), col(NoticeRow.key))
        .limit(_MOST)
    )
    with database.reading() as session:
        return list(session.scalars(rows))


def queue_again(database: Database, keys: Iterable[str]) -> list[str]:
    """Queue notices once more because a person said so; return the keys of those that could not be."""
    now = datetime.now(UTC)
    with database.writing() as session:
        return [key for key in keys if not send_again(session, key, now)]
