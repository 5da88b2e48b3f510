"""The rows of a drive as a file: the list as it came, with what became of each line."""

import json
from collections.abc import Callable, Iterator

from casework.domain.drives import NEVER_RUN, DriveKind, RowOutcome, RowRemark, RowVerdict, Why
from casework.domain.refusals import RefusalCode
from casework.lists.export import ExportRow
from casework.lists.fields import ListField
from casework.programs.provinces import provinces
from casework.store.database import Database
from casework.store.drives.rows import RowFilter, cells_of, list_rows, notes_of, problems_of
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
    """Say in words why the row has its outcome, or without one its verdict, and which cells were left out."""
    left_out = (f"{_said(note)} This cell was left out." for note in notes_of(row))
    return " ".join(filter(None, (_why(row), *left_out)))


def _why(row: DriveRow) -> str:
    if row.outcome is RowOutcome.PENDING:
        return ""
    if row.outcome_why is Why.REFUSED:
        return _REFUSED.get(row.outcome_about or "", _REFUSED_BY_RULES)
    if row.outcome_why is not None and row.outcome_why is not Why.INVALID:
        return _with(_REASONS[row.outcome_why], row.outcome_about)
    if row.case_id is not None:
        return f"Case {row.case_id}."
    if row.verdict is RowVerdict.INVALID:
        return " ".join(map(_said, problems_of(row))) or _MISSING[row.verdict_about or "name"]
    return _with(_REASONS_OF_VERDICTS.get(row.verdict or RowVerdict.NEW, ""), row.verdict_about)


def _said(remark: RowRemark) -> str:
    return f"{remark.column}: {remark.reason}" if remark.column else remark.reason


def _with(reason: str, about: str | None) -> str:
    found = provinces().get(about or "")
    province = f"{found.name_en} ({found.name_th})" if found else about
    return reason.format(about=about or "?", province=province or "?")


_REASONS: dict[Why, str] = {
    Why.ALREADY_CERTIFIED: "Certified already, in case {about}.",
    Why.INVITED_BEFORE: "Invited before, in case {about}.",
    Why.DUPLICATE: "The same establishment as line {about}.",
    Why.OUTSIDE_JURISDICTION: "The drive does not reach {province}.",
    Why.NO_CONTACT: "Nobody can be written to: an e-mail address is missing.",
    Why.DRIVE_STOPPED: "The drive was stopped before its turn.",
    Why.BEING_APPLIED_FOR: "Somebody is applying for it at this moment, in case {about}.",
    Why.NO_ANSWER: "The case could not be opened in time. Run the failed rows again.",
}
_REASONS_OF_VERDICTS: dict[RowVerdict, str] = {
    RowVerdict.ALREADY_OPEN: "Its case {about} is open.",
    RowVerdict.ALREADY_CERTIFIED: _REASONS[Why.ALREADY_CERTIFIED],
    RowVerdict.INVITED_BEFORE: _REASONS[Why.INVITED_BEFORE],
    RowVerdict.DUPLICATE: _REASONS[Why.DUPLICATE],
    RowVerdict.OUTSIDE_JURISDICTION: _REASONS[Why.OUTSIDE_JURISDICTION],
    RowVerdict.NO_CONTACT: _REASONS[Why.NO_CONTACT],
}
_MISSING = {
    "name": "Nothing is on file under this registration number, so the row needs a name.",
    "province": "Nothing is on file under this registration number, so the row needs a province.",
}

_NOT_TAKEN = (
    "The case could not be opened, and trying again will not help: the workflow server does not take it. "
    "Tell whoever runs the system."
)
_REFUSED_BY_RULES = (
    "The case could not be opened: its rules allow no invitation at this moment. "
    "Look for a case of this establishment."
)
# By the code that the row keeps for whoever runs the system.
_REFUSED: dict[str, str] = {
    "invalid_argument": _NOT_TAKEN,
    "failed_precondition": _NOT_TAKEN,
    RefusalCode.ENGINE_FAULT: "The case could not be opened because of a fault in the system. "
    "Tell whoever runs it, then run the failed rows again.",
    RefusalCode.KEY_REUSED: "The case could not be opened: another request used its key. "
    "Run the failed rows again.",
    RefusalCode.ACT_UNKNOWN: "The case could not be opened: part of the system is of an older version. "
    "Run the failed rows again when its update has ended.",
}
