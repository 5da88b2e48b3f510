"""The run of a drive: start, pause, resume, stop, run again what failed, and watch it.

The drive itself is the operation that a 202 points at.
"""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.collaborators import Collaborators, Parts
from api.http.errors import Problem
from api.http.fields import RequestBody
from api.http.openapi import header, problems
from api.http.preconditions import IdempotencyKey, JsonBody, update_id_of
from api.routes.drives.access import DriveOfficer, VisibleDrive, state_errors_as_409
from api.routes.drives.drives import PATH
from api.routes.drives.events import events_of
from api.routes.drives.views import DriveStatus
from casework.contracts.drive import DriveInput, DriveView, PauseDrive, StopDrive
from casework.contracts.enrollment import digest_of
from casework.domain._model import Text
from casework.store.drives.drives import find_drive
from casework.store.drives.rows import progress_of
from casework.store.drives.states import find_input, is_new_request, rerun, start
from casework.store.texts import read_texts

router = APIRouter(prefix=f"{PATH}/{{drive_id}}", tags=["drives"])

LOOK_AGAIN_AFTER_SECONDS = 2

_FOLLOW = {
    "description": "The drive runs: follow it at `Location`.",
    "headers": {
        **header("Location", "Address of the drive.", f"{PATH}/drv-k3v9a2q7m4tz"),
        **header("Retry-After", "Seconds after which to look again.", "2"),
    },
}
_STATUSES = (400, 401, 403, 404, 409, 413, 415)


class Reason(RequestBody):
    """Why, in words that colleagues read."""

    reason: Text


class PauseBody(RequestBody):
    """Why the drive is to rest; may be left out."""

    reason: Text | None = None


class RerunBody(RequestBody):
    """Which rows get another try beside the failed ones."""

    also_stopped: Annotated[
        bool, Field(description="Also those whose turn had not come when the drive was stopped.")
    ] = False


@router.post(
    "/start",
    status_code=202,
    operation_id="startDrive",
    summary="Start the drive",
    responses={202: _FOLLOW, **problems(400, 401, 403, 404, 409)},
)
async def start_drive(
    parts: Parts,
    principal: DriveOfficer,
    row: VisibleDrive,
    key: IdempotencyKey,
    response: Response,
) -> DriveStatus:
    """Open a case for each row that can be used. Started twice, each case is opened once."""
    update_id = update_id_of(principal.person, f"{row.id}/start", key)
    return await _run(parts, principal.person, row.id, update_id, None, response)


@router.post(
    "/rerun",
    status_code=202,
    operation_id="rerunDrive",
    summary="Run the failed rows again",
    dependencies=[JsonBody],
    responses={202: _FOLLOW, **problems(*_STATUSES)},
)
async def rerun_drive(
    parts: Parts,
    principal: DriveOfficer,
    row: VisibleDrive,
    key: IdempotencyKey,
    response: Response,
    body: RerunBody,
) -> DriveStatus:
    """Give the failed rows of a drive that has ended another try; the others keep their outcome."""
    update_id = update_id_of(principal.person, f"{row.id}/rerun", key)
    return await _run(parts, principal.person, row.id, update_id, body, response)


async def _run(
    parts: Collaborators,
    person: str,
    drive_id: str,
    update_id: str,
    again: RerunBody | None,
    response: Response,
) -> DriveStatus:
    begin = await run_in_threadpool(_begin, parts, person, drive_id, update_id, again)
    if begin is not None:
        await parts.drives.run(begin)
    response.headers["Location"] = f"{PATH}/{drive_id}"
    response.headers["Retry-After"] = str(LOOK_AGAIN_AFTER_SECONDS)
    return await run_in_threadpool(_status, parts, drive_id)


def _begin(
    parts: Collaborators, person: str, drive_id: str, update_id: str, again: RerunBody | None
) -> DriveInput | None:
    """Have the drive run in SQL; None if this was asked before and the drive has ended since."""
    now = parts.now()
    digest = digest_of("RunDrive", again.model_dump(mode="json") if again else None)
    with state_errors_as_409(), parts.database.writing() as session:
        if not is_new_request(session, drive_id, update_id, digest, now):
            return find_input(session, drive_id)
        if again is not None and not rerun(
            session, drive_id, person, now, also_stopped=again.also_stopped
        ):
            raise Problem("nothing-to-rerun", "No row of this drive failed.")
        return start(session, drive_id, person, now)


def _status(parts: Collaborators, drive_id: str) -> DriveStatus:
    with parts.database.reading() as session:
        row = find_drive(session, drive_id)
        if row is None:
            raise LookupError(f"{drive_id} is gone")
        texts = read_texts(session, row.state_reason)
        return DriveStatus.of(row, progress_of(session, drive_id), texts)


def _said(parts: Collaborators, view: DriveView) -> DriveStatus:
    with parts.database.reading() as session:
        return DriveStatus.said(view, read_texts(session, view.reason))


@router.post(
    "/pause",
    operation_id="pauseDrive",
    summary="Begin no more cases for now",
    dependencies=[JsonBody],
    responses=problems(*_STATUSES),
)
async def pause_drive(
    parts: Parts, principal: DriveOfficer, row: VisibleDrive, key: IdempotencyKey, body: PauseBody
) -> DriveStatus:
    """Let what has begun come to its end, and wait."""
    update_id = update_id_of(principal.person, f"{row.id}/pause", key)
    pause = PauseDrive(person=principal.person, reason=body.reason)
    view = await parts.drives.pause(row.id, pause, update_id)
    return await run_in_threadpool(_said, parts, view)


@router.post(
    "/resume",
    operation_id="resumeDrive",
    summary="Go on with a paused drive",
    responses=problems(400, 401, 403, 404, 409),
)
async def resume_drive(
    parts: Parts, principal: DriveOfficer, row: VisibleDrive, key: IdempotencyKey
) -> DriveStatus:
    """Go on where the drive was paused."""
    update_id = update_id_of(principal.person, f"{row.id}/resume", key)
    view = await parts.drives.resume(row.id, principal.person, update_id)
    return await run_in_threadpool(_said, parts, view)


@router.post(
    "/stop",
    operation_id="stopDrive",
    summary="End the drive for good",
    dependencies=[JsonBody],
    responses=problems(*_STATUSES),
)
async def stop_drive(
    parts: Parts, principal: DriveOfficer, row: VisibleDrive, key: IdempotencyKey, body: Reason
) -> DriveStatus:
    """Skip the rows whose turn has not come. Cases that were opened stay."""
    update_id = update_id_of(principal.person, f"{row.id}/stop", key)
    stop = StopDrive(person=principal.person, reason=body.reason)
    view = await parts.drives.stop(row.id, stop, update_id)
    return await run_in_threadpool(_said, parts, view)


@router.get(
    "/events",
    operation_id="followDrive",
    summary="Follow the drive as it runs (server-sent events)",
    response_class=EventSourceResponse,
    responses=problems(401, 403, 404),
)
async def follow_drive(
    parts: Parts,
    row: VisibleDrive,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Id of the last event that arrived.")
    ] = None,
) -> AsyncGenerator[ServerSentEvent]:
    """Send an event `progress` whenever something has changed, and `ended` at the end.

    The stream closes with that event, or after five minutes: come back with `Last-Event-ID`.
    """
    async for event in events_of(parts.database, row.id, last_event_id):
        yield event
