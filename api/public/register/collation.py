"""The order in which Thai and English names stand."""

import re

from casework.store.search import searchable

_LEADING_VOWEL = re.compile("([เแโใไ])([ก-ฮ])")
_MARKS = re.compile("[\u0e47-\u0e4c\u0e4e]")


def sort_key(name: str) -> str:
    """Return a key that sorts names as a Thai dictionary does.

    A vowel written before its consonant is read after it, so เชียงใหม่ stands between ชัยนาท and
    ดอนเมือง; tone marks count only between names that are the same without them.
    """
    text = searchable(name).replace("\u0e4d\u0e32", "\u0e33")
    swapped = _LEADING_VOWEL.sub(r"\2\1", text)
    return f"{_MARKS.sub('', swapped)}\0{swapped}"
