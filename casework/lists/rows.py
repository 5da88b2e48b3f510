"""From a row of text to an establishment, or to what is wrong with it, column by column."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from casework.domain._model import Frozen, Line, ProvinceCode
from casework.domain.calendar import Language
from casework.lists._cells import cleaned, with_arabic_digits
from casework.lists.fields import ListField
from casework.lists.mapping import Mapping
from casework.lists.places import province_of
from casework.lists.table import TableRow

RowFault = Literal[
    "surplus-cell",
    "formula-error",
    "number-cut",
    "too-long",
    "province-unknown",
    "coordinate",
    "coordinate-outside",
    "coordinate-alone",
    "email",
    "several-emails",
    "phone",
    "language",
    "unidentified",
]

SOUTH, NORTH, WEST, EAST = 5.0, 21.0, 97.0, 106.0
"""A box around Thailand in degrees. A site outside it has a slip in its coordinates, mostly swapped ones."""


class RowProblem(Frozen):
    """Why a row cannot be used. ``column`` is the list's own name of it, or None for the whole row."""

    line: int
    column: str | None
    code: RowFault
    reason: str


class ListedEstablishment(Frozen):
    """An establishment as a list knows it; ``line`` is where.

    It has a registration number, or a name and a province. A contact may be missing: whether somebody can be
    invited without one is not decided here.
    """

    line: int
    registration_no: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    name_th: Line | None = None
    name_en: Line | None = None
    address: Line | None = None
    province: ProvinceCode | None = None
    latitude: float | None = None
    longitude: float | None = None
    contact_name: Line | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Language = "th"


class _Wrong(Exception):
    def __init__(self, code: RowFault, reason: str) -> None:
        super().__init__(reason)
        self.code: RowFault = code
        self.reason = reason


_Value = str | float | None

_NOTHING = re.compile(r"[-–—_.\s]*|n\s*/\s*a|ไม่มี|ไม่ระบุ|null|none", re.IGNORECASE)
_FORMULA_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!)")
_SCIENTIFIC = re.compile(r"[0-9][.,]?[0-9]*E\+[0-9]+", re.IGNORECASE)
_DEGREES = re.compile(r"([+-]?[0-9]{1,3}(?:[.,][0-9]+)?)\s*°?\s*[NE]?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]+")
_PHONE = re.compile(r"\+?[0-9()/.,\s-]*(?:(?:ต่อ|ext\.?|x|#)\s*[0-9,\s-]+)?", re.IGNORECASE)
_LOST_ZERO = re.compile(r"[689][0-9]{8}|[23457][0-9]{7}")
_THAI = re.compile(r"[\u0e01-\u0e4e]")
_LANGUAGES: dict[str, Language] = {
    "th": "th",
    "tha": "th",
    "thai": "th",
    "ไทย": "th",
    "ภาษาไทย": "th",
    "en": "en",
    "eng": "en",
    "english": "en",
    "อังกฤษ": "en",
    "ภาษาอังกฤษ": "en",
}
_LONGEST_TEXT = 600


def parse_row(mapping: Mapping, row: TableRow) -> ListedEstablishment | tuple[RowProblem, ...]:
    """Return the establishment of a row, or everything that is wrong with the row.

    Thai digits in numbers become Arabic ones; a dash, ``N/A`` or ไม่มี counts as nothing.

    Args:
        mapping: of the columns of the table that the row is from.
        row: its cells as uploaded.
    """
    values: dict[ListField, _Value] = {}
    problems = [
        _problem(mapping, row, place, "surplus-cell", _SURPLUS_REASON)
        for place in mapping.surplus
        if place < len(row.cells) and row.cells[place]
    ]
    for field, place in mapping.positions.items():
        try:
            values[field] = _read(field, row.cells[place] if place < len(row.cells) else "")
        except _Wrong as wrong:
            problems.append(_problem(mapping, row, place, wrong.code, wrong.reason))
    problems += _problems_between(mapping, row, values, complete=not problems)
    if problems:
        return tuple(problems)
    _sort_names(values)
    return ListedEstablishment.model_validate(
        {
            "line": row.line,
            **{field.value: value for field, value in values.items() if value is not None},
        }
    )


_SURPLUS_REASON = (
    "The row has more cells than there are headings. Quote cells that have a delimiter in them."
)


def _problem(
    mapping: Mapping, row: TableRow, place: int | None, code: RowFault, reason: str
) -> RowProblem:
    column = None if place is None else mapping.columns[place]
    return RowProblem(line=row.line, column=column, code=code, reason=reason)


