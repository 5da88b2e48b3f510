"""The floor: a workflow with as many updates as a case, one timer and one activity, and nothing else."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

UPDATES = 6
WORKFLOW = "BareCase"


@activity.defn(name="bare.publish")
def publish(text: str) -> int:
    """Do nothing, as an activity."""
    return len(text)


@workflow.defn(name=WORKFLOW)
class BareCase:
    """Take six updates, sleep once, run one activity, end."""

    def __init__(self) -> None:
        """Count from nothing."""
        self._seen = 0

    @workflow.run
    async def run(self, seconds: float) -> int:
        """Wait for the updates; the timer falls between the third and the fifth."""
        await workflow.wait_condition(lambda: self._seen >= UPDATES - 2)
        await asyncio.sleep(seconds)
        await workflow.wait_condition(lambda: self._seen >= UPDATES)
        return await workflow.execute_activity(
            publish, "case", start_to_close_timeout=timedelta(seconds=30)
        )

    @workflow.update
    def act(self, note: str) -> int:
        """Count one update."""
        self._seen += 1
        return self._seen
