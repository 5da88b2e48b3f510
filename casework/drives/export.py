"""The rows of a drive as a file: the list as it came, with what became of each line."""

import json
from collections.abc import Callable, Iterator

from casework.domain.drives import NEVER_RUN, DriveKind, RowOutcome, RowVerdict, Why
from casework.lists.export import ExportRow
from casework.lists.fields import ListField
from casework.store.database import Database
from casework.store.drives.rows import RowFilter, cells_of, list_rows, problems_of
from casework.store.drives.tables import Drive, DriveRow

_IN_ONE_PAGE = 1000


def columns_of(drive: Drive) -> tuple[str, ...]:
    """Return the columns of a drive's file: those of the list, or every field if there was no list."""
    if drive.kind is DriveKind.RETENTION:
        return tuple(field.value for field in ListField)
    return tuple(json.loads(drive.list_columns or "[]"))


def export_rows(
    database: Database, drive: Drive, wanted: RowFilter, *, only_unusable: bool
) -> Iterator[ExportRow]:
    """Yield the rows, reading a page at a time, so that a slow reader holds no transaction open."""
    cells = _cells_of_fields if drive.kind is DriveKind.RETENTION else cells_of
    for row in _pages(database, drive.id, wanted):
        if not only_unusable or is_unusable(row):
            yield _export_row(row, cells)


def is_unusable(row: DriveRow) -> bool:
    """Say whether the row has to be mended before anything can come of it."""
    return row.verdict in NEVER_RUN or row.outcome is RowOutcome.FAILED


def _pages(database: Database, drive_id: str, wanted: RowFilter) -> Iterator[DriveRow]:
    after = 0
    while True:
        with database.reading() as session:
            rows = list_rows(session, drive_id, wanted, after, _IN_ONE_PAGE)
        yield from rows
        if len(rows) < _IN_ONE_PAGE:
            return
        after = rows[-1].line


def _export_row(row: DriveRow, cells: Callable[[DriveRow], tuple[str, ...]]) -> ExportRow:
    return ExportRow(
        line=row.line,
        cells=cells(row),
        verdict=row.verdict or "",
        outcome=row.outcome or "",
        reason=reason_of(row),
    )


def _cells_of_fields(row: DriveRow) -> tuple[str, ...]:
    values = (getattr(row, field.value) for field in ListField)
    return tuple("" if value is None else str(value) for value in values)


def reason_of(row: DriveRow) -> str:
    """Say in a few words why the row has its outcome, or without one its verdict."""
    if row.outcome is RowOutcome.PENDING:
        return ""
    if row.outcome_why is not None and row.outcome_why is not Why.INVALID:
        return _REASONS[row.outcome_why].format(about=row.outcome_about or "?")
    if row.case_id is not None:
        return f"Case {row.case_id}."
    if row.verdict is RowVerdict.INVALID:
        found = problems_of(row)
        each = (f"{p.column}: {p.reason}" if p.column else p.reason for p in found)
        return " ".join(each) or f"Not enough is known: {row.verdict_about}."
    said = _REASONS_OF_VERDICTS.get(row.verdict or RowVerdict.NEW, "")
    return said.format(about=row.verdict_about or "?")


_REASONS: dict[Why, str] = {
    Why.ALREADY_CERTIFIED: "Certified already, in case {about}.",
    Why.INVITED_BEFORE: "Invited before, in case {about}.",
    Why.DUPLICATE: "The same establishment as line {about}.",
    Why.OUTSIDE_JURISDICTION: "The drive does not reach province {about}.",
    Why.NO_CONTACT: "Nobody can be written to: an e-mail address is missing.",
    Why.DRIVE_STOPPED: "The drive was stopped before its turn.",
    Why.BEING_APPLIED_FOR: "Somebody is applying for it at this moment, in case {about}.",
    Why.NO_ANSWER: "The engine did not answer.",
    Why.REFUSED: "The engine refused: {about}.",
}
_REASONS_OF_VERDICTS: dict[RowVerdict, str] = {
    RowVerdict.ALREADY_OPEN: "Its case {about} is open.",
    RowVerdict.ALREADY_CERTIFIED: _REASONS[Why.ALREADY_CERTIFIED],
    RowVerdict.INVITED_BEFORE: _REASONS[Why.INVITED_BEFORE],
    RowVerdict.DUPLICATE: _REASONS[Why.DUPLICATE],
    RowVerdict.OUTSIDE_JURISDICTION: _REASONS[Why.OUTSIDE_JURISDICTION],
    RowVerdict.NO_CONTACT: _REASONS[Why.NO_CONTACT],
}
