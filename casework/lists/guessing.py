"""Which column most likely holds which field, by its heading, its values and the columns beside it.

Headings alone mislead: lists have two columns called “E-mail”, one of them empty or of the office that looks
after the site, and Latin names under ชื่อโรงงาน. What stays doubtful is said in a note or left to a person.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from casework.lists.fields import (
    ListField,
    field_of,
    is_office,
    names_an_office,
    names_the_site,
)
from casework.lists.mapping import Mapping
from casework.lists.table import Note, TableRow
from casework.lists.values import UnusableValue, is_thai, read_value

_COPY = re.compile(r" \([0-9]+\)$")
"""What a column is called behind its heading when another has the same."""

_LOOKED_AT = 300
"""So many rows are looked at, taken evenly from the whole list."""

_FEW = 5
"""With fewer values than this, equal ones are no pattern."""

_NAMES = (ListField.NAME_TH, ListField.NAME_EN)
_OF_AN_OFFICE_TOO = frozenset(
    {*_NAMES, ListField.ADDRESS, ListField.CONTACT_NAME, ListField.EMAIL, ListField.PHONE}
)
"""What a list may say of an office as well as of the site."""

_WRITTEN_TO = (ListField.CONTACT_NAME, ListField.EMAIL, ListField.PHONE)


class Guess(NamedTuple):
    """A first mapping, and what whoever confirms it should look at."""

    mapping: Mapping
    notes: tuple[Note, ...] = ()


def guess(columns: Sequence[str], rows: Sequence[TableRow] = ()) -> Guess:
    """Return a first mapping of the columns of a list.

    Args:
        columns: as the list calls them.
        rows: of the list; without them only headings count.
    """
    return _Guessing(columns, rows).result()


@dataclass(slots=True)
class _Column:
    """What is known of a column that could hold ``field``."""

    place: int
    name: str
    field: ListField
    filled: int = 0
    fitting: int = 0
    different: int = 0
    thai: int = 0
    offices: int = 0
    group: int = 0
    of_an_office: bool = False

    @property
    def fits(self) -> bool:
        return 2 * self.fitting > self.filled

    @property
    def repeats(self) -> bool:
        """Say whether a few values stand in it again and again, as those of an office do."""
        return self.filled >= _FEW and 3 * self.different <= self.filled

    @property
    def has_the_fields_own_name(self) -> bool:
        return self.name.strip().lower() == self.field


class _Guessing:
    def __init__(self, columns: Sequence[str], rows: Sequence[TableRow]) -> None:
        self._names = tuple(columns)
        step = max(1, len(rows) // _LOOKED_AT)
        self._rows = rows[::step][:_LOOKED_AT]
        self._columns = [
            self._look_at(place, name, field)
            for place, name in enumerate(columns)
            if (field := field_of(_COPY.sub("", name))) is not None
        ]
        self._group()
        self._home = self._home_group()
        self._fields: dict[ListField, str] = {}
        self._notes: list[Note] = []

    def result(self) -> Guess:
        for field in ListField:
            if field not in _NAMES:
                self._choose(field)
        self._choose_names()
        return Guess(Mapping(columns=self._names, fields=self._fields), tuple(self._notes))

    def _look_at(self, place: int, name: str, field: ListField) -> _Column:
        column = _Column(place, name, field)
        seen: set[object] = set()
        for row in self._rows:
            cell = row.cells[place] if place < len(row.cells) else ""
            try:
                value = read_value(field, cell)
            except UnusableValue:
                column.filled += 1
                seen.add(cell.casefold())
                continue
            if value is not None:
                column.filled += 1
                column.fitting += 1
                seen.add(value.casefold() if isinstance(value, str) else value)
                column.thai += is_thai(cell)
                column.offices += is_office(cell)
        column.different = len(seen)
        return column

    # --- Groups: the site, and perhaps an office ------------------------------------------------------

    def _group(self) -> None:
        """Number the sets of columns that follow each other, and note which of them are about an office.

        A set ends where a field comes a second time, where an office is named, and behind an office where the
        site is named again.
        """
        by_place = {column.place: column for column in self._columns}
        group, is_office_group = 0, False
        seen: set[ListField] = set()
        before: ListField | None = None
        for place, name in enumerate(self._names):
            column = by_place.get(place)
            field = column.field if column else None
            opens_office = names_an_office(name) or (column is not None and _holds_offices(column))
            comes_again = field in seen and field != before
            back_at_site = is_office_group and (
                field is ListField.REGISTRATION_NO or names_the_site(name)
            )
            if opens_office and not is_office_group:
                group, is_office_group = group + 1, True
                seen.clear()
            elif not opens_office and (comes_again or back_at_site):
                group, is_office_group = group + 1, False
                seen.clear()
            if column is not None:
                seen.add(column.field)
                column.group = group
                column.of_an_office = is_office_group and column.field in _OF_AN_OFFICE_TOO
            before = field

    def _home_group(self) -> int:
        """Return the set of columns that is about the site."""
        for wanted in ({ListField.REGISTRATION_NO}, set(_NAMES)):
            found = [c for c in self._columns if c.field in wanted and not c.of_an_office]
            if found:
                return max(found, key=lambda c: (c.fits, not c.repeats, -c.place)).group
        return 0

    # --- The choice -----------------------------------------------------------------------------------

    def _choose(self, field: ListField) -> None:
        every = [column for column in self._columns if column.field is field]
        ours = [column for column in every if not column.of_an_office]
        if every and not ours:
            self._note(
                "office-columns",
                f"“{every[0].name}” seems to be about an office, not about the establishments. "
                f"If it is theirs, say that it holds {field}.",
            )
        if not ours:
            return
        chosen = max(ours, key=lambda column: self._rank(column, ours))
        self._fields[field] = chosen.name
        others = [c.name for c in ours if c is not chosen and c.fits and c.fitting]
        if others:
            self._note(
                "several-columns",
                f"{field} is read from “{chosen.name}”; not from “{'”, “'.join(others)}”.",
            )
        if field in _WRITTEN_TO and chosen.repeats:
            self._note(
                "repeated-contact",
                f"A few values stand again and again in “{chosen.name}”. "
                "Are they those of the establishments, or of an office?",
            )

    def _rank(self, column: _Column, among: Sequence[_Column]) -> tuple[object, ...]:
        most = max(other.fitting for other in among)
        return (
            column.fits,
            not column.repeats,
            column.group == self._home,
            2 * column.fitting >= most,
            column.has_the_fields_own_name,
            -column.place,
        )

    def _choose_names(self) -> None:
        """Map the Thai name to a column of Thai names and the English name to one of others.

        Where the values of a column are in the other language than its heading says, the values count.
        """
        names = [c for c in self._columns if c.field in _NAMES and not c.of_an_office]
        for field in _NAMES:
            ours = [column for column in names if _language_of(column) is field]
            if ours:
                headed = [column for column in ours if column.field is field and column.fits]
                best = max(headed or ours, key=lambda column: self._rank(column, names))
                self._fields[field] = best.name
        for column in names:
            # Of two columns in one language, one may still have the few names in the other.
            has_own = (
                column.thai if column.field is ListField.NAME_TH else column.filled > column.thai
            )
            if (
                column.field not in self._fields
                and has_own
                and column.name not in self._fields.values()
            ):
                self._fields[column.field] = column.name

    def _note(self, code: str, text: str) -> None:
        self._notes.append(Note(code, text))


def _holds_offices(column: _Column) -> bool:
    is_name = column.field in _NAMES or column.field is ListField.CONTACT_NAME
    return is_name and column.filled > 1 and 2 * column.offices > column.filled


def _language_of(column: _Column) -> ListField:
    if not column.filled:
        return column.field
    return ListField.NAME_TH if 2 * column.thai >= column.filled else ListField.NAME_EN
