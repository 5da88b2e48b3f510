"""Who is shut out, as the verifier of tokens asks for it: read from the database by one statement."""

from datetime import datetime, timedelta

from casework.identity.revocation import Revoked
from casework.identity.tokens import LEEWAY_SECONDS
from casework.store.database import Database
from casework.store.revocations import revocations


def read_revoked(database: Database, now: datetime, longest_seconds: int) -> Revoked:
    """Return who is shut out, without what no living token can meet any more.

    Args:
        database: the application database.
        now: the present (UTC).
        longest_seconds: the longest life of a token.
    """
    with database.reading() as session:
        rows = revocations(session, now - timedelta(seconds=longest_seconds + LEEWAY_SECONDS))
    people: dict[str, float | None] = {}
    for row in rows:
        if row.person is None:
            continue
        until = None if row.lifted_at is None else row.lifted_at.timestamp()
        known = people.get(row.person, 0.0)
        people[row.person] = None if until is None or known is None else max(until, known)
    return Revoked(people, frozenset(row.token for row in rows if row.token is not None))
