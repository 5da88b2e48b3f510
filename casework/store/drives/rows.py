"""The rows of a drive: put in, listed, counted, read out again."""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.drive import DriveProgress
from casework.domain._model import Frozen
from casework.domain.drives import (
    DriveState,
    ListedRow,
    ListedSite,
    RowOutcome,
    RowRemark,
    RowVerdict,
)
from casework.store.drives.states import DriveNotInState, lock_drive
from casework.store.drives.tables import DriveRow
from casework.store.search import searchable

MOST_ROWS = 50_000
"""The longest list."""

_IN_ONE_STATEMENT = 500


class TooManyRows(Exception):
    """The list is longer than 50,000 rows."""


class RowFilter(Frozen):
    """Which rows; all that is given has to hold."""

    verdict: RowVerdict | None = None
    outcome: RowOutcome | None = None
    province: str | None = None


@dataclass(frozen=True)
class RowCount:
    """How many rows of a province have a verdict and an outcome."""

    province: str | None
    verdict: RowVerdict | None
    outcome: RowOutcome | None
    rows: int


def put_rows(session: Session, drive_id: str, rows: Sequence[ListedRow]) -> None:
    """Add rows to the list that :func:`casework.store.drives.states.begin_list` began, a thousand or so at a time.

    Raises:
        DriveNotInState: the drive is no draft.
        TooManyRows: nothing was added.
    """
    if not rows:
        return
    drive = lock_drive(session, drive_id)
    if drive.state is not DriveState.DRAFT:
        raise DriveNotInState(drive_id, drive.state)
    if count_rows(session, drive_id) + len(rows) > MOST_ROWS:
        raise TooManyRows(drive_id)
    values = [_values(drive_id, row) for row in rows]
    for first in range(0, len(values), _IN_ONE_STATEMENT):
        session.execute(insert(DriveRow), values[first : first + _IN_ONE_STATEMENT])


def count_rows(session: Session, drive_id: str) -> int:
    """Return how many rows a drive has."""
    return (
        session.scalar(
            select(func.count()).select_from(DriveRow).where(col(DriveRow.drive_id) == drive_id)
        )
        or 0
    )


def list_rows(
    session: Session,
    drive_id: str,
    wanted: RowFilter | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[DriveRow]:
    """Return rows in the order of their lines, from the one that follows line ``after``."""
    rows = _wanted(drive_id, wanted).where(col(DriveRow.line) > after)
    return list(session.scalars(rows.order_by(col(DriveRow.line)).limit(limit)))


def every_row(
    session: Session, drive_id: str, wanted: RowFilter | None = None
) -> Generator[DriveRow]:
    """Yield all rows in the order of their lines, holding a thousand at a time."""
    after = 0
    while rows := list_rows(session, drive_id, wanted, after, 1000):
        yield from rows
        after = rows[-1].line
        session.expunge_all()


def count_by_province(session: Session, drive_id: str) -> list[RowCount]:
    """Return the summary of a drive in one statement."""
    by = (col(DriveRow.province), col(DriveRow.verdict), col(DriveRow.outcome))
    counted = (
        select(*by, func.count())
        .where(col(DriveRow.drive_id) == drive_id)
        .group_by(*by)
        .order_by(*by)
    )
    return [RowCount(*row) for row in session.execute(counted)]


def progress_of(session: Session, drive_id: str) -> DriveProgress:
    """Return the rows of a drive by outcome, in one statement. Before the start there are none."""
    counted = (
        select(col(DriveRow.outcome), func.count())
        .where(col(DriveRow.drive_id) == drive_id, col(DriveRow.outcome).is_not(None))
        .group_by(col(DriveRow.outcome))
    )
    found = {str(RowOutcome(outcome)): rows for outcome, rows in session.execute(counted)}
    return DriveProgress(**found)


def drive_of_case(session: Session, case_id: str) -> DriveRow | None:
    """Return the latest row that opened or joined a case."""
    rows = select(DriveRow).where(col(DriveRow.case_id) == case_id)
    return session.scalar(rows.order_by(col(DriveRow.done_at).desc()).limit(1))


def problems_of(row: DriveRow) -> tuple[RowRemark, ...]:
    """Return why a row cannot be used."""
    return _remarks(row.problems)


def notes_of(row: DriveRow) -> tuple[RowRemark, ...]:
    """Return which cells of a row were left out, and why."""
    return _remarks(row.notes)


def cells_of(row: DriveRow) -> tuple[str, ...]:
    """Return the cells of a row as they were uploaded."""
    return tuple(json.loads(row.cells))


def site_of(row: DriveRow) -> ListedSite:
    """Return the site of a row as the list describes it."""
    return ListedSite.model_construct(
        **{name: getattr(row, name) for name in ListedSite.model_fields}
    )


def _wanted(drive_id: str, wanted: RowFilter | None) -> Select[DriveRow]:
    rows = select(DriveRow).where(col(DriveRow.drive_id) == drive_id)
    if wanted is None:
        return rows
    if wanted.verdict is not None:
        rows = rows.where(col(DriveRow.verdict) == wanted.verdict)
    if wanted.outcome is not None:
        rows = rows.where(col(DriveRow.outcome) == wanted.outcome)
    if wanted.province is not None:
        rows = rows.where(col(DriveRow.province) == wanted.province)
    return rows


def _values(drive_id: str, row: ListedRow) -> dict[str, object]:
    site = row.site or ListedSite()
    problems = row.problems or (() if row.site else (RowRemark(reason="unreadable"),))
    return {
        "drive_id": drive_id,
        "line": row.line,
        "cells": json.dumps(row.cells, ensure_ascii=False),
        "problems": _json(problems),
        "notes": _json(row.notes),
        **site.model_dump(),
        "name_key_th": searchable(site.name_th) or None,
        "name_key_en": searchable(site.name_en) or None,
        "address_key": searchable(site.address) or None,
    }


def _remarks(text: str) -> tuple[RowRemark, ...]:
    return tuple(RowRemark.model_validate(remark) for remark in json.loads(text))


def _json(remarks: Sequence[RowRemark]) -> str:
    return json.dumps([remark.model_dump() for remark in remarks], ensure_ascii=False)
