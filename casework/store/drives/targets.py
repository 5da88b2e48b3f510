"""Targets of a fiscal year, and the figures that a forecast against them is made of."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    case,
    exists,
    false,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.calendar import BANGKOK, fiscal_year_bounds
from casework.domain.forecast import (
    BEGINS_WITH,
    PART_OF_STAGE,
    Ended,
    Forecast,
    Horizon,
    Part,
    YearCounts,
    forecast,
)
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
    horizon: Horizon,
    provinces: frozenset[str] | Everywhere = "*",
) -> tuple[Forecast, ...]:
    """Return the forecast of each province that has a case or a target, and of all together.

    ``provinces`` keeps the answer to those; the country's target counts only for the whole country.
    """
    targets = targets_of(session, program, horizon.fiscal_year)
    counts = counts_of_year(session, program, horizon, targets)
    if provinces != "*":
        counts = tuple(c for c in counts if c.province in provinces)
    country_target = targets.get(None) if provinces == "*" else None
    return forecast(counts, horizon.fiscal_year, country_target)


def counts_of_year(
    session: Session, program: str, horizon: Horizon, targets: dict[str | None, int]
) -> tuple[YearCounts, ...]:
    """Return what has happened in a fiscal year in each province, and what still can, in one statement."""
    opened = _within(col(CaseRow.opened_at), horizon.fiscal_year)
    granted = _within(col(CaseRow.granted_at), horizon.fiscal_year)
    # Of most stages it is plain whether somebody applied; of a lapsed case only its journal knows.
    submitted = and_(
        col(CaseRow.stage).not_in([Stage.INVITED, Stage.DECLINED]),
        or_(col(CaseRow.stage) != Stage.LAPSED, _came_to(Part.APPLICATION)),
    )
    is_open = and_(not_(col(CaseRow.is_closed)), col(CaseRow.granted_at).is_(None))
    # A closed case changes no more: its last change is its end.
    failed = and_(
        col(CaseRow.is_closed),
        col(CaseRow.granted_at).is_(None),
        _within(col(CaseRow.changed_at), horizon.fiscal_year),
    )
    wanted: dict[str, ColumnElement[bool]] = {
        "opened": opened,
        "submitted": and_(opened, submitted),
        "certified": granted,
        "under_way": is_open,
    }
    for part in Part:
        wanted[f"certified {part}"] = and_(granted, _came_to(part))
        wanted[f"failed {part}"] = and_(failed, _came_to(part))
        wanted[f"in time {part}"] = and_(is_open, _in_time(part, horizon))
    rows = session.execute(
        select(col(CaseRow.province), *(_count(condition) for condition in wanted.values()))
        .where(col(CaseRow.program) == program)
        .group_by(col(CaseRow.province))
    )
    found = {str(row[0]): dict(zip(wanted, row[1:], strict=True)) for row in rows}
    provinces = sorted(found.keys() | {code for code in targets if code is not None})
    return tuple(_counts(code, targets.get(code), found.get(code, {})) for code in provinces)


def _counts(province: str, target: int | None, found: dict[str, int]) -> YearCounts:
    def number(name: str) -> int:
        return found.get(name, 0)

    ended = {
        part: Ended(certified=number(f"certified {part}"), failed=number(f"failed {part}"))
        for part in Part
    }
    in_time = {part: number(f"in time {part}") for part in Part}
    return YearCounts(
        province=province,
        target=target,
        opened=number("opened"),
        submitted=number("submitted"),
        certified=number("certified"),
        under_way=number("under_way"),
        ended={part: each for part, each in ended.items() if each != Ended()},
        in_time={part: cases for part, cases in in_time.items() if cases},
    )


def _came_to(part: Part) -> ColumnElement[bool]:
    return exists(
        select(col(JournalRow.case_id)).where(
            col(JournalRow.case_id) == col(CaseRow.case_id),
            col(JournalRow.type) == BEGINS_WITH[part],
        )
    )


def _in_time(part: Part, horizon: Horizon) -> ColumnElement[bool]:
    """Say whether an open case is at this part and can still be certified in the year."""
    if horizon.now >= horizon.ends:
        return false()
    here = col(CaseRow.stage).in_([stage for stage, of in PART_OF_STAGE.items() if of is part])
    match part:
        case Part.DECISION:
            return here
        case Part.FEEDBACK:
            return and_(here, col(CaseRow.due_at) <= horizon.ends)
        case _:
            versions = [v for v, by in horizon.feedback_by.items() if horizon.now < by]
            return and_(here, col(CaseRow.program_version).in_(versions))


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _within(column: SQLColumnExpression[Any], fiscal_year: int) -> ColumnElement[bool]:
    first, last = fiscal_year_bounds(fiscal_year)
    begin = datetime.combine(first, time.min, BANGKOK)
    end = datetime.combine(last + timedelta(days=1), time.min, BANGKOK)
    return and_(column >= begin, column < end)
