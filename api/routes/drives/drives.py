"""Drives: bulk enrollments, from the list of a seminar or over members that a query finds."""

import json
from contextlib import suppress
from datetime import date, datetime, time
from typing import Annotated, Self

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import Field, model_validator

from api.collaborators import Collaborators, Parts
from api.http.caching import PRIVATE
from api.http.errors import FieldError, Problem
from api.http.fields import Name, RequestBody
from api.http.openapi import NEXT_PAGE, header, problems
from api.http.paging import Cursor, cursor_at, instant_and_id_of, next_page
from api.http.preconditions import IdempotencyKey, JsonBody, update_id_of
from api.routes.drives.access import (
    DriveOfficer,
    VisibleDrive,
    provinces_within,
    require_program,
    state_errors_as_409,
)
from api.routes.drives.examples import DRIVE, MEMBERS
from api.routes.drives.views import DriveDetails, DriveInList, DriveList
from api.routes.programs import require_known_program
from casework.contracts.drive import USUAL_PACE, USUAL_WINDOW, Pace, Window
from casework.contracts.enrollment import digest_of
from casework.domain._model import ProvinceCode, Ref
from casework.domain.calendar import BANGKOK, fiscal_year, local_date
from casework.domain.drives import DriveKind, DriveState
from casework.domain.policy import Principal
from casework.drives.dry_run import dry_run
from casework.programs.openings import horizon_of
from casework.store.drives.drives import (
    NewDrive,
    add_drive,
    find_drive,
    find_seminar,
    list_drives,
    provinces_of,
)
from casework.store.drives.members import MembersQuery, put_members
from casework.store.drives.rows import count_by_province
from casework.store.drives.states import ListChanged
from casework.store.drives.targets import forecast_of
from casework.store.texts import read_texts

PATH = "/api/v1/drives"
router = APIRouter(prefix=PATH, tags=["drives"])

_LOCATION = header("Location", "Address of the drive.", f"{PATH}/drv-k3v9a2q7m4tz")

Day = Annotated[date, Field(ge=date(1990, 1, 1), le=date(2200, 1, 1))]


class MembersBody(RequestBody):
    """Members of the program that fulfill one of the conditions; days begin in Bangkok."""

    ends_before: Annotated[
        Day | None, Field(description="The certification is valid and ends before this day.")
    ] = None
    quiet_since: Annotated[
        Day | None, Field(description="Nothing has happened in the last case since this day.")
    ] = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.ends_before is None and self.quiet_since is None:
            raise ValueError("ends_before, quiet_since or both")
        return self

    def query(self) -> MembersQuery:
        """Return it as the store asks it."""
        return MembersQuery(
            ending_before=_begin_of(self.ends_before), quiet_since=_begin_of(self.quiet_since)
        )


class DriveBody(RequestBody):
    """A drive: of a seminar whose list follows, or over members."""

    program: Annotated[str, Field(max_length=32, examples=["eco-network"])]
    title: Annotated[Name | None, Field(description="By default that of the seminar.")] = None
    seminar: Ref | None = None
    provinces: Annotated[
        tuple[ProvinceCode, ...] | None,
        Field(min_length=1, max_length=77, description="By default all those of your token."),
    ] = None
    pace: Annotated[
        Pace | None,
        Field(description="Cases per minute at most; null is as fast as it goes."),
    ] = USUAL_PACE
    window: Window = USUAL_WINDOW
    invite_again: Annotated[
        bool, Field(description="Also ask those who left an earlier invitation unanswered.")
    ] = False
    renew_before: Annotated[
        Day | None, Field(description="Also ask holders whose certification ends before this day.")
    ] = None
    members: MembersBody | None = None

    @model_validator(mode="after")
    def _has_a_title(self) -> Self:
        if self.title is None and self.seminar is None:
            raise ValueError("seminar, title or both")
        return self


