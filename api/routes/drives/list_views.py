"""From an uploaded list to the rows of a drive: read, mapped, checked, judged.

It owns the order of these steps and the problems they end with. Reading is in :mod:`casework.lists`,
rows and verdicts are in :mod:`casework.store`.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from api.http.errors import FieldError, Problem, pointer_to
from api.http.fields import RequestBody
from api.routes.drives.access import state_errors_as_409
from api.routes.drives.views import ProvinceSummary, verdicts_of
from casework.domain.drives import DriveState, ListedSite, RowVerdict
from casework.drives.dry_run import dry_run
from casework.lists.faults import ListFileError
from casework.lists.fields import ListField
from casework.lists.mapping import Mapping, guess
from casework.lists.reading import read_table
from casework.lists.rows import RowProblem, parse_row
from casework.lists.table import Table, TableRow
from casework.store.database import Database
from casework.store.drives import rows as drive_rows
from casework.store.drives.rows import NewDriveRow, RowCount, cells_of, every_row, put_rows
from casework.store.drives.states import begin_list, lock_unstarted

_SHOWN_ROWS = 5


class NoteView(BaseModel):
    """Something to know about the list, although it could be read."""

    code: str
    text: str


class ListedRow(BaseModel):
    """A row as it was read; ``line`` is where in the file, or the row of the sheet."""

    line: int
    cells: tuple[str, ...]


class ListTaken(BaseModel):
    """The list that was read, and a first guess at what its columns hold. Confirm it, or correct it."""

    drive: str
    file_name: str | None
    encoding: Annotated[str | None, Field(description="Null for a workbook.")]
    delimiter: str | None
    sheet: Annotated[str | None, Field(description="Null for delimited text.")]
    header_line: int
    columns: tuple[str, ...]
    fields: Annotated[
        dict[ListField, str], Field(description="The guess: for each field the column it is in.")
    ]
    unmapped: Annotated[tuple[str, ...], Field(description="Columns that hold no field.")]
    is_usable: Annotated[
        bool, Field(description="Rows can be told apart by a number, or by name and province.")
    ]
    notes: tuple[NoteView, ...]
    rows: int
    unusable: Annotated[int, Field(description="Rows that cannot be used if the guess holds.")]
    first_rows: tuple[ListedRow, ...]


class MappingBody(RequestBody):
    """For each field the column that holds it. Without ``fields`` the mapping stays as it is."""

    fields: dict[ListField, Annotated[str, Field(max_length=32_767)]] | None = None


class DryRunView(BaseModel):
    """What the drive would do. Nothing has been opened and nobody written to."""

    drive: str
    state: DriveState
    fields: dict[ListField, str]
    rows: int
    verdicts: dict[RowVerdict, int]
    by_province: tuple[ProvinceSummary, ...]

    @classmethod
    def of(
        cls, drive_id: str, fields: dict[ListField, str], counts: list[RowCount]
    ) -> "DryRunView":
        """Show the counts of a dry run."""
        return cls(
            drive=drive_id,
            state=DriveState.READY,
            fields=fields,
            rows=sum(count.rows for count in counts),
            verdicts=verdicts_of(counts),
            by_province=ProvinceSummary.all_of(counts),
        )


def take_list(
    database: Database, drive_id: str, content: bytes, file_name: str | None, now: datetime
) -> ListTaken:
    """Read a list and keep it in place of the one before; if it cannot be read, that one stays.

    Raises:
        Problem: the file is no list that can be read, or the drive has been started.
    """
    with state_errors_as_409(), database.writing() as session:
        lock_unstarted(session, drive_id)
    try:
        table = read_table(content, file_name or "list")
    except ListFileError as error:
        raise _unreadable(error) from error
    mapping = guess(table.columns)
    rows = _rows(mapping, table.rows)
    _keep(database, drive_id, file_name, mapping, rows, now)
    return _taken(drive_id, file_name, table, mapping, rows)


def confirm_mapping(
    database: Database, drive_id: str, asked: MappingBody, now: datetime
) -> DryRunView:
    """Read the rows again by this mapping, and give each its verdict.

    Raises:
        Problem: there is no list, it changed meanwhile, the mapping cannot be used, or the drive
            has been started.
    """
    with state_errors_as_409(), database.writing() as session:
        drive = lock_unstarted(session, drive_id)
        seen, file_name = drive.state_at, drive.file_name
        columns: list[str] = json.loads(drive.list_columns or "[]")
        before: dict[ListField, str] = json.loads(drive.mapping or "null") or {}
    if not columns:
        raise Problem("list-missing", "Upload the list first.")
    mapping = _mapping(columns, before if asked.fields is None else asked.fields)
    if mapping.fields != before:
        with database.reading() as session:
            table = [TableRow(r.line, cells_of(r)) for r in every_row(session, drive_id)]
        seen = _keep(database, drive_id, file_name, mapping, _rows(mapping, table), now, seen)
    with state_errors_as_409():
        counts = dry_run(database, drive_id, now, seen)
    return DryRunView.of(drive_id, mapping.fields, counts)


def _mapping(columns: Sequence[str], fields: dict[ListField, str]) -> Mapping:
    wrong = [
        FieldError(pointer=pointer_to("fields", field), detail="The list has no such column.")
        for field, column in fields.items()
        if column not in columns
    ]
    if wrong:
        raise Problem("mapping-unusable", "The list has no such column.", errors=wrong)
    try:
        mapping = Mapping(columns=tuple(columns), fields=fields)
    except ValidationError as error:
        raise _mapping_unusable("One column holds one field.") from error
    if not mapping.is_usable:
        raise _mapping_unusable(
            "Name the column of the registration number, or those of a name and the province."
        )
    return mapping


def _mapping_unusable(reason: str) -> Problem:
    return Problem(
        "mapping-unusable", reason, errors=[FieldError(pointer="/fields", detail=reason)]
    )


def _rows(mapping: Mapping, rows: Iterable[TableRow]) -> list[NewDriveRow]:
    return [_row(mapping, row) for row in rows]


def _row(mapping: Mapping, row: TableRow) -> NewDriveRow:
    parsed = parse_row(mapping, row)
    if isinstance(parsed, tuple):
        return NewDriveRow(line=row.line, cells=row.cells, problems=_problems(parsed))
    # The two models agree today; if they ever do not, the row is named and the upload goes on.
    try:
        site = ListedSite(**parsed.model_dump(exclude={"line"}))
    except ValidationError as error:
        found = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
        columns = {field.value: column for field, column in mapping.fields.items()}
        problems = [
            drive_rows.Problem(
                column=columns.get(name), code="unfit", reason="This cannot be kept."
            )
            for name in sorted(found)
        ]
        return NewDriveRow(line=row.line, cells=row.cells, problems=tuple(problems))
    return NewDriveRow(line=row.line, cells=row.cells, site=site)


def _problems(found: Iterable[RowProblem]) -> tuple[drive_rows.Problem, ...]:
    return tuple(drive_rows.Problem(column=p.column, code=p.code, reason=p.reason) for p in found)


def _keep(
    database: Database,
    drive_id: str,
    file_name: str | None,
    mapping: Mapping,
    rows: list[NewDriveRow],
    now: datetime,
    seen: datetime | None = None,
) -> datetime:
    """Replace the rows in one transaction: half a list would look like a whole one."""
    with state_errors_as_409(), database.writing() as session:
        begun = begin_list(
            session,
            drive_id,
            file_name=file_name,
            columns=mapping.columns,
            mapping={field.value: column for field, column in mapping.fields.items()},
            now=now,
            seen=seen,
        )
        put_rows(session, drive_id, rows)
    return begun


def _taken(
    drive_id: str,
    file_name: str | None,
    table: Table,
    mapping: Mapping,
    rows: list[NewDriveRow],
) -> ListTaken:
    return ListTaken(
        drive=drive_id,
        file_name=file_name,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        header_line=table.header_line,
        columns=table.columns,
        fields=mapping.fields,
        unmapped=mapping.unmapped,
        is_usable=mapping.is_usable,
        notes=tuple(NoteView(code=note.code, text=note.text) for note in table.notes),
        rows=len(rows),
        unusable=sum(1 for row in rows if row.problems),
        first_rows=tuple(
            ListedRow(line=row.line, cells=row.cells) for row in table.rows[:_SHOWN_ROWS]
        ),
    )


def _unreadable(error: ListFileError) -> Problem:
    where = "" if error.line is None else f" (line {error.line})"
    detail = f"{error.reason}{where}"
    return Problem("list-unreadable", detail, fault=error.code, line=error.line)
