"""The outbox: notices that wait, are being sent, were sent, failed, or may have left.

A sender claims rows (``created`` to ``sending``), sends, and marks each with the claim it got. What
a crash left in ``sending`` becomes ``unknown`` and stays so until a person decides. The notices of a case
to one recipient are claimed in the order of its events, each after the one before has left or is given up.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Integer,
    Select,
    SQLColumnExpression,
    String,
    cast,
    func,
    literal,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import SelectBase
from sqlmodel import col

from casework.domain.numbers import Numbers
from casework.store._statements import add_rows, rows_changed, upsert
from casework.store.columns import Opaque, UtcDateTime
from casework.store.tables import (
    Community,
    NoticeRow,
    NoticeState,
    NoticeSubject,
    Representation,
)

AUTHORS = "authors"
"""The recipient that stands for everybody who left an e-mail address with a representation."""

REPRESENTATION = "representation:"
"""What the recipient of a notice to one author begins with; the number follows."""

COMMUNITIES = "communities"
"""The recipient that stands for each community of the case that has an e-mail address."""

COMMUNITY = "community:"
"""What the recipient of a notice to one community begins with; the number follows."""


@dataclass(frozen=True)
class NewNotice:
    """A notice to queue: its template, what it is about by number, and who gets it.

    What is ``bulk`` makes way for everything else. ``recipient`` is an opaque reference, or
    :data:`AUTHORS`: then ``numbers`` are the representations whose authors are meant, or None for all
    accepted ones of the case, and an address that stands under several of them gets one notice. With
    :data:`COMMUNITIES` each community of the case gets a notice of its own.
    """

    slug: str
    seq: int
    recipient: str
    numbers: Numbers | None = None
    subject: NoticeSubject = NoticeSubject.EVENT
    bulk: bool = False


def key_of(case_id: str, slug: str, seq: int, recipient: str) -> str:
    """Return the key of a notice, which is also its idempotency key on the way out."""
    return f"{case_id}/{slug}/{seq}/{recipient}"


def add_notices(
    session: Session, case_id: str, notices: Iterable[NewNotice], at: Mapping[int, datetime]
) -> None:
    """Queue notices, each once. At most 2 statements, however many authors and communities there are.

    ``at`` gives the time of each event by its number: a notice is due as soon as its event.
    """
    notices = list(notices)
    rows = [
        {
            "key": key_of(case_id, n.slug, n.seq, n.recipient),
            "case_id": case_id,
            "slug": n.slug,
            "subject": n.subject,
            "seq": n.seq,
            "recipient": n.recipient,
            "bulk": n.bulk,
            "state": NoticeState.CREATED,
            "attempts": 0,
            "next_attempt_at": at[n.seq],
            "created_at": at[n.seq],
        }
        for n in notices
        if n.recipient not in _EACH
    ]
    if rows:
        add_rows(session, NoticeRow, rows, once=True)
    many = [_EACH[n.recipient](case_id, n, at[n.seq]) for n in notices if n.recipient in _EACH]
    if many:
        # The condition is for SQLite, which else takes ON CONFLICT for the ON of a join.
        chosen = select(union_all(*many).subquery()).where(literal(True))
        session.execute(
            upsert(session, NoticeRow).from_select(_NAMES, chosen).on_conflict_do_nothing()
        )


def claim_due(session: Session, now: datetime, limit: int, claim: str) -> list[NoticeRow]:
    """Take up to ``limit`` notices that are due, the longest due first, for this claim alone.

    One whose recipient has an earlier notice of the same case to come, or under way, is left: whatever
    puts that off, none overtakes it. What is bulk is taken when there is nothing else. The notices are
    ``sending`` from here on, and their attempt is counted. One statement; senders at work at the same time
    get different rows and do not wait for one another.
    """
    earlier = aliased(NoticeRow)
    is_next = ~(
        select(literal(1))
        .where(
            col(earlier.case_id) == col(NoticeRow.case_id),
            col(earlier.recipient) == col(NoticeRow.recipient),
            col(earlier.state).in_([NoticeState.CREATED, NoticeState.SENDING]),
            # By the time first: what is about a representation has a number of another kind.
            tuple_(col(earlier.created_at), col(earlier.seq), col(earlier.key))
            < tuple_(col(NoticeRow.created_at), col(NoticeRow.seq), col(NoticeRow.key)),
        )
        .exists()
    )
    due = (
        select(col(NoticeRow.key))
        .where(
            col(NoticeRow.state) == NoticeState.CREATED,
            col(NoticeRow.next_attempt_at) <= now,
            is_next,
        )
        .order_by(
            col(NoticeRow.bulk),
            col(NoticeRow.next_attempt_at),
            col(NoticeRow.seq),
            col(NoticeRow.key),
        )
        .limit(limit)
        .with_for_update(skip_locked=True, of=NoticeRow)
        # As a CTE it is worked out once; a plain subquery may be repeated and claim too many.
        .cte("due")
    )
    rows = session.scalars(
        update(NoticeRow)
        .where(col(NoticeRow.key).in_(select(due.c.key)))
        .values(
            state=NoticeState.SENDING,
            attempts=col(NoticeRow.attempts) + 1,
            claim=claim,
            claimed_at=now,
        )
        .returning(NoticeRow),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return sorted(rows, key=lambda row: (row.bulk, row.next_attempt_at, row.seq, row.key))


def release(session: Session, claim: str) -> int:
    """Return all that a claim took and nobody tried to send, and return how many there were.

    For a sender that asked for notices and, because the database went away, never heard which.
    """
    statement = (
        update(NoticeRow)
        .where(col(NoticeRow.claim) == claim, col(NoticeRow.state) == NoticeState.SENDING)
        .values(
            state=NoticeState.CREATED,
            attempts=col(NoticeRow.attempts) - 1,
            claim=None,
            claimed_at=None,
        )
    )
    return rows_changed(session, statement)


def mark_sent(session: Session, key: str, claim: str, now: datetime, message_id: str) -> bool:
    """Note that the next server took the notice. False if the claim is no longer ours."""
    return _finish(session, key, claim, NoticeState.SENT, now, message_id=message_id)


def mark_failed(session: Session, key: str, claim: str, now: datetime, failure: str) -> bool:
    """Note that the notice will never leave, and why. False if the claim is no longer ours."""
    return _finish(session, key, claim, NoticeState.FAILED, now, failure=failure)


def mark_unknown(session: Session, key: str, claim: str, now: datetime, failure: str) -> bool:
    """Note that the notice may have left or not. False if the claim is no longer ours."""
    return _finish(session, key, claim, NoticeState.UNKNOWN, now, failure=failure)


def put_back(
    session: Session,
    key: str,
    claim: str,
    next_attempt_at: datetime,
    failure: str | None = None,
) -> bool:
    """Return a notice that certainly has not left, to be tried again then.

    Without a ``failure`` nothing was tried (the pace did not allow it), and no attempt counts.
    False if the claim is no longer ours.
    """
    values: dict[str, object] = {
        "state": NoticeState.CREATED,
        "next_attempt_at": next_attempt_at,
        "claim": None,
        "claimed_at": None,
        "finished_at": None,
    }
    if failure is None:
        values["attempts"] = col(NoticeRow.attempts) - 1
    else:
        values["failure"] = failure
    return _update_claimed(session, key, claim, values)


def abandon_stale(session: Session, now: datetime, older_than: timedelta) -> int:
    """Call unknown what has been ``sending`` for longer than this, and return how many were."""
    statement = (
        update(NoticeRow)
        .where(
            col(NoticeRow.state) == NoticeState.SENDING,
            col(NoticeRow.claimed_at) < now - older_than,
        )
        .values(
            state=NoticeState.UNKNOWN,
            finished_at=now,
            failure="The sender stopped before it could say whether the notice had left.",
        )
    )
    return rows_changed(session, statement)


def send_again(session: Session, key: str, now: datetime) -> bool:
    """Queue a failed or unknown notice once more, because a person said so."""
    statement = (
        update(NoticeRow)
        .where(
            col(NoticeRow.key) == key,
            col(NoticeRow.state).in_([NoticeState.FAILED, NoticeState.UNKNOWN]),
        )
        .values(
            state=NoticeState.CREATED,
            next_attempt_at=now,
            claim=None,
            claimed_at=None,
            finished_at=None,
        )
    )
    return rows_changed(session, statement) == 1


def notices_of_case(session: Session, case_id: str, limit: int = 1000) -> list[NoticeRow]:
    """Return the notices of a case in the order of its events."""
    rows = (
        select(NoticeRow)
        .where(col(NoticeRow.case_id) == case_id)
        .order_by(col(NoticeRow.created_at), col(NoticeRow.seq), col(NoticeRow.key))
        .limit(limit)
    )
    return list(session.scalars(rows))


def count_by_state(session: Session) -> dict[NoticeState, int]:
    """Count the notices in each state, for pages and metrics."""
    rows = session.execute(
        select(col(NoticeRow.state), func.count()).group_by(col(NoticeRow.state))
    )
    return {state: int(count) for state, count in rows}


_NAMES = (
    "key",
    "case_id",
    "slug",
    "subject",
    "seq",
    "recipient",
    "bulk",
    "state",
    "attempts",
    "next_attempt_at",
    "created_at",
)


def _to_authors(case_id: str, notice: NewNotice, at: datetime) -> SelectBase:
    meant: list[SQLColumnExpression[bool]] = [
        col(Representation.case_id) == case_id,
        col(Representation.accepted),
        col(Representation.author_email).is_not(None),
    ]
    if notice.numbers is not None:
        meant.append(col(Representation.number).in_(list(notice.numbers)))
    # Whoever writes somebody else's address under a hundred representations sends them one letter.
    once = (
        select(func.min(col(Representation.number)))
        .where(*meant)
        .group_by(func.lower(col(Representation.author_email)))
    )
    number = col(Representation.number)
    return _to_each(case_id, notice, at, REPRESENTATION, number).where(
        col(Representation.case_id) == case_id, number.in_(once)
    )


def _to_communities(case_id: str, notice: NewNotice, at: datetime) -> SelectBase:
    return _to_each(case_id, notice, at, COMMUNITY, col(Community.number)).where(
        col(Community.case_id) == case_id, col(Community.email).is_not(None)
    )


_EACH: Mapping[str, Callable[[str, NewNotice, datetime], SelectBase]] = {
    AUTHORS: _to_authors,
    COMMUNITIES: _to_communities,
}
"""The recipients that stand for many, with what selects a row of the outbox for each of them."""


def _to_each(
    case_id: str, notice: NewNotice, at: datetime, begin: str, number: SQLColumnExpression[int]
) -> Select[*tuple[Any, ...]]:
    """Select the columns of :data:`_NAMES` for numbered recipients."""
    written = cast(number, String)
    key = literal(key_of(case_id, notice.slug, notice.seq, begin), String)
    return select(
        (key + written).label("key"),
        literal(case_id, Opaque).label("case_id"),
        literal(notice.slug, Opaque).label("slug"),
        literal(notice.subject.value, String).label("subject"),
        literal(notice.seq, Integer).label("seq"),
        (literal(begin, String) + written).label("recipient"),
        literal(notice.bulk, Boolean).label("bulk"),
        literal(NoticeState.CREATED.value, String).label("state"),
        literal(0, Integer).label("attempts"),
        literal(at, UtcDateTime).label("next_attempt_at"),
        literal(at, UtcDateTime).label("created_at"),
    )


def _finish(
    session: Session, key: str, claim: str, state: NoticeState, now: datetime, **more: str
) -> bool:
    return _update_claimed(session, key, claim, {"state": state, "finished_at": now, **more})


def _update_claimed(session: Session, key: str, claim: str, values: Mapping[str, object]) -> bool:
    # Also from unknown: a slow sender that was given up may still learn what became of it.
    states: Sequence[NoticeState] = (NoticeState.SENDING, NoticeState.UNKNOWN)
    statement = (
        update(NoticeRow)
        .where(
            col(NoticeRow.key) == key,
            col(NoticeRow.claim) == claim,
            col(NoticeRow.state).in_(states),
        )
        .values(**values)
    )
    return rows_changed(session, statement) == 1
