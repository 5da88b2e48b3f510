"""Why a whole file cannot be read. What is wrong with single rows is in :mod:`casework.lists.rows`."""

from typing import Literal, get_args

FileFault = Literal[
    "empty",
    "too-large",
    "too-many-rows",
    "too-many-columns",
    "cell-too-long",
    "not-a-list",
    "old-workbook",
    "protected",
    "zip-bomb",
    "damaged",
    "encoding",
    "mixed-encodings",
    "quotes",
    "no-header",
    "two-headers",
    "no-rows",
]
"""The stable codes of :class:`ListFileError`."""

FILE_FAULTS: tuple[FileFault, ...] = get_args(FileFault)


class ListFileError(Exception):
    """The file is no list that can be read; nothing of it was taken.

    ``reason`` is a sentence in English for the person who uploaded it, ``line`` the line of the
    file (or the row of the sheet) where it was noticed, counted from 1, or None.
    """

    def __init__(self, code: FileFault, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.code: FileFault = code
        self.reason = reason
        self.line = line
