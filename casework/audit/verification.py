"""Prove that a case's journal was not altered, and that the case is what its journal adds up to."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import col

from casework.domain.calendar import WorkCalendar, local_date
from casework.domain.case import Case, Terms, evolve
from casework.domain.events import CalendarAdopted
from casework.domain.stages import ImpossibleTransition
from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.programs.holidays import work_calendar
from casework.store.cases.casebook import find_case, read_journal, read_line, verify_chain
from casework.store.database import DATABASE_AWAY, Database
from casework.store.tables import CaseRow, JournalRow
from casework.store.texts import flaws_of_texts

_PAGE = 500
_MOST_CHARACTERS_OF_A_REASON = 300


class Verdict(NamedTuple):
    """What was compared, and every difference found. Without one, the case is in order."""

    events: int
    remark: str
    differences: tuple[str, ...]


def case_ids(database: Database) -> Iterator[str]:
    """Yield the ids of all cases in order, page by page, so that no long transaction is open."""
    after = ""
    while True:
        with database.reading() as session:
            page = (
                select(col(CaseRow.case_id))
                .where(col(CaseRow.case_id) > after)
                .order_by(col(CaseRow.case_id))
                .limit(_PAGE)
            )
            ids = list(session.scalars(page))
        if not ids:
            return
        yield from ids
        after = ids[-1]


def verify_case(
    database: Database, catalog: ProgramCatalog, case_id: str, holidays_file: Path | None = None
) -> Verdict:
    """Check the chain of the journal, then fold its events and compare with the read model.

    A case that cannot be read is a finding like any other, so that those after it are still looked at. Due dates
    depend on the holidays the case opened with, which the journal does not hold. They are compared only when the
    holidays known today give the calendar that the case has.

    Raises:
        DATABASE_AWAY: one of these, while the database does not answer.
    """
    try:
        return _compare(database, catalog, case_id, holidays_file)
    except DATABASE_AWAY:
        raise
    except NoSuchVersion as error:
        return Verdict(0, "", (str(error),))
    except Exception as error:
        # Whatever a damaged row makes fail: its reader, its model, its calendar.
        reason = " ".join(str(error).split())[:_MOST_CHARACTERS_OF_A_REASON]
        return Verdict(0, "", (f"it cannot be read: {type(error).__name__}: {reason}",))


def _compare(
    database: Database, catalog: ProgramCatalog, case_id: str, holidays_file: Path | None
) -> Verdict:
    with database.reading() as session:
        row = find_case(session, case_id)
        if row is None:
            return Verdict(0, "", ("there is no such case",))
        rows: list[JournalRow] = []
        while page := read_journal(session, case_id, after=len(rows), limit=_PAGE):
            rows += page
        flaws = flaws_of_texts(session, case_id, [line.body for line in rows])
    broken = verify_chain(rows, row.version)
    if broken is not None:
        return Verdict(
            len(rows), "", (f"the journal is broken at event {broken.seq}: {broken.reason}",)
        )
    lines = [read_line(line) for line in rows]
    calendar = _calendar_of(local_date(row.opened_at).year, holidays_file)
    adopted = any(isinstance(line.event, CalendarAdopted) for line in lines)
    knows_holidays = calendar.revision == row.calendar_revision and not adopted
    rules = catalog.get(row.program, row.program_version).rules()
    case = Case(
        terms=Terms(
            case_id=case_id,
            establishment=row.establishment_id,
            province=row.province,
            rules=rules,
            calendar=calendar,
        )
    )
    try:
        for line in lines:
            case = evolve(case, line)
    except (ValueError, ImpossibleTransition) as error:
        return Verdict(len(rows), "", (f"the events do not follow one another: {error}",))
    remark = (
        "as its journal says"
        if knows_holidays
        else "as its journal says; due dates not compared, the holidays have changed since"
    )
    differences = (*flaws, *_differences(case, row, dates=knows_holidays))
    return Verdict(len(rows), remark, differences)


def _calendar_of(year: int, holidays_file: Path | None) -> WorkCalendar:
    """Return the calendar that a case got which opened in this year: of the year and its neighbors."""
    return work_calendar(date(year - 1, 1, 1), years=3, override_file=holidays_file)


def _differences(case: Case, row: CaseRow, *, dates: bool) -> Iterator[str]:
    folded = case.model_dump(mode="json", exclude={"terms"})
    stored = Case.restore(case.terms, row.snapshot).model_dump(mode="json", exclude={"terms"})
    for field in folded:
        if field == "running" and not dates:
            continue
        if folded[field] != stored[field]:
            yield f"{field} is {stored[field]} and should be {folded[field]}"
    columns = {
        "stage": case.stage,
        "officer": case.officer,
        "inspector": case.inspector,
        "level": case.level,
        "granted_at": case.granted_at,
        "valid_until": case.valid_until,
        "is_closed": case.is_closed,
        "register_entry": case.register_entry,
    }
    for name, value in columns.items():
        if getattr(row, name) != value:
            yield f"the column {name} is {getattr(row, name)} and should be {value}"
