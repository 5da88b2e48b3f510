"""How every process reaches Temporal and how a case and a drive are started: the same everywhere."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime
from temporalio.service import RetryConfig

from casework.contracts import drive, enrollment
from casework.domain.case import Case, Terms
from casework.settings import Settings

SEEN_WITHIN = timedelta(seconds=90)
"""A worker asks for work at least once a minute; one that did not is gone."""


async def connect(
    settings: Settings,
    *,
    lazy: bool = False,
    retry_config: RetryConfig | None = None,
    runtime: Runtime | None = None,
) -> Client:
    """Connect to Temporal, speaking the contracts' Pydantic models.

    Args:
        settings: where it is, and the key it asks for.
        lazy: connect with the first call, so that a process starts without Temporal.
        retry_config: how long a call that was turned away is repeated; the SDK's own without it.
        runtime: where the SDK counts; its own without it.
    """
    key = settings.temporal_api_key
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        tls=settings.temporal_tls,
        api_key=key.get_secret_value() if key else None,
        data_converter=pydantic_data_converter,
        lazy=lazy,
        retry_config=retry_config,
        runtime=runtime,
    )


def opening(
    terms: Terms, *, task_queue: str = enrollment.TASK_QUEUE
) -> WithStartWorkflowOperation[Any, Any]:
    """Return the start of a case, for the update that is its first act. Each use needs a new one.

    A case that runs takes the update, and one that has ended is never started again.
    """
    return WithStartWorkflowOperation(
        enrollment.WORKFLOW,
        enrollment.EnrollmentInput(case=Case(terms=terms)),
        id=terms.case_id,
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"{terms.rules.program}, province {terms.province}",
    )


@asynccontextmanager
async def ignore_start_failure(
    operation: WithStartWorkflowOperation[Any, Any],
) -> AsyncGenerator[None]:
    """Consume the start's failure so that asyncio does not log it; the update it is for raises it too."""
    handle = asyncio.ensure_future(operation.workflow_handle())
    handle.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        yield
    finally:
        handle.cancel()


async def run_drive(
    client: Client, start: drive.DriveInput, *, task_queue: str = drive.TASK_QUEUE
) -> WorkflowHandle[Any, Any]:
    """Have the drive run, and return its handle, however often and at once this is asked.

    A running drive is told to look for rows once more, so that none is left behind by one that is
    just about to end; a drive that has ended runs again for rows that are pending.
    """
    return await client.start_workflow(
        drive.WORKFLOW,
        start,
        id=drive.workflow_id_of(start.drive),
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal=drive.GO,
        static_summary=f"Opens the cases of {start.drive}",
    )


async def is_worked_on(client: Client, queue: str, now: datetime) -> bool:
    """Ask Temporal whether a worker was lately seen on a queue of workflows. Raises as the client does."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    since = now - SEEN_WITHIN
    return any(poller.last_access_time.ToDatetime(tzinfo=UTC) > since for poller in answer.pollers)
