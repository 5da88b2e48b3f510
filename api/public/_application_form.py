"""What the prefilled application holds, and what is wrong with it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from api.asked import Email, Name
from casework.store.tables import Contact

MOST_BYTES = 128 * 1024
"""Of a form. 4,000 Thai characters take 36 KB as a browser sends them."""

LONGEST_TEXT = 4000
LONGEST_PHONE = 40
_MOST_FIELDS = 20
_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = TypeAdapter[str](Name)
_EMAIL = TypeAdapter[str](Email)


class FormTooLarge(Exception):
    """The form is larger than any that somebody can have filled in."""


@dataclass(frozen=True)
class ApplicationForm:
    """The fields as they came, without spaces around them. ``text`` is the statement or the reason."""

    name: str = ""
    email: str = ""
    phone: str = ""
    text: str = ""
    key: str = ""
    go: str = ""

    @classmethod
    def prefilled(cls, contact: Contact) -> "ApplicationForm":
        """Begin with what is known."""
        return cls(name=contact.name, email=contact.email, phone=contact.phone or "")

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "ApplicationForm":
        """Tidy the fields: browsers send line ends of their own, and people send spaces."""
        one_line = {
            name: " ".join(fields.get(name, "").replace("\0", "").split())
            for name in ("name", "email", "phone", "go")
        }
        text = fields.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()
        key = fields.get("key", "")
        # Without its key (a form filled in by a program) nothing can be recognized as a repetition.
        key = key if _KEY.fullmatch(key) else secrets.token_hex(16)
        return cls(text=text, key=key, **one_line)

    def errors(self) -> dict[str, str]:
        """Return the code of what is wrong by field, in the order of the page."""
        found: dict[str, str] = {}
        if not self.name:
            found["name"] = "name-missing"
        elif not _is(_NAME, self.name):
            found["name"] = "name-too-long"
        if not _is(_EMAIL, self.email):
            found["email"] = "email-invalid"
        if len(self.phone) > LONGEST_PHONE:
            found["phone"] = "phone-too-long"
        return {**found, **self.errors_of_text()}

    def errors_of_text(self) -> dict[str, str]:
        """Return what is wrong with the statement or the reason alone."""
        return {"text": "text-too-long"} if len(self.text) > LONGEST_TEXT else {}


def _is(kind: TypeAdapter[str], text: str) -> bool:
    try:
        kind.validate_python(text)
    except ValidationError:
        return False
    return True


async def read_form(request: Request) -> ApplicationForm:
    """Read the form of a request.

    Raises:
        FormTooLarge: it has more than :data:`MOST_BYTES`.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise FormTooLarge
    try:
        pairs = parse_qsl(body.decode("ascii", "replace"), max_num_fields=_MOST_FIELDS)
    except ValueError:
        pairs = []
    return ApplicationForm.of(dict(pairs))
