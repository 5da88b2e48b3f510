"""Read a list of establishments from a file, whatever people call a list."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path

from casework.lists._delimited import read_delimited
from casework.lists._header import SOUGHT_IN, column_names, find_header
from casework.lists._kind import is_workbook
from casework.lists._workbook import opened_workbook
from casework.lists.faults import ListFileError
from casework.lists.table import (
    LONGEST_CELL,
    MOST_BYTES,
    MOST_COLUMNS,
    MOST_ROWS,
    OWN_COLUMNS,
    Note,
    Source,
    Table,
    TableRow,
    surplus_name,
)


def read_table(content: bytes | Path, file_name: str) -> Table:
    """Read delimited text (CSV) or a workbook (XLSX); the content decides which, not the name.

    Text may be UTF-8 with or without a byte order mark, UTF-16 with one, Windows-874, Windows-1252, Mac Thai or
    Mac Roman; its delimiter a comma, semicolon, tab or pipe; its lines may end in LF, CRLF or CR. Titles above the
    headings and rows without content are left out, and so are the columns that an export of ours added.

    All of the file is read before this returns, so a :class:`Table` is never half of a list. That takes
    seconds for a long workbook: call it on a thread.

    Args:
        content: the file, or where it is.
        file_name: what its sender called it; it makes some answers clearer.

    Raises:
        ListFileError: the file cannot be used; the error says why and where.
        OSError: ``content`` is a path that cannot be read.
    """
    data = _all_of(content)
    with _opened(data, file_name) as source:
        return _table(source)


def _all_of(content: bytes | Path) -> bytes:
    if isinstance(content, Path):
        with content.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ListFileError(
            "too-large", f"The file has more than {MOST_BYTES // 1_000_000} MB. Split the list."
        )
    return content


@contextmanager
def _opened(data: bytes, file_name: str) -> Generator[Source]:
    if is_workbook(data, file_name):
        with opened_workbook(data) as source:
            yield source
    else:
        yield read_delimited(data)


def _table(source: Source) -> Table:
    rows = (row for row in source.rows if any(row.cells))
    head = list(islice(rows, SOUGHT_IN))
    if not head:
        raise ListFileError("empty", "There is nothing in the file.")
    place, is_known = find_header(head)
    header = head[place]
    if not is_known:
        source.notes.append(
            Note("unknown-headings", "None of the headings is known: say what the columns hold.")
        )
    if len(header.cells) > MOST_COLUMNS + len(OWN_COLUMNS):
        raise _too_many_columns(header)
    content = _within_limits(chain(head[place + 1 :], rows))
    if not content:
        raise ListFileError("no-rows", "There is no row below the headings.", header.line)
    headings = _all_headings(header, content, may_be_surplus=source.delimiter is not None)
    kept = _columns_to_keep(headings, content)
    names = column_names(headings)
    return Table(
        columns=tuple(names[column] for column in kept),
        rows=_only(kept, content),
        header_line=header.line,
        encoding=source.encoding,
        delimiter=source.delimiter,
        sheet=source.sheet,
        notes=tuple(source.notes),
    )


def _within_limits(rows: Iterator[TableRow]) -> list[TableRow]:
    taken: list[TableRow] = []
    for row in rows:
        if len(taken) == MOST_ROWS:
            raise ListFileError(
                "too-many-rows", f"The list has more than {MOST_ROWS:,} rows. Split it.", row.line
            )
        if len(row.cells) > MOST_COLUMNS and _width(row) > MOST_COLUMNS + len(OWN_COLUMNS):
            raise _too_many_columns(row)
        if max(map(len, row.cells)) > LONGEST_CELL:
            raise ListFileError(
                "cell-too-long", f"A cell has at most {LONGEST_CELL:,} characters.", row.line
            )
        taken.append(row)
    return taken


def _too_many_columns(row: TableRow) -> ListFileError:
    return ListFileError(
        "too-many-columns", f"A list has at most {MOST_COLUMNS} columns.", row.line
    )


def _all_headings(header: TableRow, rows: Sequence[TableRow], *, may_be_surplus: bool) -> list[str]:
    """Return the headings, with one for each column that has content but no heading above it.

    In delimited text, a row that is longer than the headings has lost its alignment. In a workbook cells
    stay where they are, so there it is only a column without a heading.
    """
    width = max(map(_width, rows))
    extra = range(1, width - len(header.cells) + 1)
    named = [surplus_name(number) if may_be_surplus else "" for number in extra]
    return [*header.cells, *named]


def _columns_to_keep(headings: Sequence[str], rows: Sequence[TableRow]) -> tuple[int, ...]:
    empty = {column for column, heading in enumerate(headings) if not heading}
    for row in rows:
        if not empty:
            break
        empty -= {column for column in empty if column < len(row.cells) and row.cells[column]}
    return tuple(
        column
        for column, heading in enumerate(headings)
        if column not in empty and heading not in OWN_COLUMNS
    )


def _only(kept: tuple[int, ...], rows: Sequence[TableRow]) -> tuple[TableRow, ...]:
    width = kept[-1] + 1 if kept else 0
    in_order = kept == tuple(range(width))
    chosen: list[TableRow] = []
    for line, cells in rows:
        whole = cells[:width] + ("",) * (width - len(cells))
        if not in_order:
            whole = tuple(whole[column] for column in kept)
        if any(whole):
            chosen.append(TableRow(line, whole))
    return tuple(chosen)


def _width(row: TableRow) -> int:
    """Return how many cells the row has up to the last one with content."""
    return next(place for place in range(len(row.cells), 0, -1) if row.cells[place - 1])
