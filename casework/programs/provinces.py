"""The 77 provinces of Thailand and their codes."""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from casework.domain._model import Frozen, ProvinceCode
from casework.domain.calendar import Language

_BANGKOK = "10"


class Province(Frozen):
    """A province. ``code`` is its administrative code, which ISO 3166-2:TH uses too."""

    code: ProvinceCode
    iso_3166_2: str
    name_th: str
    name_en: str
    region: str
    """One of the six regions of the geography of the Royal Society of Thailand, in English: ``Northeast``.

    Not one of the inspection regions of the ministry, which group provinces otherwise.
    """

    def name(self, language: Language) -> str:
        """Return the name in this language."""
        return self.name_th if language == "th" else self.name_en

    @property
    def has_office(self) -> bool:
        """Say whether there is a provincial industry office: everywhere but in Bangkok."""
        return self.code != _BANGKOK


@cache
def provinces() -> Mapping[str, Province]:
    """Return all provinces by code, in the order of their codes."""
    path = Path(__file__).parent / "data" / "provinces.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = (Province.model_validate(row) for row in csv.DictReader(file))
        return MappingProxyType({province.code: province for province in rows})
