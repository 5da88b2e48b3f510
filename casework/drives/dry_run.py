"""The dry run of a drive: a verdict for each row, and nothing written to any case.

A thousand rows at a time, each batch a short transaction of its own, so that the offices that
work meanwhile wait for none of it. A dry run that was broken off leaves a draft and is simply made
again; one that another list or another dry run overtakes ends, and the later one counts.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.drives import DriveTerms, Judged, Known, RowVerdict, judge_row
from casework.domain.duplicates import Places, Spot
from casework.store.cases.enrollments import GIVEN_UP_AFTER
from casework.store.database import Database
from casework.store.drives.drives import terms_of
from casework.store.drives.knowledge import known_to
from casework.store.drives.rows import (
    RowCount,
    count_by_province,
    list_rows,
    problems_of,
    site_of,
)
from casework.store.drives.states import begin_dry_run, lock_unstarted, mark_judged
from casework.store.drives.tables import DriveRow

BATCH = 1000

_NamedSpot = tuple[str, str, int, str | None, float | None, float | None, str | None]

_USABLE = "[]"
"""What stands in ``problems`` of a row that can be used."""


def dry_run(
    database: Database, drive_id: str, now: datetime, seen: datetime | None = None
) -> list[RowCount]:
    """Give every row its verdict, make the drive ready and return the counts.

    Args:
        database: where the rows are.
        drive_id: the drive.
        now: the present.
        seen: ``state_at`` of the drive when its list was looked at; by default any list will do.

    Raises:
        DriveNotInState: the drive has been started.
        ListChanged: another list or dry run came meanwhile.
        LookupError: there is no such drive.
    """
    with database.writing() as session:
        begun = begin_dry_run(session, drive_id, now, seen)
        find_duplicates(session, drive_id)
    after: int | None = 0
    while after is not None:
        with database.writing() as session:
            after = _judge_rows(session, drive_id, begun, now, after)
    with database.writing() as session:
        mark_judged(session, drive_id, begun, now)
        return count_by_province(session, drive_id)


def _judge_rows(
    session: Session, drive_id: str, begun: datetime, now: datetime, after: int
) -> int | None:
    """Judge the rows that follow a line; return the last one judged, None if there are no more.

    Sends 9 statements and one update for each row whose verdict is news.
    """
    drive = lock_unstarted(session, drive_id, begun)
    terms = terms_of(session, drive)
    rows = list_rows(session, drive_id, after=after, limit=BATCH)
    if not rows:
        return None
    usable = [row for row in rows if row.problems == _USABLE and row.duplicate_of is None]
    known = known_to(session, drive.program, usable)
    for row in rows:
        judged = _judge(row, terms, now, known)
        row.verdict, row.verdict_about = judged.verdict, judged.about
        if row.line in known:
            row.establishment_id = known[row.line].establishment
    session.flush()
    return rows[-1].line


def _judge(row: DriveRow, terms: DriveTerms, now: datetime, known: dict[int, Known]) -> Judged:
    if row.problems != _USABLE:
        return Judged(RowVerdict.INVALID, _column(row))
    if row.duplicate_of is not None:
        return Judged(RowVerdict.DUPLICATE, str(row.duplicate_of))
    return judge_row(site_of(row), known.get(row.line), terms, now, GIVEN_UP_AFTER)


def _column(row: DriveRow) -> str | None:
    named = next((p.column for p in problems_of(row) if p.column), None)
    return named[:64] if named else None


# --- Duplicates -------------------------------------------------------------------------------


def find_duplicates(session: Session, drive_id: str) -> None:
    """Note for each row that says what another says which line that is.

    The first line stands for the others; a line with an e-mail address goes before those without,
    so that nobody is lost for want of an address. Rows that cannot be used count for nothing.
    """
    _forget(session, drive_id)
    _same_number(session, drive_id)
    for name in (col(DriveRow.name_key_th), col(DriveRow.name_key_en)):
        _same_name(session, drive_id, name)


def _forget(session: Session, drive_id: str) -> None:
    session.execute(
        update(DriveRow)
        .where(col(DriveRow.drive_id) == drive_id, col(DriveRow.duplicate_of).is_not(None))
        .values(duplicate_of=None),
        execution_options={"synchronize_session": False},
    )


def _unreachable() -> ColumnElement[int]:
    return case((col(DriveRow.email).is_(None), 1), else_=0)


def _usable(drive_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(DriveRow.drive_id) == drive_id,
        col(DriveRow.problems) == _USABLE,
        col(DriveRow.duplicate_of).is_(None),
    )


def _same_number(session: Session, drive_id: str) -> None:
    first = (
        func.first_value(col(DriveRow.line))
        .over(
            partition_by=col(DriveRow.registration_no),
            order_by=(_unreachable(), col(DriveRow.line)),
        )
        .label("first")
    )
    ranked = (
        select(col(DriveRow.line), first)
        .where(*_usable(drive_id), col(DriveRow.registration_no).is_not(None))
        .subquery()
    )
    session.execute(
        update(DriveRow)
        .where(
            col(DriveRow.drive_id) == drive_id,
            col(DriveRow.line) == ranked.c.line,
            ranked.c.line != ranked.c.first,
        )
        .values(duplicate_of=ranked.c.first),
        execution_options={"synchronize_session": False},
    )


def _same_name(session: Session, drive_id: str, name: SQLColumnExpression[str | None]) -> None:
    # Counted in passing: joined with the names that are there twice, a list that has no statistics yet would
    # be gone through once for each of its rows.
    ranked = (
        select(
            name,
            col(DriveRow.province),
            col(DriveRow.line),
            col(DriveRow.registration_no),
            col(DriveRow.latitude),
            col(DriveRow.longitude),
            col(DriveRow.address_key),
            _unreachable().label("unreachable"),
            func.count().over(partition_by=(name, col(DriveRow.province))).label("named_so"),
        )
        .where(*_usable(drive_id), name.is_not(None), col(DriveRow.province).is_not(None))
        .subquery()
    )
    rows = session.execute(
        select(*list(ranked.c)[:7])
        .where(ranked.c.named_so > 1)
        .order_by(ranked.c.unreachable, ranked.c.line)
    )
    places: defaultdict[tuple[str, str], Places] = defaultdict(Places)
    duplicates: list[dict[str, object]] = []
    for named, province, line, number, latitude, longitude, address in cast(
        "Iterable[_NamedSpot]", rows
    ):
        here = Spot(line, number, latitude, longitude, address)
        known = places[named, province].find_or_add(here)
        if known is not None:
            duplicates.append({"drive_id": drive_id, "line": here.line, "duplicate_of": known.line})
    if duplicates:
        session.execute(update(DriveRow), duplicates)
