"""Which column of a list holds which field."""

from functools import cached_property
from typing import Self

from pydantic import model_validator

from casework.domain._model import Frozen
from casework.lists.fields import ListField
from casework.lists.table import is_surplus


class Mapping(Frozen):
    """For each field the column that holds it; a field that is not there is not read.

    ``columns`` are those of the table. No column holds two fields.
    """

    columns: tuple[str, ...]
    fields: dict[ListField, str]

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        missing = sorted(set(self.fields.values()).difference(self.columns))
        if missing:
            raise ValueError(f"the list has no column {', '.join(missing)}")
        if len(set(self.fields.values())) < len(self.fields):
            raise ValueError("a column holds one field")
        return self

    @cached_property
    def positions(self) -> dict[ListField, int]:
        """For each mapped field the place of its column, counted from 0."""
        places = {column: place for place, column in enumerate(self.columns)}
        return {field: places[column] for field, column in self.fields.items()}

    @cached_property
    def surplus(self) -> tuple[int, ...]:
        """The places of the columns behind the last heading."""
        return tuple(place for place, column in enumerate(self.columns) if is_surplus(column))

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The columns that hold no field, in the order of the list."""
        mapped = set(self.fields.values())
        return tuple(column for column in self.columns if column not in mapped)

    @property
    def is_usable(self) -> bool:
        """Say whether a row can be told from another: by a registration number, or by a name and a province."""
        named = ListField.NAME_TH in self.fields or ListField.NAME_EN in self.fields
        return ListField.REGISTRATION_NO in self.fields or (
            named and ListField.PROVINCE in self.fields
        )

    def with_field(self, field: ListField, column: str | None) -> Self:
        """Return this mapping with the field in another column, or in none.

        A column that held another field holds this one only.

        Raises:
            ValueError: the list has no such column.
        """
        fields = {
            other: held
            for other, held in self.fields.items()
            if other is not field and held != column
        }
        if column is not None:
            fields[field] = column
        return type(self)(columns=self.columns, fields=fields)
