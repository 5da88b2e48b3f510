"""The two things SQLAlchemy's typing of statements leaves to say."""

from typing import Any, cast

from sqlalchemy import CursorResult, Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casework.store.tables import Row


def upsert(session: Session, table: type[Row]) -> postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT, which both databases have and plain SQL has not."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return cast("postgresql.Insert", sqlite.insert(table))


def rows_changed(session: Session, statement: Executable) -> int:
    """Send an INSERT, UPDATE or DELETE and return how many rows it met.

    Objects that the session has loaded keep what they say.
    """
    # Without the second option the count of an INSERT is gone by the time it is asked for.
    options = {"synchronize_session": False, "preserve_rowcount": True}
    result = session.execute(statement, execution_options=options)
    return cast("CursorResult[Any]", result).rowcount
