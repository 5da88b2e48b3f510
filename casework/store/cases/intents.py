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


def intend(session: Session, update_id: str, case_id: str, act: str, now: datetime) -> None:
    """Note that an act is about to be sent; the same one again changes nothing. One statement."""
    rows_changed(
        session,
        upsert(session, IntentRow).on_conflict_do_nothing(),
        {"update_id": update_id, "case_id": case_id, "act": act, "at": now},
    )


def settle(session: Session, update_ids: Collection[str]) -> None:
    """Note that what came of these acts is on record, or that nothing did. One statement."""
    if update_ids:
        session.execute(delete(IntentRow).where(col(IntentRow.update_id).in_(update_ids)))


def unsettled(session: Session, before: datetime, limit: int) -> list[IntentRow]:
    """Return the intents that were there before an instant, the oldest first."""
    rows = select(IntentRow).where(col(IntentRow.at) < before).order_by(col(IntentRow.at))
    return list(session.scalars(rows.limit(limit)))
