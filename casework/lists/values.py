"""Cells as values of a field: brought into one form, or the reason why they cannot be used."""

import re
from collections.abc import Callable
from typing import Literal

from casework.domain.calendar import Language
from casework.domain.email import email_of
from casework.lists._cells import cleaned, with_arabic_digits
from casework.lists.fields import ListField
from casework.lists.places import province_of

ValueFault = Literal[
    "formula-error",
    "number-cut",
    "too-long",
    "province-unknown",
    "coordinate",
    "coordinate-outside",
    "email",
    "several-emails",
    "phone",
    "language",
]

SOUTH, NORTH, WEST, EAST = 5.0, 21.0, 97.0, 106.0
"""A box around Thailand in degrees. A site outside it has a slip in its coordinates, mostly swapped ones."""


class UnusableValue(Exception):
    """A cell says nothing that its field could hold; ``reason`` is for whoever wrote the list."""

    def __init__(self, code: ValueFault, reason: str) -> None:
        super().__init__(reason)
        self.code: ValueFault = code
        self.reason = reason


Value = str | float | None

_NOTHING = re.compile(r"[-–—_.\s]*|n\s*/\s*a|ไม่มี|ไม่ระบุ|null|none", re.IGNORECASE)
_FORMULA_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!)")
_SCIENTIFIC = re.compile(r"[0-9][.,]?[0-9]*E\+[0-9]+", re.IGNORECASE)
_DEGREES = re.compile(r"([+-]?[0-9]{1,3}(?:[.,][0-9]+)?)\s*°?\s*[NE]?", re.IGNORECASE)
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


def read_value(field: ListField, cell: str) -> Value:
    """Return what a cell says of a field, or None if it says nothing.

    Thai digits in numbers become Arabic ones; a dash, ``N/A`` or ไม่มี counts as nothing.

    Raises:
        UnusableValue: the field cannot hold this.
    """
    text = cleaned(cell)
    if _NOTHING.fullmatch(text):
        return None
    if _FORMULA_ERROR.fullmatch(text):
        raise UnusableValue("formula-error", f"A formula gave {text}.")
    return _READERS.get(field, _text)(text)


def is_thai(text: str) -> bool:
    """Say whether a text has Thai letters in it."""
    return _THAI.search(text) is not None


def _text(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > _LONGEST_TEXT:
        raise UnusableValue("too-long", f"At most {_LONGEST_TEXT} characters.")
    return line


def _registration_no(text: str) -> str:
    number = " ".join(with_arabic_digits(text).split())
    if _SCIENTIFIC.fullmatch(number):
        raise UnusableValue(
            "number-cut",
            "A spreadsheet shortened this number. Format the column as text and enter it again.",
        )
    if len(number) > 64:
        raise UnusableValue("too-long", "A registration number has at most 64 characters.")
    return number


def _province(text: str) -> str:
    code = province_of(text)
    if code is None:
        raise UnusableValue("province-unknown", "No province has this name or code.")
    return code


def _between(least: float, most: float, name: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        found = _DEGREES.fullmatch(with_arabic_digits(text))
        if found is None:
            raise UnusableValue(
                "coordinate", f"A {name} is a number of degrees such as {least + 8.75}."
            )
        degrees = float(found[1].replace(",", "."))
        if not least <= degrees <= most:
            raise UnusableValue(
                "coordinate-outside",
                f"In Thailand the {name} is between {least:g} and {most:g}. Are the two swapped?",
            )
        return degrees

    return read


def _email(text: str) -> str:
    address = text.removeprefix("mailto:").strip()
    if address.count("@") > 1:
        raise UnusableValue("several-emails", "Give one e-mail address.")
    try:
        return email_of(address)
    except ValueError:
        raise UnusableValue("email", "This is no e-mail address.") from None


def _phone(text: str) -> str:
    number = " ".join(with_arabic_digits(text).split())
    if not sum(sign.isdigit() for sign in number) >= 6 or not _PHONE.fullmatch(number):
        raise UnusableValue("phone", "This is no telephone number.")
    if len(number) > 40:
        raise UnusableValue("too-long", "A telephone number has at most 40 characters.")
    # Spreadsheets take numbers for amounts. Thai ones have nine or ten digits and begin with 0.
    return f"0{number}" if _LOST_ZERO.fullmatch(number) else number


def _language(text: str) -> Language:
    language = _LANGUAGES.get(text.casefold())
    if language is None:
        raise UnusableValue("language", "The language is th or en.")
    return language


_READERS: dict[ListField, Callable[[str], Value]] = {
    ListField.REGISTRATION_NO: _registration_no,
    ListField.PROVINCE: _province,
    ListField.LATITUDE: _between(SOUTH, NORTH, "latitude"),
    ListField.LONGITUDE: _between(WEST, EAST, "longitude"),
    ListField.EMAIL: _email,
    ListField.PHONE: _phone,
    ListField.LANGUAGE: _language,
}
