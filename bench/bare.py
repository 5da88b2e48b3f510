"""The floor: a workflow with as many updates as a case, one timer and one activity, and nothing else."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from worker import RUNNER

UPDATES = 6
WORKFLOW = "BareCase"
QUEUE = "bare"


@activity.defn(name="bare.publish")
def publish(text: str) -> int:
    """Do nothing, as an activity."""
    return len(text)


@workflow.defn(name=WORKFLOW)
class BareCase:
    """Take six updates, sleep once, run one activity, and end or begin anew."""

    def __init__(self) -> None:
        """Count from nothing."""
        self._seen = 0

    @workflow.run
    async def run(self, seconds: float, goes_on: bool = False) -> int:
        """Wait for the updates; the timer falls between the third and the fifth."""
        await workflow.wait_condition(lambda: self._seen >= UPDATES - 2)
        await asyncio.sleep(seconds)
        await workflow.wait_condition(lambda: self._seen >= UPDATES)
        published = await workflow.execute_activity(
            publish, "case", start_to_close_timeout=timedelta(seconds=30)
        )
        if goes_on:
            workflow.continue_as_new(args=[seconds])
        return published

    @workflow.update
    def act(self, note: str) -> int:
        """Count one update."""
        self._seen += 1
        return self._seen


@asynccontextmanager
async def bare_worker(client: Client) -> AsyncGenerator[None]:
    """Have a worker for bare workflows, with the options of the one that tests have for cases."""
    with ThreadPoolExecutor(8) as threads:
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[BareCase],
            activities=[publish],
            activity_executor=threads,
            max_concurrent_activities=8,
            max_concurrent_local_activities=8,
            workflow_runner=RUNNER,
        ):
            yield


async def walk_bare(client: Client, seconds: float, *, goes_on: bool = False) -> str:
    """Send a bare workflow all its updates, and return its id without waiting for its end.

    The first update starts it, as a case's first act does: that way is the cheaper one, so it is the stricter floor.
    """
    workflow_id = f"bare-{uuid.uuid4()}"
    await client.execute_update_with_start_workflow(
        "act",
        "note 0",
        start_workflow_operation=WithStartWorkflowOperation(
            WORKFLOW,
            args=[seconds, goes_on],
            id=workflow_id,
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        ),
        result_type=int,
    )
    handle = client.get_workflow_handle(workflow_id)
    for n in range(1, UPDATES):
        await handle.execute_update("act", f"note {n}", result_type=int)
    return workflow_id
