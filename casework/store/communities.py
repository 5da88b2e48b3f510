"""The communities around a site: named by the application, corrected by staff, told when the feedback period opens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain._model import Frozen, Line
from casework.domain.communities import CommunityKind
from casework.domain.email import Email
from casework.store.outbox import COMMUNITY
from casework.store.tables import CaseRow, Community, NoticeRow

MOST_COMMUNITIES = 20
"""Of one case."""


class CommunityUnknown(Exception):
    """A community is to be kept under a number that none of the case has; ``number`` says which."""

    def __init__(self, number: int) -> None:
        super().__init__(f"there is no community {number}")
        self.number = number


class NewCommunity(Frozen):
    """A community as somebody describes it; ``number`` is that of the one it corrects."""

    number: int | None = None
    kind: CommunityKind
    name: Line
    email: Email | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    address: Line | None = None
    language: Literal["th", "en"] = "th"


def put_communities(
    session: Session, case_id: str, wanted: Sequence[NewCommunity], by: str, now: datetime
) -> list[Community]:
    """Make these the communities of a case, and return their rows by number.

    A number is given once, so that in the outbox it stands for one community for ever. ``by`` is the
    reference of who says so.

    Raises:
        CommunityUnknown: one is to be corrected that the case does not have.
    """
    # Whoever comes second sees what the first has said.
    case = select(col(CaseRow.case_id)).where(col(CaseRow.case_id) == case_id)
    session.execute(case.with_for_update(key_share=True))
    known = {row.number: row for row in communities_of_case(session, case_id)}
    for new in wanted:
        if new.number is not None and new.number not in known:
            raise CommunityUnknown(new.number)
    kept = {new.number for new in wanted}
    if gone := known.keys() - kept:
        session.execute(
            delete(Community).where(
                col(Community.case_id) == case_id, col(Community.number).in_(gone)
            )
        )
    last = max([*known, *_numbers_in_outbox(session, case_id)], default=0)
    for new in wanted:
        described = new.model_dump(exclude={"number"})
        row = known.get(new.number) if new.number is not None else None
        if row is None:
            last += 1
            row = Community(
                case_id=case_id, number=last, changed_by=by, changed_at=now, **described
            )
            session.add(row)
        elif row.model_dump(include=set(described)) != described:
            row.sqlmodel_update({**described, "changed_by": by, "changed_at": now})
    session.flush()
    return communities_of_case(session, case_id)


def communities_of_case(session: Session, case_id: str) -> list[Community]:
    """Return the communities of a case by number."""
    rows = (
        select(Community)
        .where(col(Community.case_id) == case_id)
        .order_by(col(Community.number))
        .limit(MOST_COMMUNITIES)
    )
    return list(session.scalars(rows))


def find_community(session: Session, case_id: str, number: int) -> Community | None:
    """Return one community of a case."""
    return session.get(Community, (case_id, number))


def count_communities(session: Session, case_id: str) -> tuple[int, int]:
    """Count the communities of a case: those with an e-mail address, and those without."""
    row = session.execute(
        select(func.count(col(Community.email)), func.count()).where(
            col(Community.case_id) == case_id
        )
    ).one()
    return row[0], row[1] - row[0]


def _numbers_in_outbox(session: Session, case_id: str) -> list[int]:
    """Return the numbers of communities that were written to, also of those that are gone."""
    written = session.scalars(
        select(col(NoticeRow.recipient)).where(
            col(NoticeRow.case_id) == case_id, col(NoticeRow.recipient).startswith(COMMUNITY)
        )
    )
    return [int(recipient.removeprefix(COMMUNITY)) for recipient in written]
