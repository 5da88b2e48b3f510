"""What the feedback form holds, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from api.pages.forms import LONGEST_TEXT, key_in, line_in, text_in
from casework.contracts.enrollment import digest_of
from casework.domain.calendar import Language
from casework.domain.email import is_email
from casework.domain.representations import Stance
from casework.store.representations import NewRepresentation

LONGEST_NAME = 120
_STANCES = frozenset(stance.value for stance in Stance)


@dataclass(frozen=True)
class FeedbackForm:
    """The fields as they came, without spaces around them."""

    stance: str = ""
    text: str = ""
    name: str = ""
    email: str = ""
    key: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "FeedbackForm":
        """Tidy the fields."""
        return cls(
            stance=fields.get("stance", ""),
            text=text_in(fields),
            name=line_in(fields, "name"),
            email=line_in(fields, "email"),
            key=key_in(fields),
        )

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
        if self.email and not is_email(self.email):
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