@router.post(
    "",
    status_code=201,
    operation_id="addDrive",
    summary="Prepare a drive",
    dependencies=[JsonBody],
    responses={201: {"headers": _LOCATION}, **problems(400, 401, 403, 409, 413, 415)},
)
def add(
    parts: Parts,
    principal: DriveOfficer,
    key: IdempotencyKey,
    response: Response,
    body: Annotated[
        DriveBody,
        Body(
            openapi_examples={
                "seminar": {"summary": "จากการสัมมนา (attendees)", "value": DRIVE},
                "members": {"summary": "ต่ออายุสมาชิก (members)", "value": MEMBERS},
            }
        ),
    ],
) -> DriveDetails:
    """Make a draft. Upload its list next; a drive over members has its rows and its dry run at once."""
    require_known_program(parts.catalog, body.program)
    require_program(principal, body.program)
    new = _new_drive(parts, principal, body, key)
    with state_errors_as_409(), parts.database.writing() as session:
        row = add_drive(session, new, parts.now())
        if body.members is not None and row.chosen_by is None:
            put_members(session, row.id, body.members.query(), parts.now())
    if body.members is not None and row.state is DriveState.DRAFT:
        # The same request that comes twice at once makes one dry run.
        with state_errors_as_409(), suppress(ListChanged):
            dry_run(parts.database, row.id, parts.now())
    response.headers["Location"] = f"{PATH}/{row.id}"
    return details(parts, row.id)


def _new_drive(parts: Collaborators, principal: Principal, body: DriveBody, key: str) -> NewDrive:
    title = body.title
    if body.seminar is not None:
        with parts.database.reading() as session:
            seminar = find_seminar(session, body.seminar)
        if seminar is None:
            wrong = FieldError(pointer="/seminar", detail="There is no seminar with this id.")
            raise Problem("seminar-unknown", wrong.detail, errors=[wrong])
        title = title or seminar.title
    ends_before = body.members.ends_before if body.members else None
    renewed = [day for day in (body.renew_before, ends_before) if day is not None]
    provinces = frozenset(body.provinces) if body.provinces is not None else None
    return NewDrive(
        kind=DriveKind.LIST if body.members is None else DriveKind.RETENTION,
        program=body.program,
        title=title or body.program,
        seminar=body.seminar,
        provinces=provinces_within(principal, provinces),
        pace=body.pace,
        window=body.window,
        invite_again=body.invite_again,
        renew_before=_begin_of(max(renewed, default=None)),
        created_by=principal.person,
        update_id=update_id_of(principal.person, "drives", key),
        digest=digest_of("Drive", json.loads(body.model_dump_json())),
    )


def _begin_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, BANGKOK)


def details(parts: Collaborators, drive_id: str) -> DriveDetails:
    """Return everything about a drive, as it is now."""
    year = fiscal_year(local_date(parts.now()))
    with parts.database.reading() as session:
        row = find_drive(session, drive_id)
        if row is None:
            raise LookupError(f"{drive_id} is gone")
        texts = read_texts(session, row.state_reason)
        provinces = provinces_of(session, drive_id)
        counts = count_by_province(session, drive_id)
        horizon = horizon_of(parts.catalog, row.program, year, parts.now(), parts.calendar())
        forecast = forecast_of(session, row.program, horizon, provinces)
    return DriveDetails.of_all(row, texts, provinces, counts, year, forecast)


@router.get(
    "",
    operation_id="listDrives",
    summary="List the drives you may see, the latest first",
    responses={200: {"headers": NEXT_PAGE}, **problems(401, 403)},
)
def list_visible(
    parts: Parts,
    principal: DriveOfficer,
    request: Request,
    response: Response,
    program: Annotated[Ref | None, Query(examples=["eco-network"])] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=199)] = 50,
) -> DriveList:
    """Return one page: drives that do not reach beyond your provinces and programs."""
    before = instant_and_id_of(cursor) if cursor else None
    with parts.database.reading() as session:
        rows = list_drives(session, principal, program=program, before=before, limit=limit + 1)
        page = rows[:limit]
        texts = read_texts(session, [row.state_reason for row in page])
    following = cursor_at((page[-1].created_at, page[-1].id)) if len(rows) > limit else None
    response.headers.update(PRIVATE)
    if following:
        response.headers["Link"] = next_page(parts.settings.public_url, request, following)
    return DriveList(items=tuple(DriveInList.of(row, texts) for row in page), next=following)


@router.get(
    "/{drive_id}",
    operation_id="readDrive",
    summary="Read a drive: state, counts, summary by province, forecast",
    responses=problems(401, 403, 404),
)
def read(parts: Parts, row: VisibleDrive, response: Response) -> DriveDetails:
    """Return the drive and what is to be expected of this fiscal year in its provinces."""
    response.headers.update(PRIVATE)
    return details(parts, row.id)
