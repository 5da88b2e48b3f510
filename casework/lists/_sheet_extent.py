"""How far the content of a sheet reaches, found by an XML parser that builds nothing."""

import re
from functools import lru_cache
from xml.parsers import expat

from casework.lists.faults import ListFileError
from casework.lists.table import MOST_COLUMNS, MOST_ROWS, OWN_COLUMNS

LAST_ROW = MOST_ROWS + 1_000
"""Titles and empty rows may stand above and between those that count."""

LAST_COLUMN = MOST_COLUMNS + len(OWN_COLUMNS) + 52
"""A list may begin in a later column than the first."""

_CONTENT = frozenset({"v", "t", "is", "f"})
_REFERENCE = re.compile("([A-Za-z]{1,3})([0-9]{1,7})")


class SheetExtent:
    """Takes a sheet in pieces and refuses it at the first cell with content that is out of bounds.

    Empty cells may be anywhere: programs keep formats for a million rows.
    """

    def __init__(self) -> None:
        self.without_result = 0
        """Formulas that were saved without their result."""
        self.errors = 0
        """Cells that hold an error such as #N/A."""
        self._row = 0
        self._column = 0
        self._is_formula = False
        self._has_value = False
        self._parser = expat.ParserCreate(encoding="utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def add(self, chunk: bytes) -> None:
        """Take the next piece.

        Raises:
            ListFileError: ``too-many-rows``, ``too-many-columns`` or ``zip-bomb``.
            expat.ExpatError: it is no XML.
        """
        self._parser.Parse(chunk, False)

    def finish(self) -> None:
        """Say that there is no more; raises as :meth:`add`."""
        self._parser.Parse(b"", True)
        self._close_cell()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        # Called for every tag, two million times for a long list: the frequent ones come first.
        if ":" in name:
            # Prefixes differ between programs; the names do not.
            name = name.rpartition(":")[2]
        if name in _CONTENT:
            if name == "f":
                self._is_formula = True
            else:
                self._has_value = True
            if self._row > LAST_ROW or self._column > LAST_COLUMN:
                self._refuse_place()
        elif name == "c":
            self._close_cell()
            self._place_cell(attributes.get("r"))
            if attributes.get("t") == "e":
                self.errors += 1
        elif name == "row":
            self._row = _number(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0

    def _close_cell(self) -> None:
        if self._is_formula and not self._has_value:
            self.without_result += 1
        self._is_formula = self._has_value = False

    def _place_cell(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise ListFileError("damaged", "A cell of the workbook has no valid place.")
        letters, number = found.groups()
        self._column = _column(letters)
        self._row = int(number)

    def _refuse_place(self) -> None:
        if self._row > LAST_ROW:
            raise ListFileError(
                "too-many-rows",
                f"A list has at most {MOST_ROWS:,} rows, and there is content in row {self._row:,}. "
                "Delete what stands far below the list, or split it.",
                self._row,
            )
        raise ListFileError(
            "too-many-columns",
            f"A list has at most {MOST_COLUMNS} columns, and there is content far to the right of them.",
            self._row,
        )

    def _refuse_doctype(self, *_: object) -> None:
        raise ListFileError("zip-bomb", "The workbook declares a document type; none does.")


@lru_cache(maxsize=1_000)
def _column(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return column


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 7):
        raise ListFileError("damaged", "A row of the workbook has no valid number.")
    return int(text)
