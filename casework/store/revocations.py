"""Tokens and people that were shut out, and who shut them out."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.store._statements import rows_changed
from casework.store.tables import RevocationRow


def add_revocation(
    session: Session, person: str | None, token: str | None, since: datetime, by: str, reason: str
) -> None:
    """Shut out a person or a token, named by its ``jti``. One statement."""
    session.add(RevocationRow(person=person, token=token, since=since, by=by, reason=reason))


def lift_revocations(session: Session, person: str, at: datetime, by: str) -> int:
    """Let a person in again with tokens issued after ``at``; returns how many rows said no. One statement."""
    return rows_changed(
        session,
        update(RevocationRow)
        .where(col(RevocationRow.person) == person, col(RevocationRow.lifted_at).is_(None))
        .values(lifted_at=at, lifted_by=by),
    )


def revocations(session: Session, since: datetime | None = None) -> list[RevocationRow]:
    """Return the revocations, the oldest first. One statement.

    With ``since`` those alone that still matter to tokens issued after it: people who are shut out
    now, and what was revoked or lifted later.
    """
    rows = select(RevocationRow).order_by(col(RevocationRow.id))
    if since is not None:
        rows = rows.where(
            or_(
                col(RevocationRow.since) > since,
                col(RevocationRow.lifted_at) > since,
                col(RevocationRow.person).is_not(None) & col(RevocationRow.lifted_at).is_(None),
            )
        )
    return list(session.scalars(rows))
