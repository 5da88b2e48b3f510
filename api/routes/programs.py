"""Programs: the rules and words of each version, for everybody."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from api.collaborators import Parts
from api.http.caching import PUBLIC_FOR_AN_HOUR
from api.http.errors import FieldError, Problem, not_found
from api.http.openapi import problems
from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.programs.model import ProgramVersion, Words
from casework.programs.openings import version_open_on

router = APIRouter(prefix="/api/v1/programs", tags=["programs"])


class ProgramInList(BaseModel):
    """A version of a program, and whether an application today opens a case under it."""

    program: str
    version: str
    name: Words
    summary: Words
    label: Annotated[Words, Field(description="What kind of text the criteria are.")]
    valid_from: date
    valid_until: date | None
    sample: bool
    takes_applications: bool


class Programs(BaseModel):
    """Every published version of every program, and the samples of a demonstration."""

    items: tuple[ProgramInList, ...]


def require_known_program(catalog: ProgramCatalog, program: str, *, in_query: bool = False) -> None:
    """Raise a 422 that points at a program that is not there, in the body or in the query."""
    if program in catalog.programs():
        return
    detail = "There is no program with this code."
    if in_query:
        wrong = FieldError(parameter="program", detail=detail)
    else:
        wrong = FieldError(pointer="/program", detail=detail)
    raise Problem("program-unknown", detail, errors=[wrong])


@router.get(
    "",
    operation_id="listPrograms",
    summary="List the programs and their versions",
    responses=problems(),
)
def list_programs(parts: Parts, response: Response) -> Programs:
    """Return all versions, by program and first day."""
    items: list[ProgramInList] = []
    for program in parts.catalog.programs():
        open_version = _open_version(parts, program)
        for version in parts.catalog.versions(program):
            if version.published or (version.sample and parts.settings.sample_programs):
                shown = version.model_dump(include=set(ProgramInList.model_fields))
                is_open = version.version == open_version
                items.append(ProgramInList(**shown, takes_applications=is_open))
    response.headers["Cache-Control"] = PUBLIC_FOR_AN_HOUR
    return Programs(items=tuple(items))


def _open_version(parts: Parts, program: str) -> str | None:
    samples = parts.settings.sample_programs
    try:
        return version_open_on(parts.catalog, program, parts.now(), samples=samples).version
    except NoSuchVersion:
        return None


@router.get(
    "/{program}/{version}",
    operation_id="readProgram",
    summary="Read a version: criteria, periods, levels and the pass rule",
    responses=problems(404),
)
def read_program(
    parts: Parts,
    response: Response,
    program: Annotated[str, Path(examples=["eco-network"])],
    version: Annotated[str, Path(examples=["1"])],
) -> ProgramVersion:
    """Return everything a version says, in Thai and English."""
    try:
        found = parts.catalog.get(program, version)
    except NoSuchVersion as error:
        raise not_found() from error
    response.headers["Cache-Control"] = PUBLIC_FOR_AN_HOUR
    return found
