"""From HTTP to a running drive: start it, pause it, let it go on, end it.

It judges nothing: the rows in SQL say what is to be done, and the workflow says whether it can be paused.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from temporalio.exceptions import ApplicationError

from api.engine.calls import EngineBusy, EngineCalls, NoRun, TemporalUnavailable
from api.http.errors import Problem
from casework.contracts import drive
from casework.drives.reasons import DriveReasons
from casework.processes import engine

_REFUSALS = frozenset({drive.NOT_RUNNING, drive.NOT_PAUSED, drive.ALREADY_ENDED})


class DriveGateway:
    """Speak to the workflows of drives."""

    def __init__(self, calls: EngineCalls, reasons: DriveReasons) -> None:
        """Keep what reaches Temporal, and what keeps reasons out of it."""
        self._calls = calls
        self._reasons = reasons

    async def run(self, start: drive.DriveInput) -> None:
        """Have the drive run. Asked twice, it runs once.

        Raises:
            TemporalUnavailable: nobody knows yet; ask again.
        """
        async with _of_a_drive(), self._calls.call(_refused) as client:
            await engine.run_drive(client, start)

    async def pause(
        self, drive_id: str, request: drive.PauseDrive, update_id: str
    ) -> drive.DriveView:
        """Have the drive begin no more cases.

        Raises:
            Problem: it does not run.
            KeyReused: the key came with another reason before.
            TemporalUnavailable: nobody knows yet; repeat with the same id.
        """
        return await self._update_with_reason(drive_id, drive.PAUSE, request, update_id)

    async def resume(self, drive_id: str, person: str, update_id: str) -> drive.DriveView:
        """Have a paused drive go on; raises as :meth:`pause`."""
        request = drive.ResumeDrive(person=person)
        return await self._update(drive_id, drive.RESUME, request, update_id)

    async def stop(
        self, drive_id: str, request: drive.StopDrive, update_id: str
    ) -> drive.DriveView:
        """End the drive for good; raises as :meth:`pause`."""
        return await self._update_with_reason(drive_id, drive.STOP, request, update_id)

    async def _update_with_reason(
        self,
        drive_id: str,
        name: str,
        request: drive.PauseDrive | drive.StopDrive,
        update_id: str,
    ) -> drive.DriveView:
        """Send a reference in place of the reason, which stays in SQL."""
        reasons = self._reasons
        sent, is_new = await run_in_threadpool(reasons.keep, drive_id, name, request, update_id)
        try:
            return await self._update(drive_id, name, sent, update_id)
        except Problem:
            if is_new:
                await run_in_threadpool(reasons.forget, update_id)
            raise

    async def _update(
        self, drive_id: str, name: str, request: BaseModel, update_id: str
    ) -> drive.DriveView:
        workflow_id = drive.workflow_id_of(drive_id)
        async with _of_a_drive():
            return await self._calls.update(
                workflow_id, name, request, update_id, drive.DriveView, _refused
            )


@asynccontextmanager
async def _of_a_drive() -> AsyncGenerator[None]:
    try:
        yield
    except NoRun as error:
        raise _no_run() from error
    except EngineBusy as error:
        raise TemporalUnavailable("busy") from error


def _refused(cause: ApplicationError | None) -> Exception:
    if cause is not None and cause.type in _REFUSALS:
        return Problem("drive-not-in-state", cause.message)
    return _no_run()


def _no_run() -> Problem:
    return Problem(
        "drive-not-in-state",
        "The drive does not run: it was not started, has ended, or its start was lost and is made up for"
        " within ten minutes.",
    )
