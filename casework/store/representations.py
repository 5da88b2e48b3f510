"""What the community says: taken in while the feedback period runs, read into the case at its end.

Representations never enter the workflow one by one. The row lock of the case puts each of them
either before the end of the period or after it, never in between.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.casebook import ClosedFeedback
from casework.domain._model import Frozen
from casework.domain.email import Email
from casework.domain.events import RepresentationsDisposed
from casework.domain.numbers import Numbers
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.store._statements import rows_changed
from casework.store.keys import KeyReused, new_id
from casework.store.tables import CaseRow, Representation

MOST_REPRESENTATIONS = 10_000
"""On one case; more would be a flood, and the case has to carry their numbers."""

_ANNOUNCED = frozenset(
    {
        Stage.FEEDBACK,
        Stage.ANSWERING,
        Stage.REVIEW,
        Stage.DECISION,
        Stage.CERTIFIED,
        Stage.REFUSED,
        Stage.EXPIRED,
    }
)
"""Stages that only a feedback period leads to. Others may come before or after one."""


class FeedbackNotOpen(Exception):
    """The case is not at feedback, its period is over, or there is no such case."""


class FeedbackFull(Exception):
    """The case has as many representations as it takes."""


class FeedbackPeriodUnknown(Exception):
    """The feedback period that ends then is not the one the case is in."""


class NewRepresentation(Frozen):
    """What somebody says; ``update_key`` and ``digest`` tell a repeated request from another."""

    stance: Stance
    text: str
    language: str
    update_key: str
    digest: str
    author_name: str | None = None
    author_email: Email | None = None


def submit(session: Session, case_id: str, new: NewRepresentation, now: datetime) -> Representation:
    """Take in one representation, or return the one that the same key made before.

    Numbers count from 1 on each case, without a gap. Sends 4 statements.

    Raises:
        FeedbackNotOpen: the period is not open at ``now`` (UTC), or was closed already.
        FeedbackFull: there are 10,000 on this case.
        KeyReused: the key made another representation.
    """
    case = _locked(session, case_id)
    known = session.scalar(
        select(Representation).where(col(Representation.update_key) == new.update_key)
    )
    if known is not None:
        if (known.case_id, known.digest) != (case_id, new.digest):
            raise KeyReused(new.update_key)
        return known
    if not is_open(case, now):
        raise FeedbackNotOpen(case_id)
    last = session.scalar(
        select(func.max(col(Representation.number))).where(col(Representation.case_id) == case_id)
    )
    number = (last or 0) + 1
    if number > MOST_REPRESENTATIONS:
        raise FeedbackFull(case_id)
    row = Representation(
        case_id=case_id,
        number=number,
        received_at=now,
        receipt=new_id("rep", letters=16),
        **new.model_dump(),
    )
    session.add(row)
    session.flush()
    return row


def count_left_with(session: Session, email: str, since: datetime) -> int:
    """Count the representations of all cases that came with this address after that instant (UTC)."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Representation)
            .where(
                col(Representation.received_at) > since,
                func.lower(col(Representation.author_email)) == email.lower(),
            )
        )
        or 0
    )


def is_open(case: CaseRow | None, now: datetime) -> bool:
    """Say whether the community may speak on this case at ``now``."""
    return (
        case is not None
        and case.stage is Stage.FEEDBACK
        and not case.feedback_closed
        and case.feedback_closes_at is not None
        and now < case.feedback_closes_at
    )


def was_announced(case: CaseRow) -> bool:
    """Say whether the community was ever asked about this case; before, it is nobody's business."""
    return case.stage in _ANNOUNCED or case.feedback_closed


def close_feedback(session: Session, case_id: str, closes_at: datetime) -> ClosedFeedback:
    """End the feedback period that closes at ``closes_at`` and return what waits for an answer.

    From here on :func:`submit` refuses, so that the answer is complete. A repetition returns the
    same. Sends at most 3 statements.

    Raises:
        FeedbackPeriodUnknown: the case is in another feedback period, or there is no such case.
            A late attempt for an earlier period must not end the present one.
    """
    case = _locked(session, case_id)
    if case is None or (case.stage is Stage.FEEDBACK and case.feedback_closes_at != closes_at):
        raise FeedbackPeriodUnknown(f"{case_id}: {closes_at.isoformat()}")
    if case.stage is Stage.FEEDBACK and not case.feedback_closed:
        case.feedback_closed = True
        session.flush()
    waiting = session.execute(
        select(col(Representation.number), col(Representation.stance)).where(
            col(Representation.case_id) == case_id,
            col(Representation.accepted),
            col(Representation.disposition).is_(None),
        )
    ).all()
    stances = Counter(stance for _, stance in waiting)
    return ClosedFeedback(
        representations=Numbers.of(number for number, _ in waiting),
        support=stances[Stance.SUPPORT],
        neutral=stances[Stance.NEUTRAL],
        objection=stances[Stance.OBJECTION],
    )


def dispose(
    session: Session, case_id: str, disposed: RepresentationsDisposed, at: datetime
) -> None:
    """Copy a reasoned answer to the representations it answers. One statement."""
    statement = (
        update(Representation)
        .where(
            col(Representation.case_id) == case_id,
            col(Representation.number).in_(list(disposed.numbers)),
        )
        .values(disposition=disposed.disposition, answer=disposed.answer, disposed_at=at)
    )
    rows_changed(session, statement)


def reopen(session: Session, case_id: str, disposed: RepresentationsDisposed) -> None:
    """Take a reasoned answer back that was recorded and does not count. One statement."""
    statement = (
        update(Representation)
        .where(
            col(Representation.case_id) == case_id,
            col(Representation.number).in_(list(disposed.numbers)),
        )
        .values(disposition=None, answer=None, disposed_at=None)
    )
    rows_changed(session, statement)


def representations_of_case(
    session: Session,
    case_id: str,
    after: int = 0,
    limit: int = 100,
    numbers: Iterable[int] | None = None,
) -> list[Representation]:
    """Return representations by number, from the one that follows ``after``."""
    rows = select(Representation).where(
        col(Representation.case_id) == case_id, col(Representation.number) > after
    )
    if numbers is not None:
        rows = rows.where(col(Representation.number).in_(list(numbers)))
    return list(session.scalars(rows.order_by(col(Representation.number)).limit(limit)))


def find_by_receipt(session: Session, receipt: str) -> Representation | None:
    """Return the representation of a receipt, for its author to follow."""
    return session.scalar(select(Representation).where(col(Representation.receipt) == receipt))


def _locked(session: Session, case_id: str) -> CaseRow | None:
    # On SQLite the whole transaction is a lock. The weaker lock of PostgreSQL lets rows that refer
    # to the case come in meanwhile.
    return session.scalar(
        select(CaseRow)
        .where(col(CaseRow.case_id) == case_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
