"""Targets of a fiscal year, and the figures that a forecast against them is made of."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.calendar import BANGKOK, fiscal_year_bounds
from casework.domain.forecast import Forecast, YearCounts, forecast
from casework.domain.policy import Everywhere
from casework.domain.stages import Stage
from casework.store._statements import upsert
from casework.store.drives.tables import EVERYWHERE, Target
from casework.store.tables import CaseRow, JournalRow


def set_target(
    session: Session, program: str, fiscal_year: int, province: str | None, target: int
) -> None:
    """Set how many certifications a fiscal year (B.E.) is to bring in a province, None: in the country.

    A target of 0 is a target; to have none, see :func:`drop_target`.
    """
    statement = upsert(session, Target).values(
        program=program, fiscal_year=fiscal_year, province=province or EVERYWHERE, target=target
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["program", "fiscal_year", "province"], set_={"target": target}
        )
    )


def drop_target(session: Session, program: str, fiscal_year: int, province: str | None) -> None:
    """Have no target there any more."""
    row = session.get(Target, (program, fiscal_year, province or EVERYWHERE))
    if row is not None:
        session.delete(row)


def targets_of(session: Session, program: str, fiscal_year: int) -> dict[str | None, int]:
    """Return the targets by province; that of the country stands under None."""
    rows = session.scalars(
        select(Target).where(col(Target.program) == program, col(Target.fiscal_year) == fiscal_year)
    )
    return {None if row.province == EVERYWHERE else row.province: row.target for row in rows}


def forecast_of(
    session: Session,
    program: str,
    fiscal_year: int,
    provinces: frozenset[str] | Everywhere = "*",
) -> tuple[Forecast, ...]:
    """Return the forecast of each province that has a case or a target, and of all together.

    ``provinces`` keeps the answer to those; the country's target counts only for the whole country.
    """
    targets = targets_of(session, program, fiscal_year)
    counts = counts_of_year(session, program, fiscal_year, targets)
    if provinces != "*":
        counts = tuple(c for c in counts if c.province in provinces)
    return forecast(counts, targets.get(None) if provinces == "*" else None)


def counts_of_year(
    session: Session, program: str, fiscal_year: int, targets: dict[str | None, int]
) -> tuple[YearCounts, ...]:
    """Return what has happened in a fiscal year (B.E.) in each province, in one statement."""
    opened = _within(col(CaseRow.opened_at), fiscal_year)
    granted = _within(col(CaseRow.granted_at), fiscal_year)
    applied = exists(
        select(col(JournalRow.case_id)).where(
            col(JournalRow.case_id) == col(CaseRow.case_id),
            col(JournalRow.type) == "ApplicationSubmitted",
        )
    )
    # Of most stages it is plain whether somebody applied; of a lapsed case only its journal knows.
    submitted = and_(
        col(CaseRow.stage).not_in([Stage.INVITED, Stage.DECLINED]),
        or_(col(CaseRow.stage) != Stage.LAPSED, applied),
    )
    failed = and_(opened, col(CaseRow.is_closed), col(CaseRow.granted_at).is_(None))
    under_way = and_(not_(col(CaseRow.is_closed)), col(CaseRow.granted_at).is_(None))
    rows = session.execute(
        select(
            col(CaseRow.province),
            _count(opened),
            _count(and_(opened, submitted)),
            _count(granted),
            _count(failed),
            _count(under_way),
        )
        .where(col(CaseRow.program) == program)
        .group_by(col(CaseRow.province))
    )
    found = {str(row[0]): tuple(row[1:]) for row in rows}
    provinces = sorted(found.keys() | {code for code in targets if code is not None})
    names = ("opened", "submitted", "certified", "failed", "under_way")
    return tuple(
        YearCounts(
            province=code,
            target=targets.get(code),
            **dict(zip(names, found.get(code, (0,) * len(names)), strict=True)),
        )
        for code in provinces
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _within(column: SQLColumnExpression[Any], fiscal_year: int) -> ColumnElement[bool]:
    first, last = fiscal_year_bounds(fiscal_year)
    begin = datetime.combine(first, time.min, BANGKOK)
    end = datetime.combine(last + timedelta(days=1), time.min, BANGKOK)
    return and_(column >= begin, column < end)
