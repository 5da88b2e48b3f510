"""Workbooks (XLSX): copied and measured first, then read by calamine.

Calamine reads 50,000 rows in a second, but lays a sheet out as one dense block: a file of two kilobytes with a
cell in the last corner of its sheet would end the process. See :mod:`casework.lists._safe_copy` for what is done
about that.
"""

import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from casework.lists._cells import received
from casework.lists._safe_copy import Measured, safe_copy
from casework.lists.faults import ListFileError
from casework.lists.table import Note, Source, TableRow


@contextmanager
def opened_workbook(content: bytes) -> Generator[Source]:
    """Open a workbook and give the rows of its first visible sheet that has any.

    A formula counts with the result that was saved with it; nothing is calculated.

    Raises:
        ListFileError: ``not-a-list``, ``zip-bomb``, ``too-many-rows``, ``too-many-columns``, ``damaged`` or
            ``empty``; ``damaged`` also when a row is reached that cannot be read.
    """
    with TemporaryDirectory(prefix="casework-list-") as folder:
        copy = Path(folder) / "list.xlsx"
        with _unharmed():
            with zipfile.ZipFile(BytesIO(content)) as archive:
                measured = safe_copy(archive, copy, packed=len(content))
            # Its stub leaves the kind of path open.
            book = CalamineWorkbook.from_path(copy)  # pyright: ignore[reportUnknownMemberType]
        try:
            yield _first_with_content(book, measured)
        finally:
            book.close()


@contextmanager
def _unharmed() -> Generator[None]:
    try:
        yield
    except (ListFileError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        # A damaged or forged workbook makes the readers raise about anything; when one written in Rust
        # panics, that is no Exception.
        raise ListFileError(
            "damaged",
            "The workbook is damaged. Open it in a spreadsheet program and save it again, or save it as “CSV UTF-8”.",
        ) from error


def _first_with_content(book: CalamineWorkbook, measured: Measured) -> Source:
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    for number, name in enumerate(visible):
        rows = _rows(book, name)
        with _unharmed():
            first = next(rows, None)
        if first is None:
            continue
        measured.refuse_if_unreadable(first.cells[0])
        notes = _notes(measured)
        if others := visible[number + 1 :]:
            notes.append(Note("other-sheets", f"Not read: the sheets {', '.join(others)}."))
        return Source(_chained(first, rows), sheet=name, notes=notes)
    raise ListFileError(
        "empty", "There is nothing in the workbook, or only formulas without their results."
    )


def _notes(measured: Measured) -> list[Note]:
    notes: list[Note] = []
    if measured.without_result:
        notes.append(
            Note(
                "formulas",
                f"{measured.without_result} formulas of the workbook were saved without their results and are "
                "read as empty cells. Open it in a spreadsheet program and save it again.",
            )
        )
    if measured.errors:
        notes.append(
            Note(
                "formula-errors",
                f"{measured.errors} cells of the workbook hold an error such as #N/A and are read as empty.",
            )
        )
    return notes


def _chained(first: TableRow, rows: Iterator[TableRow]) -> Iterator[TableRow]:
    yield first
    with _unharmed():
        yield from rows


def _rows(book: CalamineWorkbook, name: str) -> Iterator[TableRow]:
    """Yield the rows that have content. Columns count from the first one with content in any row."""
    for line, row in enumerate(book.get_sheet_by_name(name).iter_rows(), start=1):
        cells = tuple(map(_text, row))
        if any(cells):
            yield TableRow(line, _without_empty_end(cells))


def _without_empty_end(cells: tuple[str, ...]) -> tuple[str, ...]:
    width = len(cells)
    while width and not cells[width - 1]:
        width -= 1
    return cells[:width]


def _text(value: object) -> str:
    match value:
        case str():
            return received(value) if value else ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            # 15 digits are what a spreadsheet keeps and shows: 0.1 + 0.2 is 0.3 there.
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return received(str(value))
