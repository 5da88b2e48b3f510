"""How a representation comes in, whether by the public form or by the API."""

from datetime import datetime, timedelta

from casework.notices.catalogue import receipt_for
from casework.store.database import Database
from casework.store.outbox import add_notices
from casework.store.representations import NewRepresentation, count_left_with, submit
from casework.store.tables import Representation

MOST_FOR_ONE_ADDRESS_IN_A_DAY = 5
"""Anybody can type anybody's address, and each representation with one brings it letters."""


def receive(
    database: Database, case_id: str, new: NewRepresentation, now: datetime
) -> Representation:
    """Store a representation and queue its receipt, in one transaction and once for each key.

    Nobody who left no e-mail address gets a receipt; the page that answers shows it to them. It also does
    when an address was left more than :data:`MOST_FOR_ONE_ADDRESS_IN_A_DAY` times in 24 hours, over all
    cases: the representation counts like any other, but is kept without the address.

    Raises:
        FeedbackNotOpen: the period is not open at ``now`` (UTC).
        FeedbackFull: the case takes no more.
        KeyReused: the key made another representation.
    """
    with database.writing() as session:
        if new.author_email is not None:
            since = now - timedelta(days=1)
            left = count_left_with(session, new.author_email, since)
            if left >= MOST_FOR_ONE_ADDRESS_IN_A_DAY:
                new = new.model_copy(update={"author_email": None})
        row = submit(session, case_id, new, now)
        if row.author_email is not None:
            add_notices(session, case_id, [receipt_for(row.number)], {row.number: row.received_at})
        return row
