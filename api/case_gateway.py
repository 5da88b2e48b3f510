"""The only way from HTTP to a running case: one act is one Temporal Update.

The one file of the API that knows Temporal. It owns how an update is addressed, bounded in time and
repeated, and what its failures mean; it judges nothing that a running case can judge itself.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from api.acts_on_record import ActsOnRecord, NotOnRecord
from api.metrics import Metrics
from api.preconditions import update_id_of
from casework.contracts.enrollment import (
    POKE,
    TASK_QUEUE,
    ActReceipt,
    ActRequest,
)
from casework.domain.actors import Actor
from casework.domain.acts import Act, SubmitApplication
from casework.domain.case import Terms
from casework.domain.policy import Principal
from casework.domain.refusals import Refusal, RefusalCode, Refused
from casework.engine import connect, heard, opening
from casework.settings import Settings

ANSWER_WITHIN = timedelta(seconds=10)
"""How long a person waits for an act. Temporal itself would wait for a worker without end."""

RETRY_WITHIN = timedelta(seconds=4)
"""How long the SDK repeats a call that Temporal turned away: shorter than the above, so that a busy
case is told apart from an engine that is gone."""

POLLER_SEEN_WITHIN = timedelta(seconds=90)
"""A worker asks for work at least once a minute; one that did not is gone."""

_ACCEPTED_TOO_LATE = "AcceptedUpdateCompletedWorkflow"
_NO_CONNECTION = "Failed client connect"
"""How the message of the RuntimeError begins that the SDK raises when a lazy connection fails."""

_log = structlog.get_logger(__name__)


class TemporalUnavailable(Exception):
    """No answer. The act may still be applied; the same key never applies it twice."""


class CaseBusy(Exception):
    """More acts are on their way to this case than Temporal takes at a time."""


class CaseNotRunning(Exception):
    """SQL has an open case and Temporal no run of it: somebody has to repair that."""


class _NoRun(Exception):
    """Temporal has no open run for the act."""


class EngineState(NamedTuple):
    """Whether Temporal answers, and whether a worker asks it for cases."""

    answers: bool
    has_worker: bool


def lazy_client(
    settings: Settings, retry_within: timedelta = RETRY_WITHIN
) -> Callable[[], Awaitable[Client]]:
    """Return how to make a client that connects with its first call: the API starts without Temporal."""
    patience = RetryConfig(max_elapsed_time_millis=int(retry_within.total_seconds() * 1000))

    def make() -> Awaitable[Client]:
        return connect(settings, lazy=True, retry_config=patience)

    return make


class CaseGateway:
    """Send acts to cases and open new ones. Every refusal is recorded before it is raised."""

    def __init__(
        self,
        make_client: Callable[[], Awaitable[Client]],
        record: ActsOnRecord,
        metrics: Metrics,
        now: Callable[[], datetime],
        answer_within: timedelta = ANSWER_WITHIN,
    ) -> None:
        """Keep the collaborators; nothing connects yet."""
        self._make_client = make_client
        self._client: Client | None = None
        self._record = record
        self._metrics = metrics
        self._now = now
        self._answer_within = answer_within

    async def apply(
        self, case_id: str, act: Act, principal: Principal, expected_version: int, key: str
    ) -> ActReceipt:
        """Apply an act; the same person, case and key always get the same receipt.

        Raises:
            Refused: the act is not open, the case has changed, or the key was used for another act.
            TemporalUnavailable: nobody knows yet. Repeat with the same key.
            CaseBusy: nothing was done. Repeat with the same key.
            CaseNotRunning: the case is open and has no run.
        """
        actor = principal.actor
        request = ActRequest.of(act, actor, expected_version)
        update_id = update_id_of(actor.person, case_id, key)
        name = type(act).__name__
        async with self._counted(case_id, name, actor):
            try:
                receipt = await self._update(case_id, name, request, update_id)
            except Refused as error:
                if error.refusal.code is RefusalCode.VERSION_CONFLICT:
                    await self._reconcile(case_id, expected_version)
                raise
            except _NoRun:
                record = self._record
                await run_in_threadpool(record.judge, case_id, act, actor, expected_version)
                # By the record the act is open: a run may just have continued as a new one.
                receipt = await self._update(case_id, name, request, update_id)
            return _same_request(receipt, request)

    async def open(
        self, terms: Terms, act: SubmitApplication, actor: Actor, update_id: str
    ) -> ActReceipt:
        """Start the case with its application, or return the receipt if that was done before.

        Args:
            terms: what is fixed for the life of the case.
            act: the application.
            actor: the applicant, bound to the establishment of the case.
            update_id: of the request that reserved the case.

        Raises:
            Refused, TemporalUnavailable, CaseBusy, CaseNotRunning: as in :meth:`apply`.
        """
        request = ActRequest.of(act, actor)
        case_id, name = terms.case_id, type(act).__name__
        async with self._counted(case_id, name, actor):
            try:
                receipt = await self._start(terms, name, request, update_id)
            except _NoRun:
                receipt = await run_in_threadpool(
                    self._record.receipt_of_application, case_id, request.digest
                )
            return _same_request(receipt, request)

    async def state(self) -> EngineState:
        """Ask Temporal whether it answers and when a worker was last seen on the cases' queue."""
        try:
            async with asyncio.timeout(self._answer_within.total_seconds()):
                client = await self._connected()
                answer = await client.workflow_service.describe_task_queue(
                    DescribeTaskQueueRequest(
                        namespace=client.namespace,
                        task_queue=TaskQueue(name=TASK_QUEUE),
                        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                    )
                )
        except (RPCError, RuntimeError, TimeoutError):
            return EngineState(answers=False, has_worker=False)
        since = self._now() - POLLER_SEEN_WITHIN
        seen = (poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers)
        return EngineState(answers=True, has_worker=any(at > since for at in seen))

    # --- Temporal -----------------------------------------------------------------------------

    async def _update(
        self, case_id: str, name: str, request: ActRequest, update_id: str
    ) -> ActReceipt:
        async with self._translated():
            client = await self._connected()
            handle = client.get_workflow_handle(case_id)
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType]  # the SDK's other overloads
                name,
                request,
                id=update_id,
                result_type=ActReceipt,
                rpc_timeout=self._answer_within,
            )

    async def _reconcile(self, case_id: str, seen: int) -> None:
        """Have the case look at its record, if the version that the person saw is the record's and not the case's.

        A worker and a server that died together can leave the record ahead; nobody could act on such a case.
        """
        if await run_in_threadpool(self._record.is_at, case_id, seen):
            async with self._translated():
                await (await self._connected()).get_workflow_handle(case_id).signal(POKE)

    async def _start(
        self, terms: Terms, name: str, request: ActRequest, update_id: str
    ) -> ActReceipt:
        async with self._translated():
            client = await self._connected()
            start = opening(terms)
            async with heard(start):
                return await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]  # as above
                    name,
                    request,
                    start_workflow_operation=start,
                    id=update_id,
                    result_type=ActReceipt,
                    rpc_timeout=self._answer_within,
                )

    async def _connected(self) -> Client:
        if self._client is None:
            self._client = await self._make_client()
        return self._client

    @asynccontextmanager
    async def _translated(self) -> AsyncGenerator[None]:
        """Bound the wait as a whole, and say in our words what went wrong."""
        try:
            # The bound of one call does not end the polling for a result that follows it.
            async with asyncio.timeout(self._answer_within.total_seconds()):
                yield
        except WorkflowUpdateFailedError as error:
            raise _of_failed_update(error) from error
        except WorkflowAlreadyStartedError as error:
            raise _NoRun from error
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

    @asynccontextmanager
    async def _counted(self, case_id: str, name: str, actor: Actor) -> AsyncGenerator[None]:
        """Count every outcome, and record a refusal: a rejected update leaves nothing in Temporal."""
        try:
            yield
        except Refused as error:
            self._metrics.act_refused(name, error.refusal.code)
            refusal = error.refusal
            await run_in_threadpool(self._record.keep_refusal, case_id, name, actor, refusal)
            raise
        except (_NoRun, NotOnRecord) as error:
            self._metrics.act_unanswered(name)
            _log.error("case_not_running", case=case_id, act=name)
            raise CaseNotRunning(case_id) from error
        except (TemporalUnavailable, CaseBusy) as error:
            self._metrics.act_unanswered(name)
            _log.warning("act_unanswered", case=case_id, act=name, reason=type(error).__name__)
            raise
        self._metrics.act_applied(name)


