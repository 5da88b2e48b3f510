"""From an uploaded list to the rows of a drive: read, mapped, checked, judged.

It owns the order of these steps and what they end with. Reading is in :mod:`casework.lists`, rows and verdicts
are in :mod:`casework.store` and :mod:`casework.drives.dry_run`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from casework.domain.drives import ListedRow
from casework.drives.dry_run import dry_run
from casework.lists.fields import ListField
from casework.lists.guessing import guess
from casework.lists.mapping import Mapping
from casework.lists.reading import read_table
from casework.lists.rows import parse_row
from casework.lists.table import Note, Table, TableRow
from casework.store.database import Database
from casework.store.drives.rows import RowCount, cells_of, every_row, put_rows
from casework.store.drives.states import begin_list, lock_unstarted


class NoListYet(Exception):
    """The drive has no list whose columns could be mapped."""


class MappingUnusable(Exception):
    """No rows can be read by this mapping. ``fields`` are those that name a column that the list does not have."""

    def __init__(self, reason: str, fields: Sequence[ListField] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = tuple(fields)


@dataclass(frozen=True, slots=True)
class TakenList:
    """A list that was kept: the table as read, a guess at its columns, and its rows read by that guess."""

    table: Table
    mapping: Mapping
    notes: tuple[Note, ...]
    rows: Sequence[ListedRow]


@dataclass(frozen=True, slots=True)
class TriedList:
    """The mapping by which the rows were judged, and how many got which verdict."""

    mapping: Mapping
    counts: list[RowCount]


def take_list(
    database: Database, drive_id: str, content: bytes, file_name: str | None, now: datetime
) -> TakenList:
    """Read a list and keep it in place of the one before; if it cannot be read, that one stays.

    Raises:
        ListFileError: the file is no list that can be read.
        DriveNotInState: the drive has been started.
        LookupError: there is no such drive.
    """
    with database.writing() as session:
        lock_unstarted(session, drive_id)
    table = read_table(content, file_name or "list")
    guessed = guess(table.columns, table.rows)
    rows = _read(guessed.mapping, table.rows)
    _keep(database, drive_id, file_name, guessed.mapping, rows, now)
    return TakenList(table, guessed.mapping, table.notes + guessed.notes, rows)


def confirm_mapping(
    database: Database, drive_id: str, fields: dict[ListField, str] | None, now: datetime
) -> TriedList:
    """Read the rows again by a mapping, by default the one there is, and give each its verdict.

    Raises:
        NoListYet: a list has to come first.
        MappingUnusable: no rows can be read by this mapping.
        ListChanged: another list or mapping came meanwhile.
        DriveNotInState: the drive has been started.
        LookupError: there is no such drive.
    """
    with database.writing() as session:
        drive = lock_unstarted(session, drive_id)
        seen, file_name = drive.state_at, drive.file_name
        columns: list[str] = json.loads(drive.list_columns or "[]")
        before: dict[ListField, str] = json.loads(drive.mapping or "null") or {}
    if not columns:
        raise NoListYet(drive_id)
    mapping = _mapping(columns, before if fields is None else fields)
    if mapping.fields != before:
        with database.reading() as session:
            table = [TableRow(r.line, cells_of(r)) for r in every_row(session, drive_id)]
        seen = _keep(database, drive_id, file_name, mapping, _read(mapping, table), now, seen)
    return TriedList(mapping, dry_run(database, drive_id, now, seen))


def _mapping(columns: Sequence[str], fields: dict[ListField, str]) -> Mapping:
    unknown = [field for field, column in fields.items() if column not in columns]
    if unknown:
        raise MappingUnusable("The list has no such column.", unknown)
    try:
        mapping = Mapping(columns=tuple(columns), fields=fields)
    except ValidationError as error:
        raise MappingUnusable("One column holds one field.") from error
    if not mapping.is_usable:
        raise MappingUnusable(
            "Name the column of the registration number, or those of a name and the province."
        )
    return mapping


def _read(mapping: Mapping, rows: Iterable[TableRow]) -> list[ListedRow]:
    return [parse_row(mapping, row) for row in rows]


def _keep(
    database: Database,
    drive_id: str,
    file_name: str | None,
    mapping: Mapping,
    rows: Sequence[ListedRow],
    now: datetime,
    seen: datetime | None = None,
) -> datetime:
    """Replace the rows in one transaction: half a list would look like a whole one."""
    with database.writing() as session:
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
