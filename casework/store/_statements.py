"""What SQLAlchemy's statements leave to say, and the short way to the database for what each act needs."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy import inspect as mapped
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from casework.store.tables import Row


def upsert(session: Session, table: type[Row]) -> postgresql.Insert:
    """Return an INSERT that knows ON CONFLICT, which both databases have and plain SQL has not."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return cast("postgresql.Insert", sqlite.insert(table))


def rows_changed(
    session: Session, statement: Executable, values: Mapping[str, object] | None = None
) -> int:
    """Send an INSERT, UPDATE or DELETE and return how many rows it met.

    Objects that the session has loaded keep what they say. ``values`` beside the statement, and not in it,
    spare it from being looked through anew each time.
    """
    # Without the option the count of an INSERT is gone by the time it is asked for.
    result = _connection(session).execute(
        statement, values, execution_options={"preserve_rowcount": True}
    )
    return cast("CursorResult[Any]", result).rowcount


def add_rows(
    session: Session, table: type[Row], rows: Sequence[Mapping[str, object]], *, once: bool = False
) -> None:
    """Insert rows in one statement, which is compiled once whatever their number.

    ``once`` leaves out those that are there already.
    """
    new = upsert(session, table)
    if once:
        new = new.on_conflict_do_nothing()
    # Rows that return something travel together; others would be sent one by one.
    _connection(session).execute(new.returning(*mapped(table).primary_key), list(rows))


def _connection(session: Session) -> Connection:
    """Return the session's connection; what the session has pending goes first, as with its own statements."""
    session.flush()
    return session.connection()
