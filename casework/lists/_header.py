"""Where the headings of a list are, and what its columns are called."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from casework.lists.faults import ListFileError
from casework.lists.fields import field_of
from casework.lists.table import OWN_COLUMNS, TableRow

SOUGHT_IN = 20
"""Headings stand in one of the first rows that have content: this many are looked at."""

_LOOKS_LIKE_CONTENT = re.compile(r"\d{3}|@")


def find_header(rows: Sequence[TableRow]) -> tuple[int, bool]:
    """Return the place of the headings among the first rows, and whether any heading was known.

    Raises:
        ListFileError: ``two-headers`` or ``no-header``, with the line.
    """
    known = [len(_fields(row)) for row in rows]
    headers = [
        place
        for place, (row, count) in enumerate(zip(rows, known, strict=True))
        if not set(OWN_COLUMNS).isdisjoint(row.cells) or (count >= 2 and 2 * count >= _filled(row))
    ]
    if not headers and max(known) >= 2:
        headers = [known.index(max(known))]
    if headers:
        _refuse_second(rows, headers)
        return headers[0], True
    if max(known) == 1:
        # A title may hold one known word; the headings are as wide as the list.
        return max(range(len(rows)), key=lambda place: (known[place], _filled(rows[place]))), True
    return _unknown_header(rows), False


def _refuse_second(rows: Sequence[TableRow], headers: list[int]) -> None:
    header = rows[headers[0]]
    if len(headers) > 1:
        second = rows[headers[1]]
        raise _two_headers(header.line, second.line)
    if not headers[0]:
        return
    above = rows[headers[0] - 1]
    stands_alone = any(
        cell and (place >= len(header.cells) or not header.cells[place])
        for place, cell in enumerate(above.cells)
    )
    if _filled(above) > 1 and _fields(above) and stands_alone:
        raise _two_headers(above.line, header.line)


def _two_headers(first: int, second: int) -> ListFileError:
    return ListFileError(
        "two-headers",
        f"Lines {first} and {second} both look like headings. Keep one line of headings, "
        "with one heading for each column.",
        second,
    )


def _unknown_header(rows: Sequence[TableRow]) -> int:
    widths = Counter(_filled(row) for row in rows)
    usual = max(widths, key=lambda width: (widths[width], width))
    for place, row in enumerate(rows):
        if 2 * _filled(row) > usual and not any(map(_LOOKS_LIKE_CONTENT.search, row.cells)):
            return place
    raise ListFileError(
        "no-header", "The first line of a list says what is in each column.", rows[0].line
    )


def column_names(headings: Iterable[str]) -> tuple[str, ...]:
    """Return one name for each column: its heading on one line, made unique, or ``Column 7``."""
    names: list[str] = []
    taken: set[str] = set()
    for number, heading in enumerate(headings, start=1):
        plain = " ".join(heading.split()) or f"Column {number}"
        name, copies = plain, 1
        while name in taken:
            copies += 1
            name = f"{plain} ({copies})"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _fields(row: TableRow) -> set[str]:
    return {field for cell in row.cells if (field := field_of(cell))}


def _filled(row: TableRow) -> int:
    return sum(1 for cell in row.cells if cell)
