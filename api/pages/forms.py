"""The forms of the public pages as they come in: how much is read of them, and how it is tidied."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

MOST_BYTES = 128 * 1024
"""Of a form. 4,000 Thai characters take 36 KB as a browser sends them."""

LONGEST_TEXT = 4000
_MOST_FIELDS = 150
"""An application with 20 communities has some 110."""

_KEY = re.compile(r"[0-9a-f]{32}")


class FormTooLarge(Exception):
    """The form is larger than any that somebody can have filled in."""


async def read_fields(request: Request) -> Mapping[str, str]:
    """Read the fields of a form.

    Raises:
        FormTooLarge: it has more than :data:`MOST_BYTES`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise FormTooLarge
    try:
        return dict(parse_qsl(body.decode("ascii", "replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def line_in(fields: Mapping[str, str], name: str) -> str:
    """Return a field as one line without spaces around it."""
    return " ".join(fields.get(name, "").replace("\0", "").split())


def text_in(fields: Mapping[str, str]) -> str:
    """Return the text of a form: browsers send line ends of their own, and people send spaces."""
    return fields.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()


def key_in(fields: Mapping[str, str]) -> str:
    """Return the key by which a form that comes again is recognized; empty without a good one."""
    key = fields.get("key", "")
    return key if _KEY.fullmatch(key) else ""
