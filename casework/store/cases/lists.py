"""Lists and queues of cases, as far as a principal may see them.

:func:`visible` is the policy of :func:`casework.domain.policy.may_see` as SQL. Whatever reads cases
for somebody goes through it: single reads, lists, search and export.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    and_,
    false,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import QueryableAttribute, Session, aliased, defer
from sqlmodel import col

from casework.domain._model import Frozen, Instant
from casework.domain.actors import ActorKind
from casework.domain.policy import Everywhere, Principal
from casework.domain.stages import Stage
from casework.store.search import establishment_matches, searchable
from casework.store.tables import END_OF_TIME, CaseRow, Establishment

_CASE_ID = re.compile(r"[a-z]{2,8}-([a-z2-7]{1,12})$")
_LETTERS = 12
_AFTER_LETTERS = "{"
"""The character after z."""

_SNAPSHOT = cast("QueryableAttribute[str]", CaseRow.snapshot)

MOST_ITEMS = 200
"""The longest page."""

Place = tuple[datetime, str]
"""Where a case stands in the queue: when it is due, or the end of time, and its id."""


class CaseFilter(Frozen):
    """What to list. All that is given has to hold; ``due_before`` is exclusive, in UTC.

    ``text`` is sought inside the establishment's names, address and registration number; a text
    that is the id of a case finds that case.
    """

    stage: Stage | None = None
    province: str | None = None
    program: str | None = None
    officer: str | None = None
    is_closed: bool | None = None
    due_before: Instant | None = None
    text: str | None = None


@dataclass(frozen=True)
class CaseItem:
    """One case in a list: its read model (the snapshot is not loaded) and whose it is."""

    case: CaseRow
    name_th: str | None
    name_en: str | None
    registration_no: str | None


@dataclass(frozen=True)
class CasePage:
    """Some cases and the place after which the next page begins, None at the end."""

    items: tuple[CaseItem, ...]
    end: Place | None


def visible(principal: Principal) -> ColumnElement[bool]:
    """Return the condition that the principal may see a :class:`CaseRow`."""
    ways: list[ColumnElement[bool]] = []
    if ActorKind.APPLICANT in principal.kinds and principal.establishment is not None:
        ways.append(col(CaseRow.establishment_id) == principal.establishment)
    if principal.is_staff:
        ways.append(
            and_(
                _covered(col(CaseRow.province), principal.provinces),
                _covered(col(CaseRow.program), principal.programs),
            )
        )
    return or_(false(), *ways)


def find_visible_case(session: Session, principal: Principal, case_id: str) -> CaseRow | None:
    """Return a case, or None if there is none or the principal may not see it."""
    return session.scalar(
        select(CaseRow).where(col(CaseRow.case_id) == case_id, visible(principal))
    )


def list_cases(
    session: Session,
    principal: Principal,
    wanted: CaseFilter | None = None,
    after: Place | None = None,
    limit: int = 50,
) -> CasePage:
    """Return the cases the principal may see, the earliest due first, those without a date last.

    A page begins after a place and not after a number of items, so that cases that come in meanwhile
    neither repeat nor hide others. One statement.

    Args:
        session: a transaction.
        principal: who asks.
        wanted: what to list; everything without it.
        after: where the page before ended.
        limit: items on a page, at most 200.
    """
    limit = max(1, min(limit, MOST_ITEMS))
    order = (col(CaseRow.queue_at), col(CaseRow.case_id))
    found = select(col(CaseRow.case_id)).where(visible(principal)).order_by(*order).limit(limit + 1)
    if after is not None:
        found = found.where(tuple_(*order) > tuple_(*after))
    if wanted is not None:
        found = _narrowed(session, found, wanted)
    # First the page, then its rows and names: a sort carries nothing but ids.
    page = found.subquery()
    rows = (
        select(
            CaseRow,
            col(Establishment.name_th),
            col(Establishment.name_en),
            col(Establishment.registration_no),
        )
        .join(page, page.c.case_id == col(CaseRow.case_id))
        .outerjoin(Establishment, col(Establishment.id) == col(CaseRow.establishment_id))
        .order_by(*order)
        .options(defer(_SNAPSHOT, raiseload=True))
    )
    items = tuple(CaseItem(*row) for row in session.execute(rows))
    page = items[:limit]
    return CasePage(items=page, end=_place(page[-1].case) if len(items) > limit else None)


def _place(row: CaseRow) -> Place:
    return row.queue_at, row.case_id


def _covered(
    column: SQLColumnExpression[str], scope: frozenset[str] | Everywhere
) -> ColumnElement[bool]:
    if scope == "*":
        return true()
    return column.in_(sorted(scope)) if scope else false()


def _narrowed(session: Session, found: Select[str], wanted: CaseFilter) -> Select[str]:
    if wanted.stage is not None:
        found = found.where(col(CaseRow.stage) == wanted.stage)
    if wanted.province is not None:
        found = found.where(col(CaseRow.province) == wanted.province)
    if wanted.program is not None:
        found = found.where(col(CaseRow.program) == wanted.program)
    if wanted.officer is not None:
        found = found.where(col(CaseRow.officer) == wanted.officer)
    if wanted.is_closed is not None:
        found = found.where(_is_closed(wanted.is_closed))
    if wanted.due_before is not None:
        found = found.where(col(CaseRow.queue_at) < wanted.due_before)
    if wanted.text is not None and wanted.text.strip():
        found = _with_text(session, found, wanted.text)
    return found


def _is_closed(wanted: bool) -> ColumnElement[bool]:
    if not wanted:
        return not_(col(CaseRow.is_closed))
    # Nothing is due any more in a closed case; to say so leads along the index of the queue.
    return and_(col(CaseRow.is_closed), col(CaseRow.queue_at) == END_OF_TIME)


def _with_text(session: Session, found: Select[str], text: str) -> Select[str]:
    """Keep the cases whose establishment holds the text, or whose id it is."""
    named = _CASE_ID.match(searchable(text))
    if named is None:
        matches = establishment_matches(session, text, col(CaseRow.establishment_id))
        return found.join(
            Establishment, col(Establishment.id) == col(CaseRow.establishment_id)
        ).where(matches)
    begin = named.group()
    if len(named.group(1)) == _LETTERS:
        return found.where(col(CaseRow.case_id) == begin)
    # Two lists, each with its index, and not an OR across two tables, which has none.
    row = aliased(CaseRow)
    by_id = select(col(row.case_id)).where(
        col(row.case_id) >= begin, col(row.case_id) < begin + _AFTER_LETTERS
    )
    by_text = (
        select(col(row.case_id))
        .join(Establishment, col(Establishment.id) == col(row.establishment_id))
        .where(establishment_matches(session, text, col(row.establishment_id)))
    )
    return found.where(col(CaseRow.case_id).in_(by_id.union_all(by_text)))
