"""A list given back: as it came, with what became of each row, to be corrected and uploaded again."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple, cast

# Its annotations are incomplete, and nobody publishes stubs.
import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]

from casework.lists._cells import guarded, is_unsafe
from casework.lists.table import LONGEST_CELL, OWN_COLUMNS

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_CHUNK = 1 << 16
_WIDTH = 18
# What XML cannot hold, and XlsxWriter would write as an escape that people see.
_NO_XML = dict.fromkeys(
    [*(set(range(0x20)) - {0x09, 0x0A}), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
)


class ExportRow(NamedTuple):
    """One row with what is to be said of it. ``cells`` are as many as there are columns."""

    line: int
    cells: Sequence[str]
    verdict: str = ""
    outcome: str = ""
    reason: str = ""


def csv_chunks(columns: Sequence[str], rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield a CSV file: UTF-8 with a byte order mark, commas, CRLF, every cell quoted.

    Cells that a spreadsheet could take for formulas begin with an apostrophe; reading the file again with
    :func:`casework.lists.reading.read_table` takes it away.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    text.write("\ufeff")
    for cells in _lines(columns, rows):
        writer.writerow([guarded(cell) for cell in cells])
        if text.tell() >= _CHUNK:
            yield _taken(text)
    yield _taken(text)


def xlsx_chunks(columns: Sequence[str], rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Yield a workbook with one sheet, made in a temporary file because its end says where its parts are.

    Every cell is text. Those that would become formulas when somebody edits them carry the mark that keeps
    them text (Excel's quote prefix), so that nothing is added to what they say.
    """
    with tempfile.TemporaryFile() as file:
        _write_workbook(cast(BinaryIO, file), columns, rows)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def _write_workbook(file: BinaryIO, columns: Sequence[str], rows: Iterable[ExportRow]) -> None:
    with xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    ) as book:
        bold = book.add_format({"bold": True})  # pyright: ignore[reportUnknownMemberType]
        kept_as_text = book.add_format({"quote_prefix": True})  # pyright: ignore[reportUnknownMemberType]
        sheet = book.add_worksheet()  # pyright: ignore[reportUnknownMemberType]
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) + len(OWN_COLUMNS) - 1, _WIDTH)
        for line, cells in enumerate(_lines(columns, rows)):
            for place, cell in enumerate(cells):
                text = cell.translate(_NO_XML)[:LONGEST_CELL]
                if not text:
                    continue
                form = kept_as_text if is_unsafe(text) else None
                sheet.write_string(line, place, text, bold if line == 0 else form)


def _lines(columns: Sequence[str], rows: Iterable[ExportRow]) -> Iterator[Sequence[str]]:
    yield [*columns, *OWN_COLUMNS]
    for row in rows:
        yield [*row.cells, str(row.line), row.verdict, row.outcome, row.reason]


def _taken(text: io.StringIO) -> bytes:
    chunk = text.getvalue().encode("utf-8", errors="replace")
    text.seek(0)
    text.truncate()
    return chunk
