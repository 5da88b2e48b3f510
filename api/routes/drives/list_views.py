"""What the API shows of a list that was uploaded, and of the dry run of its rows."""

from typing import Annotated

from pydantic import BaseModel, Field

from api.http.fields import RequestBody
from api.routes.drives.views import ProvinceSummary, verdicts_of
from casework.domain.drives import DriveState, RowVerdict
from casework.drives.listing import TakenList, TriedList
from casework.lists.fields import ListField

_SHOWN_ROWS = 5


class NoteView(BaseModel):
    """Something to know about the list, although it could be read."""

    code: str
    text: str


class TableRowView(BaseModel):
    """A row as it was read; ``line`` is where in the file, or the row of the sheet."""

    line: int
    cells: tuple[str, ...]


class ListTaken(BaseModel):
    """The list that was read, and a first guess at what its columns hold. Confirm it, or correct it."""

    drive: str
    file_name: str | None
    encoding: Annotated[str | None, Field(description="Null for a workbook.")]
    delimiter: str | None
    sheet: Annotated[str | None, Field(description="Null for delimited text.")]
    header_line: int
    columns: tuple[str, ...]
    fields: Annotated[
        dict[ListField, str], Field(description="The guess: for each field the column it is in.")
    ]
    unmapped: Annotated[tuple[str, ...], Field(description="Columns that hold no field.")]
    is_usable: Annotated[
        bool, Field(description="Rows can be told apart by a number, or by name and province.")
    ]
    notes: tuple[NoteView, ...]
    rows: int
    unusable: Annotated[int, Field(description="Rows that cannot be used if the guess holds.")]
    noted: Annotated[
        int, Field(description="Rows that are used without one or more of their cells.")
    ]
    first_rows: tuple[TableRowView, ...]

    @classmethod
    def of(cls, drive_id: str, file_name: str | None, taken: TakenList) -> "ListTaken":
        """Show how the list was read."""
        table = taken.table
        usable = [row for row in taken.rows if not row.problems]
        return cls(
            drive=drive_id,
            file_name=file_name,
            encoding=table.encoding,
            delimiter=table.delimiter,
            sheet=table.sheet,
            header_line=table.header_line,
            columns=table.columns,
            fields=taken.mapping.fields,
            unmapped=taken.mapping.unmapped,
            is_usable=taken.mapping.is_usable,
            notes=tuple(NoteView(code=note.code, text=note.text) for note in taken.notes),
            rows=len(taken.rows),
            unusable=len(taken.rows) - len(usable),
            noted=sum(1 for row in usable if row.notes),
            first_rows=tuple(
                TableRowView(line=row.line, cells=row.cells) for row in table.rows[:_SHOWN_ROWS]
            ),
        )


class MappingBody(RequestBody):
    """For each field the column that holds it. Without ``fields`` the mapping stays as it is."""

    fields: dict[ListField, Annotated[str, Field(max_length=32_767)]] | None = None


class DryRunView(BaseModel):
    """What the drive would do. Nothing has been opened and nobody written to."""

    drive: str
    state: DriveState
    fields: dict[ListField, str]
    rows: int
    verdicts: dict[RowVerdict, int]
    by_province: tuple[ProvinceSummary, ...]

    @classmethod
    def of(cls, drive_id: str, tried: TriedList) -> "DryRunView":
        """Show the counts of a dry run."""
        return cls(
            drive=drive_id,
            state=DriveState.READY,
            fields=tried.mapping.fields,
            rows=sum(count.rows for count in tried.counts),
            verdicts=verdicts_of(tried.counts),
            by_province=ProvinceSummary.all_of(tried.counts),
        )
