"""The 22 river basins of the royal decree of B.E. 2564 (2021)."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from casework.domain._model import Frozen
from casework.domain.calendar import Language


class RiverBasin(Frozen):
    """A river basin. ``number`` is the decree's; names stand without "basin" (ลุ่มน้ำ)."""

    number: Annotated[int, Field(ge=1, le=22)]
    name_th: str
    name_en: str

    def name(self, language: Language) -> str:
        """Return the name in this language."""
        return self.name_th if language == "th" else self.name_en


@cache
def river_basins() -> Mapping[int, RiverBasin]:
    """Return all basins by number, in the decree's order."""
    path = Path(__file__).parent / "data" / "river_basins.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = (RiverBasin.model_validate(row) for row in csv.DictReader(file))
        return MappingProxyType({basin.number: basin for basin in rows})
