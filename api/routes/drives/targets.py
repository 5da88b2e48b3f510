"""Targets of a fiscal year and the forecast against them."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, Field

from api.collaborators import Collaborators, Parts
from api.http.caching import PRIVATE
from api.http.fields import RequestBody
from api.http.openapi import problems
from api.http.preconditions import JsonBody
from api.routes.drives.access import (
    DriveOfficer,
    SupervisorPrincipal,
    provinces_within,
    require_program,
)
from api.routes.drives.examples import TARGET
from api.routes.drives.views import ForecastView
from api.routes.programs import require_known_program
from casework.domain._model import ProvinceCode
from casework.domain.calendar import fiscal_year, local_date
from casework.domain.policy import Principal
from casework.programs.openings import horizon_of
from casework.programs.provinces import provinces
from casework.store.drives.targets import drop_target, forecast_of, set_target, targets_of

router = APIRouter(prefix="/api/v1/targets", tags=["drives"])

FiscalYear = Annotated[int, Field(ge=2500, le=2800, examples=[2570])]
"""A fiscal year by the Buddhist-era year it ends in: 2570 is 1 October 2026 to 30 September 2027."""


class TargetBody(RequestBody):
    """How many certifications a program is to bring in a fiscal year; ``target`` null takes it away."""

    program: Annotated[str, Field(max_length=32)]
    fiscal_year: FiscalYear
    province: Annotated[ProvinceCode | None, Field(description="Null is the whole country.")] = None
    target: Annotated[int | None, Field(ge=0, le=1_000_000)]


class TargetView(BaseModel):
    """The target of a province, or (``province`` null) of the country."""

    province: str | None
    target: int


class Targets(BaseModel):
    """The targets of a program in a fiscal year, and what is to be expected where you work."""

    program: str
    fiscal_year: int
    targets: tuple[TargetView, ...]
    forecast: tuple[ForecastView, ...]


@router.get(
    "",
    operation_id="readTargets",
    summary="Read the targets of a fiscal year and the forecast against them",
    responses=problems(401, 403),
)
def read_targets(
    parts: Parts,
    principal: DriveOfficer,
    response: Response,
    program: Annotated[str, Query(max_length=32, examples=["eco-network"])],
    year: Annotated[
        FiscalYear | None, Query(alias="fiscal_year", description="By default the current one.")
    ] = None,
) -> Targets:
    """Return all targets; the forecast covers the provinces of your token."""
    require_known_program(parts.catalog, program, in_query=True)
    require_program(principal, program)
    response.headers.update(PRIVATE)
    return _targets(parts, principal, program, year or fiscal_year(local_date(parts.now())))


@router.put(
    "",
    operation_id="putTarget",
    summary="Set a target",
    dependencies=[JsonBody],
    responses=problems(400, 401, 403, 413, 415),
)
def put_target(
    parts: Parts,
    principal: SupervisorPrincipal,
    body: Annotated[
        TargetBody,
        Body(openapi_examples={"country": {"summary": "เป้าหมายทั้งประเทศ", "value": TARGET}}),
    ],
) -> Targets:
    """Set the target of a province, or of the country for whoever supervises all of it."""
    require_known_program(parts.catalog, body.program)
    require_program(principal, body.program)
    wanted = frozenset({body.province}) if body.province else frozenset(provinces())
    provinces_within(principal, wanted, "/province")
    with parts.database.writing() as session:
        if body.target is None:
            drop_target(session, body.program, body.fiscal_year, body.province)
        else:
            set_target(session, body.program, body.fiscal_year, body.province, body.target)
    return _targets(parts, principal, body.program, body.fiscal_year)


def _targets(parts: Collaborators, principal: Principal, program: str, year: int) -> Targets:
    calendar = parts.calendar()
    horizon = horizon_of(parts.catalog, program, year, parts.now(), calendar)
    with parts.database.reading() as session:
        found = targets_of(session, program, year)
        forecast = forecast_of(session, program, horizon, principal.provinces)
    return Targets(
        program=program,
        fiscal_year=year,
        targets=tuple(
            TargetView(province=province, target=target)
            for province, target in sorted(found.items(), key=lambda item: item[0] or "")
        ),
        forecast=tuple(ForecastView.of(each) for each in forecast),
    )
