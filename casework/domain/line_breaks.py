"""Where a line of Thai may not break.

Thai writes no spaces between words, so browsers and mail programs look words up in a dictionary. What
the dictionary lacks, they break in the middle.
"""

import re
from functools import lru_cache

WORD_JOINER = "\u2060"
"""Forbids a break; it has no width."""

BREAK_HERE = "\u200b"
"""The zero-width space: allows a break."""

_NO_BREAK_SPACE = "\u00a0"

TOGETHER = ("ธรรมาภิบาล", "สิ่งแวดล้อม", "เครือข่าย", "ลุ่มน้ำ", "อุตสาหกรรม", "นโยบาย")
"""Words of programs and criteria that dictionaries lack, or break between the parts of the compound."""

_TOGETHER = re.compile("|".join(TOGETHER))
_THAI = re.compile("[ก-๎]")
_REPEATED = re.compile(r"(?<=\S)[ \u00a0]?ๆ")
_INSIDE = re.compile("(?!^)(?=[^\u0e31\u0e33-\u0e3a\u0e47-\u0e4e])")
"""Between two letters, and never before a vowel or tone mark, which would lose the letter it stands on."""


@lru_cache(maxsize=4096)
def keep_together(text: str) -> str:
    """Return a text about programs with marks that keep its words whole.

    The marks are for what is displayed: they have no width, but a text that holds them is another text
    to compare, to search and to store.
    """
    return keep_repetition(_TOGETHER.sub(_join, text))


def keep_repetition(text: str) -> str:
    """Return the text with ``ๆ`` on the line of the word that it repeats."""
    return _REPEATED.sub(f"{_NO_BREAK_SPACE}ๆ", text)


def _join(found: re.Match[str]) -> str:
    text, start, end = found.string, found.start(), found.end()
    # The dictionary no longer sees a joined word, so it would not find the word's edges either.
    before = BREAK_HERE if _THAI.match(text[max(start - 1, 0) : start]) else ""
    follows = _THAI.match(text, end) and not _TOGETHER.match(text, end)
    return before + _INSIDE.sub(WORD_JOINER, found[0]) + (BREAK_HERE if follows else "")
