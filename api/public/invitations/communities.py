"""The communities around the site in the prefilled application: as many groups of fields as somebody asks for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from api.http.communities import CommunityBody
from api.pages.forms import line_in
from casework.store.communities import MOST_COMMUNITIES

_FIRST_GROUPS = 2
_PARTS = ("kind", "name", "email", "phone", "address")


@dataclass(frozen=True)
class CommunityFields:
    """One group of fields as it came, without spaces around them."""

    kind: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""

    def body(self) -> CommunityBody:
        """Return the community.

        Raises:
            ValidationError: a field is not right.
        """
        return CommunityBody.model_validate(
            {part: text for part, text in asdict(self).items() if text}
        )

    def errors(self, number: int) -> dict[str, str]:
        """Return the code of what is wrong by field of the group with this number, in the order of the page."""
        try:
            self.body()
        except ValidationError as error:
            wrong = {str(fault["loc"][0]) for fault in error.errors()}
        else:
            return {}
        return {
            field_of(number, part): _code(part, getattr(self, part))
            for part in _PARTS
            if part in wrong
        }


def field_of(number: int, part: str) -> str:
    """Return the name of a field: groups count from 1."""
    return f"community_{number}_{part}"


def communities_in(fields: Mapping[str, str]) -> tuple[CommunityFields, ...]:
    """Return the groups in which somebody wrote something."""
    groups = (
        CommunityFields(**{part: line_in(fields, field_of(number, part)) for part in _PARTS})
        for number in range(1, MOST_COMMUNITIES + 1)
    )
    return tuple(group for group in groups if group != CommunityFields())


def groups_to_show(
    filled: tuple[CommunityFields, ...], *, more: bool
) -> tuple[CommunityFields, ...]:
    """Return the groups of the page: what is filled in, and empty ones while there may be more."""
    wanted = max(_FIRST_GROUPS, len(filled) + (_FIRST_GROUPS if more else 0))
    empty = min(wanted, MOST_COMMUNITIES) - len(filled)
    return filled + (CommunityFields(),) * empty


def _code(part: str, text: str) -> str:
    if part in {"kind", "name"} and not text:
        return f"community-{part}-missing"
    return f"community-{part}-wrong"
