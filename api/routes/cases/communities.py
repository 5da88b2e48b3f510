"""The communities around a site, for the staff of its case: whom the opening of the feedback period reaches."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field

from api.collaborators import Parts
from api.http.communities import CommunityBody
from api.http.errors import FieldError, Problem
from api.http.fields import RequestBody
from api.http.openapi import problems
from api.http.preconditions import JsonBody
from api.routes.cases.access import CaseForOfficer, CaseForStaff
from api.routes.cases.examples import COMMUNITIES
from api.routes.cases.reading import PATH as CASES
from api.security import CurrentPrincipal
from casework.domain.calendar import Language
from casework.domain.communities import CommunityKind
from casework.store.communities import (
    MOST_COMMUNITIES,
    CommunityUnknown,
    NewCommunity,
    communities_of_case,
    put_communities,
)
from casework.store.tables import Community

router = APIRouter(prefix=f"{CASES}/{{case_id}}/communities", tags=["cases"])

_PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


class CorrectedCommunity(CommunityBody):
    """A community as it shall be; ``number`` is that of the one it corrects, and a new one has none."""

    number: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def new(self) -> NewCommunity:
        """Return it as the store keeps it."""
        return NewCommunity(**self.model_dump())


class CommunitiesBody(RequestBody):
    """All communities of the case. Those that are left out are forgotten."""

    communities: Annotated[tuple[CorrectedCommunity, ...], Field(max_length=MOST_COMMUNITIES)]


class CommunityView(BaseModel):
    """A community. In the notices of the case it is the recipient ``community:<number>``."""

    number: int
    kind: CommunityKind
    name: str
    email: str | None
    phone: str | None
    address: str | None
    language: Language
    changed_by: Annotated[str, Field(description="Reference of who said last what stands here.")]
    changed_at: datetime

    @classmethod
    def of(cls, row: Community) -> "CommunityView":
        """Show a row."""
        return cls.model_validate(row.model_dump(exclude={"case_id"}))


class Communities(BaseModel):
    """The communities of a case, by number."""

    communities: tuple[CommunityView, ...]

    @classmethod
    def of(cls, rows: Iterable[Community]) -> "Communities":
        """Show rows."""
        return cls(communities=tuple(CommunityView.of(row) for row in rows))


@router.get(
    "",
    operation_id="listCommunities",
    summary="Read the communities around the site",
    responses=problems(401, 403, 404),
)
def list_communities(parts: Parts, case: CaseForStaff, response: Response) -> Communities:
    """Return all of them. Those without `email` have to be told by post or in person."""
    response.headers.update(_PRIVATE)
    with parts.database.reading() as session:
        return Communities.of(communities_of_case(session, case.case_id))


@router.put(
    "",
    operation_id="putCommunities",
    summary="Correct the communities around the site",
    dependencies=[JsonBody],
    responses=problems(400, 401, 403, 404, 413, 415),
)
def correct_communities(
    parts: Parts,
    principal: CurrentPrincipal,
    case: CaseForOfficer,
    response: Response,
    asked: Annotated[
        CommunitiesBody,
        Body(openapi_examples={"thai": {"summary": "แก้ไขรายชื่อชุมชน", "value": COMMUNITIES}}),
    ],
) -> Communities:
    """Replace the list. A letter that has not left yet goes to the address as it is when it leaves.

    One that is added while the period is open is not written to: tell it yourself.
    """
    response.headers.update(_PRIVATE)
    numbers = [community.number for community in asked.communities]
    for place, number in enumerate(numbers):
        if number is not None and number in numbers[:place]:
            raise _wrong_number(place, "Each number stands once.")
    try:
        with parts.database.writing() as session:
            wanted = [community.new() for community in asked.communities]
            rows = put_communities(session, case.case_id, wanted, principal.person, parts.now())
            return Communities.of(rows)
    except CommunityUnknown as error:
        detail = "The case has no community with this number; a new one has none."
        raise _wrong_number(numbers.index(error.number), detail) from error


def _wrong_number(place: int, detail: str) -> Problem:
    wrong = FieldError(pointer=f"/communities/{place}/number", detail=detail)
    return Problem("request-malformed", detail, errors=[wrong])
