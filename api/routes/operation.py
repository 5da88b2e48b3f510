"""What load balancers, monitoring and operators ask."""

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.collaborators import Collaborators, Parts
from api.http.errors import Problem
from api.http.metrics import MEDIA_TYPE
from api.http.openapi import problems

router = APIRouter(tags=["operation"])

_NO_STORE = {"Cache-Control": "no-store"}
_log = structlog.get_logger(__name__)


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    service: Annotated[
        Literal["casework"], Field(description="Tells this API from any other server that answers.")
    ] = "casework"


class Ready(BaseModel):
    """Every part that acts need is there."""

    status: Literal["ok"] = "ok"
    parts: Annotated[
        dict[str, str], Field(examples=[{"database": "ok", "temporal": "ok", "worker": "ok"}])
    ]


@router.get(
    "/healthz",
    operation_id="readHealth",
    summary="Say that the process answers",
    responses=problems(),
)
async def read_health(response: Response) -> Alive:
    """Answer without asking any other part."""
    response.headers.update(_NO_STORE)
    return Alive()


@router.get(
    "/readyz",
    operation_id="readReadiness",
    summary="Say whether database, Temporal and a worker are there",
    responses=problems(),
)
async def read_readiness(parts: Parts, response: Response) -> Ready:
    """Ask each part. Without Temporal or a worker reading goes on, and acts get 503."""
    database = await run_in_threadpool(_database_answers, parts)
    engine = await parts.engine.state(parts.now())
    found = {
        "database": "ok" if database else "no answer",
        "temporal": "ok" if engine.answers else "no answer",
        "worker": "ok" if engine.has_worker else "not seen",
    }
    if set(found.values()) != {"ok"}:
        missing = ", ".join(f"{part}: {state}" for part, state in found.items() if state != "ok")
        raise Problem("not-ready", missing, parts=found)
    response.headers.update(_NO_STORE)
    return Ready(parts=found)


def _database_answers(parts: Collaborators) -> bool:
    try:
        parts.database.ping()
    except SQLAlchemyError as error:
        _log.error("database_unavailable", kind=type(error).__name__)
        return False
    return True


@router.get("/metrics", include_in_schema=False)
async def read_metrics(parts: Parts) -> Response:
    """Return the counters for Prometheus, and what stands in the database.

    An old key set is read again, so that its age tells of the issuer.
    """
    parts.metrics.token_keys_are(await run_in_threadpool(parts.verifier.keys_age))
    figures = await run_in_threadpool(parts.figures.read)
    return Response(parts.metrics.text(figures), media_type=MEDIA_TYPE, headers=_NO_STORE)
