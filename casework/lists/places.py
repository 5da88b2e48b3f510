"""Provinces as people write them."""

import re
import unicodedata
from functools import cache

from casework.lists._cells import with_arabic_digits
from casework.programs.provinces import provinces

# Everyday names that are no spelling of the official one.
_ALSO_CALLED = {
    "10": ("กทม", "กรุงเทพ", "กรุงเทพฯ", "Krung Thep", "Krung Thep Maha Nakhon", "BKK"),
    "14": ("อยุธยา", "Ayutthaya", "Ayudhya", "Phra Nakhon Sri Ayutthaya"),
    "24": ("แปดริ้ว",),
    "30": ("โคราช", "Korat"),
    "33": ("Sisaket", "Srisaket"),
    "11": ("ปากน้ำ", "Samutprakarn"),
    "74": ("Samut Sakorn",),
    "20": ("Cholburi",),
}

_BEFORE = re.compile(r"^(?:จังหวัด|จว\.?|จ\s*\.|changwat\s)\s*", re.IGNORECASE)
_AFTER = re.compile(r"\s*\b(?:province|prov\.?)$", re.IGNORECASE)
_CODE = re.compile(r"(?:TH-)?([0-9]{2})", re.IGNORECASE)


def province_of(text: str) -> str | None:
    """Return the code of a province given by its code, ISO code, Thai or English name; None if there is none.

    Spaces, hyphens, case, and the words จังหวัด, จ. and Province make no difference.
    """
    plain = with_arabic_digits(unicodedata.normalize("NFKC", text)).strip()
    if code := _CODE.fullmatch(plain):
        return code[1] if code[1] in provinces() else None
    return _by_name().get(_key(_AFTER.sub("", _BEFORE.sub("", plain))))


@cache
def _by_name() -> dict[str, str]:
    names = {
        _key(name): code
        for code, province in provinces().items()
        for name in (province.name_th, province.name_en)
    }
    return names | {_key(name): code for code, other in _ALSO_CALLED.items() for name in other}


def _key(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LM")
