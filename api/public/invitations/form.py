"""What the prefilled application holds, and what is wrong with it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from api.http.fields import Name
from api.pages.forms import LONGEST_TEXT, key_in, line_in, text_in
from api.public.invitations.communities import CommunityFields, communities_in, groups_to_show
from casework.domain.email import is_email
from casework.store.communities import MOST_COMMUNITIES, NewCommunity
from casework.store.tables import Contact

LONGEST_PHONE = 40
_NAME = TypeAdapter[str](Name)


@dataclass(frozen=True)
class ApplicationForm:
    """The fields as they came, without spaces around them. ``text`` is the statement or the reason."""

    name: str = ""
    email: str = ""
    phone: str = ""
    text: str = ""
    key: str = ""
    go: str = ""
    communities: tuple[CommunityFields, ...] = ()

    @classmethod
    def prefilled(cls, contact: Contact) -> "ApplicationForm":
        """Begin with what is known."""
        return cls(name=contact.name, email=contact.email, phone=contact.phone or "")

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "ApplicationForm":
        """Tidy the fields."""
        lines = {name: line_in(fields, name) for name in ("name", "email", "phone", "go")}
        # Without its key (a form filled in by a program) nothing can be recognized as a repetition.
        return cls(
            text=text_in(fields),
            key=key_in(fields) or secrets.token_hex(16),
            communities=communities_in(fields),
            **lines,
        )

    @property
    def groups(self) -> tuple[CommunityFields, ...]:
        """The groups of fields for communities that the page shows."""
        return groups_to_show(self.communities, more=self.go == "more")

    @property
    def takes_more(self) -> bool:
        """Whether there may be more communities than the page has groups for."""
        return len(self.groups) < MOST_COMMUNITIES

    def new_communities(self) -> list[NewCommunity]:
        """Return the communities as the store keeps them, once there are no errors."""
        return [community.body().new() for community in self.communities]

    def errors(self) -> dict[str, str]:
        """Return the code of what is wrong by field, in the order of the page."""
        found: dict[str, str] = {}
        if not self.name:
            found["name"] = "name-missing"
        elif not _is(_NAME, self.name):
            found["name"] = "name-too-long"
        if not is_email(self.email):
            found["email"] = "email-invalid"
        if len(self.phone) > LONGEST_PHONE:
            found["phone"] = "phone-too-long"
        for number, community in enumerate(self.communities, start=1):
            found |= community.errors(number)
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
