"""From a row of text to an establishment, or to what is wrong with the row, cell by cell."""

from typing import Literal

from casework.domain.drives import ListedRow, ListedSite, RowRemark
from casework.lists.fields import ListField
from casework.lists.mapping import Mapping
from casework.lists.table import TableRow
from casework.lists.values import UnusableValue, Value, ValueFault, is_thai, read_value

RowFault = Literal[ValueFault, "surplus-cell", "coordinate-alone", "name-language", "unidentified"]

IDENTIFYING = frozenset(
    {ListField.REGISTRATION_NO, ListField.NAME_TH, ListField.NAME_EN, ListField.PROVINCE}
)
"""The fields that say which establishment is meant. A wrong cell in any other only leaves that field empty."""

_SURPLUS_REASON = (
    "The row has more cells than there are headings. Quote cells that have a delimiter in them."
)
_ALONE_REASON = "A place needs a latitude and a longitude; only one of them is there."
_UNIDENTIFIED_REASON = "The row needs a registration number, or a name and a province."
_THAI_NAME_REASON = "This name is not in Thai, and the row has another one that is not."
_ENGLISH_NAME_REASON = "This name is in Thai, and the row has another one in Thai."


def parse_row(mapping: Mapping, row: TableRow) -> ListedRow:
    """Return the row with its establishment, or with everything that is wrong with it.

    Only what identifies the establishment can make a row unusable. Any other cell that cannot be used is
    left out with a note, because one slip in a telephone number must not cost an invitation.

    Args:
        mapping: of the columns of the table that the row is from.
        row: its cells as uploaded.
    """
    reading = _Reading(mapping, row)
    reading.read_cells()
    reading.pair_coordinates()
    reading.sort_names()
    reading.identify()
    return reading.result()


class _Reading:
    def __init__(self, mapping: Mapping, row: TableRow) -> None:
        self._mapping = mapping
        self._row = row
        self._values: dict[ListField, Value] = {}
        self._problems: list[RowRemark] = []
        self._notes: list[RowRemark] = []

    def read_cells(self) -> None:
        cells = self._row.cells
        for place in self._mapping.surplus:
            if place < len(cells) and cells[place]:
                self._problems.append(
                    _remark("surplus-cell", _SURPLUS_REASON, self._mapping.columns[place])
                )
        for field, place in self._mapping.positions.items():
            try:
                self._values[field] = read_value(field, cells[place] if place < len(cells) else "")
            except UnusableValue as wrong:
                found = self._problems if field in IDENTIFYING else self._notes
                found.append(_remark(wrong.code, wrong.reason, self._mapping.columns[place]))

    def pair_coordinates(self) -> None:
        """Leave out a latitude without its longitude, and the other way round."""
        latitude = self._values.get(ListField.LATITUDE)
        longitude = self._values.get(ListField.LONGITUDE)
        if (latitude is None) == (longitude is None):
            return
        lone, other = ListField.LATITUDE, ListField.LONGITUDE
        if latitude is None:
            lone, other = other, lone
        self._values[lone] = None
        # Where the other cell was wrong, that remark is the answer.
        if other in self._values or other not in self._mapping.fields:
            self._notes.append(
                _remark("coordinate-alone", _ALONE_REASON, self._mapping.fields[lone])
            )

    def sort_names(self) -> None:
        """Give each name to the language that it is written in."""
        thai = self._values.get(ListField.NAME_TH)
        english = self._values.get(ListField.NAME_EN)
        names = [name for name in (thai, english) if isinstance(name, str)]
        in_thai = [name for name in names if is_thai(name)]
        others = [name for name in names if not is_thai(name)]
        if len(in_thai) == 2:
            self._leave_out(ListField.NAME_EN, _ENGLISH_NAME_REASON)
        if len(others) == 2:
            self._leave_out(ListField.NAME_TH, _THAI_NAME_REASON)
        self._values[ListField.NAME_TH] = in_thai[0] if in_thai else None
        self._values[ListField.NAME_EN] = others[-1] if others else None

    def _leave_out(self, field: ListField, reason: str) -> None:
        if self._values.get(ListField.NAME_TH) != self._values.get(ListField.NAME_EN):
            self._notes.append(_remark("name-language", reason, self._mapping.fields[field]))

    def identify(self) -> None:
        """Say what is missing, unless a wrong cell among those that identify is the answer."""
        values = self._values
        named = values.get(ListField.NAME_TH) or values.get(ListField.NAME_EN)
        known = values.get(ListField.REGISTRATION_NO) or (named and values.get(ListField.PROVINCE))
        if not known and not self._problems:
            self._problems.append(_remark("unidentified", _UNIDENTIFIED_REASON))

    def result(self) -> ListedRow:
        given = {field.value: value for field, value in self._values.items() if value is not None}
        return ListedRow(
            line=self._row.line,
            cells=self._row.cells,
            site=None if self._problems else ListedSite.model_validate(given),
            problems=tuple(self._problems),
            notes=tuple(self._notes),
        )


def _remark(code: RowFault, reason: str, column: str | None = None) -> RowRemark:
    return RowRemark(column=column, code=code, reason=reason)
