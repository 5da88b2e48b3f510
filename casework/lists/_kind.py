"""What kind of file this is, by its content: a name is a hint of what its sender wanted."""

import codecs
from typing import Any, cast

import puremagic

from casework.lists.faults import ListFileError

_ARCHIVE = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LOOKED_AT = 1 << 16
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TEXT_CONTROLS = b"\t\n\x0b\x0c\r\x1a"
_CONTROLS = bytes(set(range(0x20)) - set(_TEXT_CONTROLS))
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<meta", b"{\\rtf", b"%pdf")
_SAVE_AS = "Save the list as an Excel workbook (.xlsx) or “CSV UTF-8”."


def is_workbook(content: bytes, file_name: str) -> bool:
    """Say whether this is a workbook; otherwise it is text.

    Raises:
        ListFileError: ``empty``, ``not-a-list``, ``old-workbook`` or ``protected``.
    """
    if not content.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise ListFileError("empty", "There is nothing in the file.")
    if content.startswith(_ARCHIVE):
        return True
    if content.startswith(_OLD_OFFICE):
        if _ENCRYPTED in content:
            raise ListFileError(
                "protected", "The workbook is protected by a password. Save it without one."
            )
        raise ListFileError("old-workbook", f"This is a file of an old Office. {_SAVE_AS}")
    head = content[:_LOOKED_AT]
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith(_MARKUP):
        raise ListFileError(
            "not-a-list", f"This is a document or a web page, not a list. {_SAVE_AS}"
        )
    if not content.startswith(_UTF_16) and _is_binary(content, head):
        raise ListFileError(
            "not-a-list",
            f"“{file_name}” is no list, whatever its name says: it looks like {_name_of(head)}. {_SAVE_AS}",
        )
    return False


def _is_binary(content: bytes, head: bytes) -> bool:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return b"\0" in content or controls * 100 > len(head)


def _name_of(head: bytes) -> str:
    try:
        # Its matches are untyped, the best first; some have no media type.
        matches = cast("list[Any]", puremagic.magic_string(head))  # pyright: ignore[reportUnknownMemberType]
    except (puremagic.PureError, ValueError):
        matches = []
    named = (str(match.mime_type) for match in matches if match.mime_type)
    return next(named, "a file of another kind")
