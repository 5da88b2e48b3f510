"""The entries of the register as SQL has them, for the copy in memory."""

from collections.abc import Sequence

from casework.register.records import NumberedEntry
from casework.store.database import Database
from casework.store.register import entries_after

_AT_ONCE = 5000


def read_entries(database: Database, after: int) -> Sequence[NumberedEntry]:
    """Return the entries with a higher number, in order. One statement for each 5,000 of them."""
    entries: list[NumberedEntry] = []
    with database.reading() as session:
        while rows := entries_after(session, after, limit=_AT_ONCE):
            entries += map(NumberedEntry.of, rows)
            after = rows[-1].number
            session.expunge_all()
            if len(rows) < _AT_ONCE:
                break
    return entries
