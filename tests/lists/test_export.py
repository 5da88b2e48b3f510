"""Lists given back: harmless in a spreadsheet, and the same when uploaded again."""

import csv
import io
import re
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.lists._cells import guarded, is_unsafe, received, unguarded
from casework.lists.export import ExportRow, csv_chunks, xlsx_chunks
from casework.lists.guessing import guess
from casework.lists.reading import read_table
from casework.lists.rows import parse_row
from casework.lists.table import OWN_COLUMNS
from tests.lists.samples import HEADINGS, ROWS, delimited

DANGEROUS = [
    "=1+1",
    "+66812345678",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\0=1",
    " =1",
    "\u00a0=1",
    "\u3000=1",
    "\u200b=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "Road 5\n=1",
    "Road 5\r\n =1",
    "a;=1",
    "a\t@x",
    "'=1",
]
CELLS = st.text(
    st.sampled_from("=+-@＝＋ \t\n\r\0;'ก1a,\"\u00a0\u200b\u2028")
    | st.characters(exclude_categories=["Cs"]),
    max_size=10,
)


def rows_of(cells: list[list[str]]) -> list[ExportRow]:
    return [
        ExportRow(line, tuple(row), "new", "opened", "") for line, row in enumerate(cells, start=2)
    ]


@pytest.mark.parametrize("cell", DANGEROUS)
def test_a_formula_is_made_harmless(cell: str) -> None:
    content = b"".join(csv_chunks(("a",), [ExportRow(2, (cell,), "=v", "=o", "=r")])).decode()
    (_, written) = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""))
    assert written[0] != cell
    assert not any(re.search(r"(?:^|[\n\r;\t])\s*[=+\-@＝＋－＠]", text) for text in written)


@pytest.mark.parametrize("cell", ["a=1", "3-105", "a@example.com", "it's", "ชลบุรี", ""])
def test_an_ordinary_cell_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == cell


@given(CELLS)
def test_what_is_added_can_be_taken_away(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert is_unsafe(cell) == (guarded(cell) != cell)


@pytest.mark.parametrize("chunks", [csv_chunks, xlsx_chunks])
@given(
    cells=st.lists(st.lists(CELLS.map(received), min_size=3, max_size=3), min_size=1, max_size=4)
)
def test_a_list_comes_back_as_it_was(chunks, cells: list[list[str]]) -> None:
    # Cells that a person has put an apostrophe before are read without it.
    wanted = [[received(cell) for cell in row] for row in cells]
    columns = ("registration_no", "หมายเหตุ", "=x")
    table = read_table(
        b"".join(chunks(columns, rows_of([["3-1", *row[1:]] for row in wanted]))), "a"
    )
    assert table.columns == columns
    settled = [("3-1", *(received(cell) for cell in row[1:])) for row in wanted]
    assert [row.cells for row in table.rows] == settled
    assert table.rows[0].line == 2


@pytest.mark.parametrize("chunks", [csv_chunks, xlsx_chunks])
def test_a_list_is_corrected_and_uploaded_again(chunks) -> None:
    bad = [
        [*ROWS[0][:5], "Atlantis", *ROWS[0][6:10], "+66 2 123 4567", "=HYPERLINK(1)"],
        list(ROWS[1]),
    ]
    first = read_table(delimited((HEADINGS, *bad)), "list.csv")
    mapping = guess(first.columns).mapping
    given_back = [
        ExportRow(row.line, row.cells, "invalid", "", "จังหวัด: No province has this name or code.")
        for row in first.rows
        if parse_row(mapping, row).problems
    ]
    again = read_table(b"".join(chunks(first.columns, given_back)), "list")
    assert again.columns == first.columns
    assert [row.cells for row in again.rows] == [first.rows[0].cells]
    cells = list(again.rows[0].cells)
    cells[5] = "Rayong"
    assert parse_row(mapping, again.rows[0]._replace(cells=tuple(cells))).site is not None


def test_the_file_says_what_became_of_each_row() -> None:
    content = b"".join(csv_chunks(("a",), [ExportRow(5, ("x",), "new", "failed", "no answer")]))
    assert content.decode() == (
        "\ufeff" + ",".join(f'"{name}"' for name in ("a", *OWN_COLUMNS)) + "\r\n"
        '"x","5","new","failed","no answer"\r\n'
    )


def test_a_long_list_comes_in_pieces() -> None:
    rows = (ExportRow(line, (str(line), "x" * 100)) for line in range(5_000))
    pieces = list(csv_chunks(("a", "b"), rows))
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 100_000


def test_a_workbook_keeps_text_from_becoming_formulas_when_it_is_edited() -> None:
    content = b"".join(xlsx_chunks(("a",), [ExportRow(2, ("=1+1",))]))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert b'quotePrefix="1"' in archive.read("xl/styles.xml")
