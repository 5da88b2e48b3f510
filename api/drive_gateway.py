"""From HTTP to a running drive: start it, pause it, let it go on, end it.

Beside :mod:`api.case_gateway` the one file of the API that knows Temporal. It judges nothing: the
rows in SQL say what is to be done, and the workflow says whether it can be paused.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import BaseModel
from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from api.case_gateway import ANSWER_WITHIN, RETRY_WITHIN, TemporalUnavailable
from api.errors import Problem
from casework import engine
from casework.contracts import drive
from casework.settings import Settings

_NO_CONNECTION = "Failed client connect"
"""How the message of the RuntimeError begins that the SDK raises when a lazy connection fails."""

_REFUSALS = frozenset({drive.NOT_RUNNING, drive.NOT_PAUSED, drive.ALREADY_ENDED})


class DriveGateway:
    """Speak to the workflows of drives. Connects with the first call."""

    def __init__(self, settings: Settings, answer_within: timedelta = ANSWER_WITHIN) -> None:
        """Keep where Temporal is, and how long a person waits for it."""
        self._settings = settings
        self._answer_within = answer_within
        self._client: Client | None = None

    async def run(self, start: drive.DriveInput) -> None:
        """Have the drive run. Asked twice, it runs once.

        Raises:
            TemporalUnavailable: nobody knows yet; ask again.
        """
        async with self._translated():
            await engine.run_drive(await self._connected(), start)

    async def pause(
        self, drive_id: str, person: str, reason: str | None, update_id: str
    ) -> drive.DriveView:
        """Have the drive begin no more cases.

        Raises:
            Problem: it does not run.
            TemporalUnavailable: nobody knows yet; repeat with the same id.
        """
        request = drive.PauseDrive(person=person, reason=reason)
        return await self._update(drive_id, drive.PAUSE, request, update_id)

    async def resume(self, drive_id: str, person: str, update_id: str) -> drive.DriveView:
        """Have a paused drive go on; raises as :meth:`pause`."""
        request = drive.ResumeDrive(person=person)
        return await self._update(drive_id, drive.RESUME, request, update_id)

    async def stop(
        self, drive_id: str, person: str, reason: str, update_id: str
    ) -> drive.DriveView:
        """End the drive for good; raises as :meth:`pause`."""
        request = drive.StopDrive(person=person, reason=reason)
        return await self._update(drive_id, drive.STOP, request, update_id)

    async def _update(
        self, drive_id: str, name: str, request: BaseModel, update_id: str
    ) -> drive.DriveView:
        async with self._translated():
            client = await self._connected()
            handle = client.get_workflow_handle(drive.workflow_id_of(drive_id))
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  # the SDK's other overloads
                name,
                request,
                id=update_id,
                result_type=drive.DriveView,
                rpc_timeout=self._answer_within,
            )

    async def _connected(self) -> Client:
        if self._client is None:
            patience = int(RETRY_WITHIN.total_seconds() * 1000)
            self._client = await engine.connect(
                self._settings,
                lazy=True,
                retry_config=RetryConfig(max_elapsed_time_millis=patience),
            )
        return self._client

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        """Bound the wait as a whole, and say in our words what went wrong."""
        try:
            async with asyncio.timeout(self._answer_within.total_seconds()):
                yield
        except WorkflowUpdateFailedError as error:
            raise _of_failed_update(error) from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise _no_run() from error
            if error.status is RPCStatusCode.INVALID_ARGUMENT:
                # Ours to mend, and never mended by trying again.
                raise
            raise TemporalUnavailable(error.status.name.lower()) from error
        except (RPCTimeoutOrCancelledError, TimeoutError) as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # The SDK calls it a timeout when the client has gone away.
                raise asyncio.CancelledError from error
            raise TemporalUnavailable("no answer in time") from error
        except RuntimeError as error:
            if not str(error).startswith(_NO_CONNECTION):
                raise
            raise TemporalUnavailable("no connection") from error


def _of_failed_update(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type in _REFUSALS:
        return Problem("drive-not-in-state", cause.message)
    return _no_run()


def _no_run() -> Problem:
    return Problem(
        "drive-not-in-state",
        "The engine has no run of this drive. It has just ended, or its start was lost: start again.",
    )
