"""Whom a token speaks for."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api.http.openapi import problems
from api.security import CurrentPrincipal
from casework.domain.actors import ActorKind

router = APIRouter(prefix="/api/v1/me", tags=["identity"])


class Me(BaseModel):
    """The person of the token, and where they work; `*` stands for everywhere."""

    person: str
    roles: tuple[ActorKind, ...]
    provinces: Annotated[tuple[str, ...], Field(examples=[["21"], ["*"]])]
    programs: tuple[str, ...]
    establishment: str | None


@router.get(
    "",
    operation_id="readMe",
    summary="Say whom the token speaks for",
    responses=problems(401),
)
async def read_me(principal: CurrentPrincipal, response: Response) -> Me:
    """Return what the API understood of the token."""
    response.headers["Cache-Control"] = "no-store"
    return Me(
        person=principal.person,
        roles=principal.kinds,
        provinces=tuple(sorted(principal.provinces)),
        programs=tuple(sorted(principal.programs)),
        establishment=principal.establishment,
    )
