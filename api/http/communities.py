"""A community as people describe it: the same fields in the API and in the form of an invitation."""

from typing import Annotated

from pydantic import Field

from api.http.fields import Address, Name, RequestBody, ShortCode
from casework.domain.calendar import Language
from casework.domain.communities import CommunityKind
from casework.domain.email import Email
from casework.store.communities import MOST_COMMUNITIES, NewCommunity


class CommunityBody(RequestBody):
    """A community around the site. It is told by e-mail when the feedback period opens, if it has an address for that.

    Only the staff of the case see what stands here.
    """

    kind: CommunityKind
    name: Annotated[Name, Field(examples=["องค์การบริหารส่วนตำบลมาบตาพุด"])]
    email: Email | None = None
    phone: Annotated[ShortCode, Field(max_length=40)] | None = None
    address: Annotated[Address | None, Field(description="Where a letter by post goes.")] = None
    language: Annotated[Language, Field(description="Of the letters to it.")] = "th"

    def new(self) -> NewCommunity:
        """Return it as the store keeps it."""
        return NewCommunity(**self.model_dump())


NamedCommunities = Annotated[tuple[CommunityBody, ...], Field(max_length=MOST_COMMUNITIES)]
"""The communities that an application names."""
