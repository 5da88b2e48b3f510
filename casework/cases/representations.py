"""How a representation comes in, whether by the public form or by the API."""

from datetime import datetime

from casework.notices.catalogue import receipt_for
from casework.store.database import Database
from casework.store.outbox import add_notices
from casework.store.representations import NewRepresentation, submit
from casework.store.tables import Representation


def receive(
    database: Database, case_id: str, new: NewRepresentation, now: datetime
) -> Representation:
    """Store a representation and queue its receipt, in one transaction and once for each key.

    Nobody who left no e-mail address gets a receipt; the page that answers shows it to them.

    Raises:
        FeedbackNotOpen: the period is not open at ``now`` (UTC).
        FeedbackFull: the case takes no more.
        KeyReused: the key made another representation.
    """
    with database.writing() as session:
        row = submit(session, case_id, new, now)
        if row.author_email is not None:
            add_notices(session, case_id, [receipt_for(row.number)], {row.number: row.received_at})
        return row
