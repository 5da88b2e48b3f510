"""Intents: acts that were sent to Temporal and whose outcome is not on record yet.

An intent is written before Temporal is asked and goes in the transaction that records what came of it. One that
stays was lost on the way, between Temporal's receipt and the record: whoever finds it asks Temporal again.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.store._statements import rows_changed, upsert
from casework.store.tables import IntentRow


def intend(session: Session, update_id: str, case_id: str, act: str, now: datetime) -> int:
    """Note that an act is about to be sent, and return how often it was, this time included. One statement."""
    session.flush()
    new = upsert(session, IntentRow)
    again = new.on_conflict_do_update(
        index_elements=["update_id"],
        set_={"sent_at": new.excluded.sent_at, "attempts": col(IntentRow.attempts) + 1},
    )
    values = {
        "update_id": update_id,
        "case_id": case_id,
        "act": act,
        "at": now,
        "sent_at": now,
        "attempts": 1,
    }
    found = session.connection().execute(again.returning(col(IntentRow.attempts)), values)
    return found.scalar_one()


def withdraw(session: Session, update_id: str, attempts: int) -> bool:
    """Note that nothing came of an act, unless it has been sent once more since. One statement."""
    unchanged = (col(IntentRow.update_id) == update_id, col(IntentRow.attempts) == attempts)
    return rows_changed(session, delete(IntentRow).where(*unchanged)) == 1


def settle(session: Session, update_ids: Collection[str]) -> None:
    """Note that what came of these acts is on record. One statement."""
    if update_ids:
        session.execute(delete(IntentRow).where(col(IntentRow.update_id).in_(update_ids)))


def unsettled(session: Session, before: datetime, limit: int) -> list[IntentRow]:
    """Return the intents that were there before an instant, the oldest first."""
    rows = select(IntentRow).where(col(IntentRow.at) < before).order_by(col(IntentRow.at))
    return list(session.scalars(rows.limit(limit)))
