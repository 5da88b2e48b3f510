"""What the feedback form holds, and what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from pydantic import JsonValue
from starlette.requests import Request

from casework.contracts.enrollment import digest_of
from casework.domain.calendar import Language
from casework.store.representations import NewRepresentation
from casework.store.tables import Stance

MOST_BYTES = 128 * 1024
"""Of a form. 4,000 Thai characters take 36 KB as a browser sends them."""

LONGEST_TEXT = 4000
LONGEST_NAME = 120
_LONGEST_EMAIL = 254
_MOST_FIELDS = 20
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;.]+")
_KEY = re.compile(r"[0-9a-f]{32}")
_STANCES = frozenset(stance.value for stance in Stance)


class FormTooLarge(Exception):
    """The form is larger than any that somebody can have filled in."""


@dataclass(frozen=True)
class FeedbackForm:
    """The fields as they came, without spaces around them."""

    stance: str = ""
    text: str = ""
    name: str = ""
    email: str = ""
    key: str = ""

    def errors(self) -> dict[str, str]:
        """Return the code of what is wrong by field, in the order of the page."""
        found: dict[str, str] = {}
        if self.stance not in _STANCES:
            found["stance"] = "stance-missing"
        if not self.text:
            found["text"] = "text-missing"
        elif len(self.text) > LONGEST_TEXT:
            found["text"] = "text-too-long"
        if len(self.name) > LONGEST_NAME:
            found["name"] = "name-too-long"
        if self.email and (len(self.email) > _LONGEST_EMAIL or not _EMAIL.fullmatch(self.email)):
            found["email"] = "email-invalid"
        return found

    def representation(self, case_id: str, language: Language) -> NewRepresentation:
        """Return what is stored. The key is bound to the case, so that it means nothing elsewhere."""
        content: dict[str, JsonValue] = {
            "stance": self.stance,
            "text": self.text,
            "author_name": self.name or None,
            "author_email": self.email or None,
        }
        return NewRepresentation(
            stance=Stance(self.stance),
            text=self.text,
            author_name=self.name or None,
            author_email=self.email or None,
            language=language,
            update_key=f"form/{case_id}/{self.key}",
            digest=digest_of("SubmitRepresentation", content),
        )


async def read_form(request: Request) -> FeedbackForm:
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
    return form_of(dict(pairs))


def form_of(fields: Mapping[str, str]) -> FeedbackForm:
    """Tidy the fields: browsers send line ends of their own, and people send spaces."""
    text = fields.get("text", "").replace("\r\n", "\n").replace("\0", "").strip()
    key = fields.get("key", "")
    return FeedbackForm(
        stance=fields.get("stance", ""),
        text=text,
        name=" ".join(fields.get("name", "").replace("\0", "").split()),
        email=fields.get("email", "").replace("\0", "").strip(),
        key=key if _KEY.fullmatch(key) else "",
    )
