"""Names that no mail program takes for an address.

Whoever fills in a form can call an establishment ``www.evil.example``, and mail programs make links of what
looks like one, in the text part as well as in the HTML part, whatever the markup says. A space ends an address
for all of them. Invisible characters do not: readers of host names drop U+2060, U+200B and U+00AD (UTS #46), so
a program that takes them into the link leads there all the same.
"""

import re

GAP = "\u202f"
"""The narrow no-break space: hardly to be seen, and the end of every address."""

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""What has no width (Default_Ignorable_Code_Point), and could stand between a point and what follows it."""

_THAI = "\u0e00-\u0e7f"
_POINTS = ".\u2024\u3002\uff0e\uff61"
"""The point, and what readers of host names take for one."""

_BEFORE_GAP = re.compile(
    # A top-level domain begins with a letter; two of them are Thai, and abbreviations are none.
    rf"[{_POINTS}](?=(?![{_THAI}])[^\W\d_]|ไทย|คอม)"
    # The end of a scheme.
    r"|[:\uff1a](?=[/\uff0f])"
    r"|(?<=\w)[@\uff20](?=\w)"
    # Schemes without slashes.
    r"|(?<![^\W_])(?:mailto|javascript|data|tel|sms|file)[:\uff1a](?=\S)",
    re.IGNORECASE,
)


def unlinked(text: str) -> str:
    """Return a text in which nothing can be taken for an address of the web or of mail."""
    return _BEFORE_GAP.sub(lambda found: found[0] + GAP, _INVISIBLE.sub("", text))
