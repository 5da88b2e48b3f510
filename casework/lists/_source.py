"""What the two kinds of files have in common: rows of text as they come, not yet named."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from casework.lists.table import Note, TableRow


@dataclass(slots=True)
class Source:
    """The rows of a file from its first line on. ``notes`` may grow while the rows are taken."""

    rows: Iterator[TableRow]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    notes: list[Note] = field(default_factory=list[Note])
