"""In which encoding a text file is, decided by few rules that can be explained.

1. A byte order mark says it.
2. What is valid UTF-8 is UTF-8: text in another encoding is that by accident only when it is tiny.
3. Of the two Windows encodings, Windows-1252 has its bytes above A0 singly or in pairs beside ASCII letters,
   as the last one of Café; Windows-874 has them in runs of their own. The majority decides, and a tie is Thai,
   unless no run is longer than a pair and some byte is none of Windows-874.

A general detector (charset-normalizer) took short lists in Windows-874 for cp932, in Windows-1252 for cp1250.
"""

import codecs
import re

from casework.lists.faults import ListFileError

_RUN = re.compile(rb"([A-Za-z]?)([\xa1-\xff]+)(?=([A-Za-z]?))")
_THAI_IN_UTF_8 = re.compile(rb"\xe0[\xb8\xb9][\x80-\xbf]")
_NAMES = {"cp874": "Windows-874", "cp1252": "Windows-1252"}


def encoding_of(content: bytes) -> str:
    """Return the name of the codec that decodes all of the content.

    Raises:
        ListFileError: ``encoding``, or ``mixed-encodings`` with the first line that differs.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if not _decodes(content, "utf-16"):
            raise ListFileError("encoding", "The file says that it is UTF-16, and it is not.")
        return "utf-16"
    if _decodes(content, "utf-8"):
        return "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"
    encoding = _windows_encoding(content)
    _refuse_mixture(content, encoding)
    if not _decodes(content, encoding):
        line = next(
            number
            for number, text in enumerate(content.splitlines(), start=1)
            if not _decodes(text, encoding)
        )
        raise ListFileError(
            "encoding",
            f"This is neither UTF-8 nor {_NAMES[encoding]}. Save the file as “CSV UTF-8”.",
            line,
        )
    return encoding


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _windows_encoding(content: bytes) -> str:
    western = thai = words = 0
    for before, run, after in _RUN.findall(content):
        if len(run) > 2:
            words += 1
        elif before or after:
            western += 1
        elif len(run) == 2:
            thai += 1
    is_western = western > thai + words or not (words or _decodes(content, "cp874"))
    return "cp1252" if is_western else "cp874"


def _refuse_mixture(content: bytes, encoding: str) -> None:
    # Lists pasted together from two files. A line of Thai is hardly ever valid UTF-8 by accident, but a
    # word of two letters can be, so in a Thai file only lines with Thai in UTF-8 count.
    marked = content.startswith(codecs.BOM_UTF8)
    first: bool | None = True if marked else None
    for number, line in enumerate(content.splitlines(), start=1):
        if line.isascii():
            continue
        is_utf_8 = _decodes(line, "utf-8")
        if is_utf_8 and encoding == "cp874" and not marked and not _THAI_IN_UTF_8.search(line):
            continue
        if first is None:
            first = is_utf_8
        elif first != is_utf_8:
            raise ListFileError(
                "mixed-encodings",
                "This line is in another encoding than the lines before it: "
                f"{'UTF-8' if is_utf_8 else _NAMES[encoding]} after "
                f"{_NAMES[encoding] if is_utf_8 else 'UTF-8'}. "
                "Save the file as “CSV UTF-8” and look at the text around this line.",
                number,
            )