def _problems_between(
    mapping: Mapping, row: TableRow, values: dict[ListField, _Value], *, complete: bool
) -> list[RowProblem]:
    problems: list[RowProblem] = []
    pair = (ListField.LATITUDE, ListField.LONGITUDE)
    given = [field for field in pair if values.get(field) is not None]
    if complete and len(given) == 1:
        reason = "A place needs a latitude and a longitude; only one of them is there."
        place = mapping.positions[given[0]]
        problems.append(_problem(mapping, row, place, "coordinate-alone", reason))
    named = values.get(ListField.NAME_TH) or values.get(ListField.NAME_EN)
    known = values.get(ListField.REGISTRATION_NO) or (named and values.get(ListField.PROVINCE))
    # With a wrong cell among those that identify, the wrong cell is the answer.
    if complete and not known:
        reason = "The row needs a registration number, or a name and a province."
        problems.append(_problem(mapping, row, None, "unidentified", reason))
    return problems


def _sort_names(values: dict[ListField, _Value]) -> None:
    """Move a name to the language it is written in, when it has no other."""
    thai, english = values.get(ListField.NAME_TH), values.get(ListField.NAME_EN)
    if isinstance(thai, str) and english is None and not _THAI.search(thai):
        values[ListField.NAME_TH], values[ListField.NAME_EN] = None, thai
    elif isinstance(english, str) and thai is None and _THAI.search(english):
        values[ListField.NAME_TH], values[ListField.NAME_EN] = english, None


def _read(field: ListField, cell: str) -> _Value:
    text = cleaned(cell)
    if _NOTHING.fullmatch(text):
        return None
    if _FORMULA_ERROR.fullmatch(text):
        raise _Wrong("formula-error", f"A formula gave {text}.")
    return _READERS.get(field, _text)(text)


def _text(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > _LONGEST_TEXT:
        raise _Wrong("too-long", f"At most {_LONGEST_TEXT} characters.")
    return line


def _registration_no(text: str) -> str:
    number = " ".join(with_arabic_digits(text).split())
    if _SCIENTIFIC.fullmatch(number):
        raise _Wrong(
            "number-cut",
            "A spreadsheet shortened this number. Format the column as text and enter it again.",
        )
    if len(number) > 64:
        raise _Wrong("too-long", "A registration number has at most 64 characters.")
    return number


def _province(text: str) -> str:
    code = province_of(text)
    if code is None:
        raise _Wrong("province-unknown", "No province has this name or code.")
    return code


def _between(least: float, most: float, name: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = _DEGREES.fullmatch(with_arabic_digits(text))
        if found is None:
            raise _Wrong("coordinate", f"A {name} is a number of degrees such as {least + 8.75}.")
        degrees = float(found[1].replace(",", "."))
        if not least <= degrees <= most:
            raise _Wrong(
                "coordinate-outside",
                f"In Thailand the {name} is between {least:g} and {most:g}. Are the two swapped?",
            )
        return degrees

    return read


def _email(text: str) -> str:
    address = text.removeprefix("mailto:").strip()
    if address.count("@") > 1:
        raise _Wrong("several-emails", "Give one e-mail address.")
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise _Wrong("email", "This is no e-mail address.")
    return address


def _phone(text: str) -> str:
    number = " ".join(with_arabic_digits(text).split())
    if not sum(sign.isdigit() for sign in number) >= 6 or not _PHONE.fullmatch(number):
        raise _Wrong("phone", "This is no telephone number.")
    if len(number) > 40:
        raise _Wrong("too-long", "A telephone number has at most 40 characters.")
    # Spreadsheets take numbers for amounts. Thai ones have nine or ten digits and begin with 0.
    return f"0{number}" if _LOST_ZERO.fullmatch(number) else number


def _language(text: str) -> Language:
    language = _LANGUAGES.get(text.casefold())
    if language is None:
        raise _Wrong("language", "The language is th or en.")
    return language


_READERS: dict[ListField, Callable[[str], _Value]] = {
    ListField.REGISTRATION_NO: _registration_no,
    ListField.PROVINCE: _province,
    ListField.LATITUDE: _between(SOUTH, NORTH, "latitude"),
    ListField.LONGITUDE: _between(WEST, EAST, "longitude"),
    ListField.EMAIL: _email,
    ListField.PHONE: _phone,
    ListField.LANGUAGE: _language,
}
