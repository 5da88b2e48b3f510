"""Delimited text: CSV and its relatives. The parsing is done by the standard library."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from casework.lists._cells import received
from casework.lists._encoding import text_content
from casework.lists.faults import ListFileError
from casework.lists.fields import field_of
from casework.lists.table import Source, TableRow

DELIMITERS = (",", ";", "\t", "|")

_SAMPLE = 128 * 1024
_SAMPLE_ROWS = 50
_MOST_LINES = 2**20
"""As many as a sheet has rows. Nearly all lines of a longer file are empty, and take long to pass over."""

_SPOKEN_DELIMITER = re.compile(r'"?sep=(.)"?(?:\r\n|\r|\n|$)', re.IGNORECASE)


def read_delimited(content: bytes) -> Source:
    """Return the rows of a text file; a row's line is the one it begins in.

    Raises:
        ListFileError: ``encoding`` or ``mixed-encodings`` now; ``quotes``, ``cell-too-long`` and
            ``too-many-rows`` when the row is reached.
    """
    found = text_content(content)
    file = io.TextIOWrapper(io.BytesIO(found.content), encoding=found.codec, newline="")
    start = file.read(_SAMPLE)
    spoken = _SPOKEN_DELIMITER.match(start)
    delimiter = spoken[1] if spoken else _delimiter_of(start)
    file.seek(0)
    if spoken:
        file.readline()
    rows = _rows(file, delimiter, 2 if spoken else 1)
    return Source(rows, found.name, delimiter, notes=list(found.notes))


def _rows(file: io.TextIOWrapper, delimiter: str, first_line: int) -> Iterator[TableRow]:
    reader = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        line = first_line + reader.line_num
        if line > _MOST_LINES:
            raise ListFileError(
                "too-many-rows",
                f"The file has more than {_MOST_LINES:,} lines. Delete the empty ones.",
                line,
            )
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise ListFileError(
                    "cell-too-long", "A cell is far too long. Is a quotation mark not closed?", line
                ) from None
            raise ListFileError(
                "quotes",
                "A quotation mark is not closed, or text follows a closing one. "
                "Inside a quoted cell, quotation marks are written twice.",
                line,
            ) from None
        yield TableRow(line, tuple(map(received, cells)))


def _delimiter_of(start: str) -> str:
    """Return the delimiter that shows the most headings; failing that, the one with the most even rows."""
    return max(DELIMITERS, key=lambda delimiter: _evidence(start, delimiter))


def _evidence(start: str, delimiter: str) -> tuple[int, float, int]:
    rows: list[list[str]] = []
    try:
        # Not strict: here a wrong guess is no error.
        for cells in csv.reader(
            io.StringIO(start, newline=""), delimiter=delimiter, skipinitialspace=True
        ):
            if cells:
                rows.append(cells)
            if len(rows) == _SAMPLE_ROWS:
                break
    except csv.Error:
        return (0, 0.0, 0)
    if not rows:
        return (0, 0.0, 0)
    headings = max(len({field_of(cell) for cell in cells} - {None}) for cells in rows[:20])
    width, count = Counter(len(cells) for cells in rows).most_common(1)[0]
    return (headings, count / len(rows) if width > 1 else 0.0, width)
