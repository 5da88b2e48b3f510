"""Seminars: what brings establishments in."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Body, Response
from pydantic import Field

from api.collaborators import Parts
from api.http.fields import Name, RequestBody
from api.http.openapi import header, problems
from api.http.preconditions import IdempotencyKey, JsonBody, update_id_of
from api.routes.drives.access import DriveOfficer, provinces_within
from api.routes.drives.examples import SEMINAR
from api.routes.drives.views import Seminars, SeminarView
from casework.contracts.enrollment import digest_of
from casework.domain._model import ProvinceCode
from casework.store.drives.drives import NewSeminar, add_seminar, list_seminars

router = APIRouter(prefix="/api/v1/seminars", tags=["drives"])

_LOCATION = header("Location", "Address of the list of seminars.", "/api/v1/seminars")


class SeminarBody(RequestBody):
    """A seminar. Without a province it is one of the ministry."""

    title: Name
    held_on: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]
    province: ProvinceCode | None = None
    place: Name | None = None


@router.post(
    "",
    status_code=201,
    operation_id="addSeminar",
    summary="Note a seminar",
    dependencies=[JsonBody],
    responses={201: {"headers": _LOCATION}, **problems(400, 401, 403, 409, 413, 415)},
)
def add(
    parts: Parts,
    principal: DriveOfficer,
    key: IdempotencyKey,
    response: Response,
    seminar: Annotated[
        SeminarBody,
        Body(openapi_examples={"thai": {"summary": "การสัมมนา", "value": SEMINAR}}),
    ],
) -> SeminarView:
    """Keep a seminar; a drive names it by its id."""
    if seminar.province is not None:
        provinces_within(principal, frozenset({seminar.province}), "/province")
    new = NewSeminar(
        created_by=principal.person,
        update_id=update_id_of(principal.person, "seminars", key),
        digest=digest_of("Seminar", seminar.model_dump(mode="json")),
        **seminar.model_dump(),
    )
    with parts.database.writing() as session:
        row = add_seminar(session, new, parts.now())
    response.headers["Location"] = router.prefix
    return SeminarView.of(row)


@router.get(
    "",
    operation_id="listSeminars",
    summary="List the latest seminars",
    responses=problems(401, 403),
)
def list_latest(parts: Parts, principal: DriveOfficer) -> Seminars:
    """Return up to 200 seminars, the last one first. Who came is in the lists of their drives."""
    with parts.database.reading() as session:
        rows = list_seminars(session)
    return Seminars(items=tuple(SeminarView.of(row) for row in rows))
