"""In which encoding a text file is, decided by few rules that can be explained.

1. A byte order mark says it.
2. What is valid UTF-8 is UTF-8: text in another encoding is that by accident only when it is tiny.
3. Western text has its bytes above A0 singly or in pairs beside ASCII letters, as the last one of Café; Thai text
   has them in runs of their own. The majority decides, and a tie is Thai; where some byte is none of Windows-874,
   a third is enough for Western.
4. Western text is Mac Roman where more letters stand below A0 than above DF, because there Windows-1252 has signs.
   Where only bytes are left that are letters in one and quotation marks or dashes in the other, the line ends
   decide, because only old Macs end lines in CR, and a note says so.
5. Thai text with CR line ends is Mac Thai where it has bytes that Windows-874 does not know.

A general detector (charset-normalizer) took short lists in Windows-874 for cp932, in Windows-1252 for cp1250.
"""

import codecs
import re
from typing import NamedTuple

from casework.lists.faults import ListFileError
from casework.lists.table import Note

_RUN = re.compile(rb"([A-Za-z]?)([\xa1-\xff]+)(?=([A-Za-z]?))")
_THAI_IN_UTF_8 = re.compile(rb"\xe0[\xb8\xb9][\x80-\xbf]")
_NAMES = {"cp874": "Windows-874", "cp1252": "Windows-1252", "mac-roman": "Mac Roman"}

# Accented letters in Mac Roman. In Windows-1252 those of the first kind are signs or nothing, those of the second
# kind capitals, which do not follow a small letter.
_ONLY_MAC = rb"[\x81\x83\x86-\x89\x8d\x8f\x90\x98\x9d]"
_MAC_LETTER = re.compile(rb"[A-Za-z]%b|%b[A-Za-z]|[a-z][\x8a\x8c\x8e\x9f]" % (_ONLY_MAC, _ONLY_MAC))
# Small accented letters in Windows-1252, in Mac Roman signs and capitals.
_WINDOWS_LETTER = re.compile(rb"[a-z][\xdf-\xff]|[A-Z][\xdf-\xff][a-z]")
_BELOW_A0 = re.compile(rb"[A-Za-z][\x80-\x9f]|[\x80-\x9f][A-Za-z]")

# Mac Thai is Windows-874 from A1 on but for a few signs. Below it has tone marks and vowels a second time, as they
# are placed beside tall letters. Python has no codec for it.
_MAC_THAI = {
    **dict(enumerate("«»…่้๊๋์่้๊๋์“”ํ", start=0x80)),
    **dict(enumerate("•ั็ิีึื่้๊๋์‘’", start=0x91)),
    0xA0: "\u00a0",
    **{byte: bytes([byte]).decode("cp874") for byte in (*range(0xA1, 0xDB), *range(0xDF, 0xFC))},
    **dict(zip((0xDB, 0xDC, 0xDD, 0xDE, 0xEE, 0xFA, 0xFB), "\u2060\u200b–—™®©", strict=True)),
    **{byte: chr(byte) for byte in range(0x80)},
}


class TextContent(NamedTuple):
    """The content of a text file with the ``codec`` that decodes all of it, and what its encoding is called."""

    content: bytes
    codec: str
    name: str
    notes: tuple[Note, ...] = ()


def text_content(content: bytes) -> TextContent:
    """Find out the encoding of a text file.

    Raises:
        ListFileError: ``encoding``, or ``mixed-encodings`` with the first line that differs.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if not _decodes(content, "utf-16"):
            raise ListFileError("encoding", "The file says that it is UTF-16, and it is not.")
        return TextContent(content, "utf-16", "utf-16")
    if _decodes(content, "utf-8"):
        codec = "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"
        return TextContent(content, codec, codec)
    found = _without_unicode(content)
    if found.codec == "utf-8":
        return found
    _refuse_mixture(content, found.codec)
    if not _decodes(content, found.codec):
        line = next(
            number
            for number, text in enumerate(content.splitlines(), start=1)
            if not _decodes(text, found.codec)
        )
        raise ListFileError(
            "encoding",
            f"This is neither UTF-8 nor {_NAMES[found.codec]}. Save the file as “CSV UTF-8”.",
            line,
        )
    return found


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _without_unicode(content: bytes) -> TextContent:
    western = thai = words = 0
    for before, run, after in _RUN.findall(content):
        if len(run) > 2:
            words += 1
        elif before or after:
            western += 1
        elif len(run) == 2:
            thai += 1
    is_western = western > thai + words or (
        (not words or 2 * western > words) and not _decodes(content, "cp874")
    )
    from_a_mac = _ends_lines_in_cr(content)
    if words and not is_western:
        return _thai(content, from_a_mac=from_a_mac)
    mac = len(_MAC_LETTER.findall(content))
    windows = len(_WINDOWS_LETTER.findall(content))
    below = _BELOW_A0.search(content) is not None
    if mac > windows or (from_a_mac and below and not windows and not thai):
        notes = () if mac and not windows else (_unsure("Mac Roman", "accents"),)
        return TextContent(content, "mac-roman", "mac-roman", notes)
    codec = "cp1252" if is_western else "cp874"
    return TextContent(content, codec, codec, (_unsure(_NAMES[codec], "accents"),) if mac else ())


def _thai(content: bytes, *, from_a_mac: bool) -> TextContent:
    if from_a_mac and not _decodes(content, "cp874") and _MAC_THAI.keys() >= set(content):
        text = "".join(map(_MAC_THAI.__getitem__, content))
        return TextContent(text.encode(), "utf-8", "mac-thai")
    has_signs = any(byte in content for byte in range(0x80, 0xA0))
    notes = (_unsure(_NAMES["cp874"], "tone marks"),) if from_a_mac and has_signs else ()
    return TextContent(content, "cp874", "cp874", notes)


def _unsure(name: str, letters: str) -> Note:
    return Note(
        "encoding-unsure",
        f"The file does not say its encoding; it was read as {name}. Look at a few names with {letters}: "
        "if they are wrong, save the list as “CSV UTF-8” and upload it again.",
    )


def _ends_lines_in_cr(content: bytes) -> bool:
    pairs = content.count(b"\r\n")
    return content.count(b"\r") - pairs > content.count(b"\n")


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
