"""Calls to Temporal: one client for all of them, bounded in time, and failures in our words."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from pydantic import BaseModel
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from casework.contracts import enrollment
from casework.processes.engine import connect, is_worked_on
from casework.settings import Settings

ANSWER_WITHIN = timedelta(seconds=10)
"""How long a person waits for an answer. Temporal itself would wait for a worker without end."""

RETRY_WITHIN = timedelta(seconds=4)
"""How long the SDK repeats a call that Temporal turned away: shorter than the above, so that a busy
case is to_exception apart from an engine that is gone."""

_NO_CONNECTION = "Failed client connect"
"""How the message of the RuntimeError begins that the SDK raises when a lazy connection fails."""


T = TypeVar("T", bound=BaseModel)

ToException = Callable[[ApplicationError | None], Exception]
"""Makes the exception for an update that failed of what the workflow said; None if it said nothing."""


class TemporalUnavailable(Exception):
    """No answer. What was asked may still be done; the same key never does it twice."""


class EngineBusy(Exception):
    """More is on its way to this workflow than Temporal takes at a time. Nothing was done."""


class CaseHeld(EngineBusy):
    """The case ends its feedback period or publishes at this moment. Nothing was done."""


class NoRun(Exception):
    """Temporal has no open run for what was asked."""


class EngineState(NamedTuple):
    """Whether Temporal answers, and whether a worker asks it for cases."""

    answers: bool
    has_worker: bool


class EngineCalls:
    """Hold the client, which connects with the first call: the API starts without Temporal."""

    def __init__(
        self,
        settings: Settings,
        answer_within: timedelta = ANSWER_WITHIN,
        retry_within: timedelta = RETRY_WITHIN,
    ) -> None:
        """Keep where Temporal is, how long a person waits, and for how long the SDK tries again."""
        self._settings = settings
        self._retry_within = retry_within
        self._client: Client | None = None
        self.answer_within = answer_within

    @asynccontextmanager
    async def call(self, to_exception: ToException) -> AsyncGenerator[Client]:
        """Yield the client, bound the wait as a whole, and say in our words what went wrong.

        Args:
            to_exception: what to raise for an update that failed.

        Raises:
            TemporalUnavailable: nobody knows yet.
            EngineBusy, NoRun: nothing was done.
        """
        try:
            # The bound of one call does not end the polling for a result that follows it.
            async with asyncio.timeout(self.answer_within.total_seconds()):
                yield await self._connected()
        except WorkflowUpdateFailedError as error:
            raise _of_failed_update(error, to_exception) from error
        except WorkflowAlreadyStartedError as error:
            raise NoRun from error
        except RPCError as error:
            raise _of_call(error) from error
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

    async def update(
        self,
        workflow_id: str,
        name: str,
        request: BaseModel,
        update_id: str,
        answer: type[T],
        to_exception: ToException,
    ) -> T:
        """Send an update to a workflow and return its answer; raises as :meth:`call`."""
        async with self.call(to_exception) as client:
            handle = client.get_workflow_handle(workflow_id)
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  # the SDK's other overloads
                name,
                request,
                id=update_id,
                result_type=answer,
                rpc_timeout=self.answer_within,
            )

    async def state(self, now: datetime) -> EngineState:
        """Ask Temporal whether it answers and when a worker was last seen on the cases' queue."""
        try:
            async with asyncio.timeout(self.answer_within.total_seconds()):
                client = await self._connected()
                has_worker = await is_worked_on(client, enrollment.TASK_QUEUE, now)
        except (RPCError, RuntimeError, TimeoutError):
            return EngineState(answers=False, has_worker=False)
        return EngineState(answers=True, has_worker=has_worker)

    async def _connected(self) -> Client:
        if self._client is None:
            patience = int(self._retry_within.total_seconds() * 1000)
            retry = RetryConfig(max_elapsed_time_millis=patience)
            self._client = await connect(self._settings, lazy=True, retry_config=retry)
        return self._client


def _of_failed_update(error: WorkflowUpdateFailedError, to_exception: ToException) -> Exception:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return to_exception(None)
    match cause.type:
        case enrollment.BUSY:
            return CaseHeld()
        case "AcceptedUpdateCompletedWorkflow":
            return NoRun()
        case _:
            return to_exception(cause)


def _of_call(error: RPCError) -> Exception:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return NoRun()
        case RPCStatusCode.RESOURCE_EXHAUSTED:
            return EngineBusy()
        case RPCStatusCode.INVALID_ARGUMENT:
            # Ours to mend, and never mended by trying again.
            return error
        case status:
            return TemporalUnavailable(status.name.lower())
