"""What every list becomes, whatever file it came in: named columns and rows of text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_BYTES = 20_000_000
MOST_ROWS = 50_000
MOST_COLUMNS = 200
LONGEST_CELL = 32_767
"""The longest text that a cell of a workbook can hold, in characters."""

OWN_COLUMNS = ("Casework line", "Casework verdict", "Casework outcome", "Casework reason")
"""What an export adds behind the columns of the list. They are dropped when it is uploaded again."""

_SURPLUS = "Surplus "


class TableRow(NamedTuple):
    """One row. ``line`` is where it begins in the file, or its row in the sheet, counted from 1."""

    line: int
    cells: tuple[str, ...]


class Note(NamedTuple):
    """Something that whoever uploaded the list should know, although it could be read."""

    code: str
    text: str


@dataclass(slots=True)
class Source:
    """The rows of a file from its first line on, not yet named. ``notes`` may grow while they are taken."""

    rows: Iterator[TableRow]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    notes: list[Note] = field(default_factory=list[Note])


@dataclass(frozen=True, slots=True)
class Table:
    """A list that was read.

    Every row has as many cells as there are columns. Column names differ from each other; a column
    without a heading is called ``Column 7``. ``Surplus 1`` and so on hold what stood behind the last
    heading of a delimited file: those rows cannot be trusted, because their cells may have moved.
    """

    columns: tuple[str, ...]
    rows: Sequence[TableRow]
    header_line: int
    encoding: str | None = None
    """The name that Python has for the encoding, or ``mac-thai``; None for a workbook."""
    delimiter: str | None = None
    sheet: str | None = None
    """The name of the sheet; None for a delimited file."""
    notes: tuple[Note, ...] = ()


def surplus_name(number: int) -> str:
    """Return the name of the nth column behind the last heading."""
    return f"{_SURPLUS}{number}"


def is_surplus(column: str) -> bool:
    """Say whether this column stood behind the last heading, in this upload or an earlier one."""
    return column.startswith(_SURPLUS) and column[len(_SURPLUS) :].isdecimal()
