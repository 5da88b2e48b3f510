"""Cells as text: brought into one form when read, made harmless for spreadsheets when written."""

import re
import unicodedata

# Marks of word ends, directions and byte order: invisible, and they make equal texts differ.
_INVISIBLE = {
    *(0x00AD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
}
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0)} - {0x09, 0x0A}
_DROPPED = dict.fromkeys(_INVISIBLE | _CONTROLS)
_THAI_DIGITS = {0x0E50 + digit: str(digit) for digit in range(10)}
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")

# `="0042"` is how some programs keep a spreadsheet from taking zeros away.
_TEXT_FORMULA = re.compile(r'="([^"]*)"')

_STARTS = "\n\r\x0b\x0c\x85\u2028\u2029;\t"
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_SPACES = f"(?:(?![{_STARTS}])[\\s\u200b\u2060\ufeff])*"
_DANGER = f"{_SPACES}[{_SIGNS}\t\r\0]"
_UNSAFE = re.compile(f"(?:^|(?<=[{_STARTS}]))(?='*{_DANGER})")
_GUARDED = re.compile(f"(?:^|(?<=[{_STARTS}]))'(?='*{_DANGER})")


def cleaned(text: str) -> str:
    """Return the text in Unicode's form C, trimmed, with LF as the only line break and no invisible characters."""
    if not text.isprintable():
        text = _LINE_BREAK.sub("\n", text).translate(_DROPPED)
    return unicodedata.normalize("NFC", text).strip()


def with_arabic_digits(text: str) -> str:
    """Return the text with ๐ to ๙ written as 0 to 9."""
    return text.translate(_THAI_DIGITS)


def received(text: str) -> str:
    """Return a cell of an uploaded file: cleaned, and without what was added for a spreadsheet's sake."""
    text = cleaned(text)
    if wrapped := _TEXT_FORMULA.fullmatch(text):
        text = wrapped[1].strip()
    return unguarded(text).strip() if "'" in text else text


def guarded(text: str) -> str:
    """Return the text with an apostrophe wherever a spreadsheet could take what follows for a formula.

    That is at the beginning of the cell and of each line in it, also behind a semicolon or a tab, which
    separate cells where the reader's settings say so; before an equals, plus, minus or at sign, in any
    width and behind any spaces, and before a tab, carriage return or NUL.
    """
    return _UNSAFE.sub("'", text)


def unguarded(text: str) -> str:
    """Take away what :func:`guarded` added: it is its exact inverse."""
    return _GUARDED.sub("", text)


def is_unsafe(text: str) -> bool:
    """Say whether a spreadsheet could take a part of the text for a formula."""
    return _UNSAFE.search(text) is not None