def _same_request(receipt: ActReceipt, request: ActRequest) -> ActReceipt:
    """Return the receipt, unless Temporal repeated that of another request under the same key."""
    if receipt.digest != request.digest:
        raise Refused(RefusalCode.KEY_REUSED, "This Idempotency-Key was used for another request.")
    return receipt


def _of_failed_update(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if not isinstance(cause, ApplicationError):
        return Refused(RefusalCode.ENGINE_FAULT, "The engine could not apply this act.")
    if cause.type == _ACCEPTED_TOO_LATE:
        return _NoRun()
    try:
        refusal = Refusal.model_validate(cause.details[0] if cause.details else None)
    except ValidationError:
        _log.error("update_failed", type=cause.type)
        return Refused(RefusalCode.ENGINE_FAULT, "The engine could not apply this act.")
    return Refused(refusal.code, refusal.reason, refusal.pointer)


def _of_call(error: RPCError) -> Exception:
    match error.status:
        case RPCStatusCode.NOT_FOUND:
            return _NoRun()
        case RPCStatusCode.RESOURCE_EXHAUSTED:
            return CaseBusy()
        case RPCStatusCode.INVALID_ARGUMENT:
            # Ours to mend, and never mended by trying again.
            return error
        case status:
            return TemporalUnavailable(status.name.lower())
