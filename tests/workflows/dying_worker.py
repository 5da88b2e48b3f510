"""A worker process that dies as by SIGKILL right after it has committed a case's second version.

Run by ``test_lost_workflow_task.py``: the arguments are Temporal's address, the task queue and the database's URL.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities.casebook import CasebookActivities
from casework.contracts import casebook as contract
from casework.store.database import Database
from workflows.enrollment_case import EnrollmentCase


class DyingCasebook(CasebookActivities):
    """Record for real, then be gone before the workflow task can be completed."""

    @activity.defn(name=contract.RECORD)
    def record(self, request: contract.RecordRequest) -> None:
        super().record(request)
        if request.case.version == 2:
            os._exit(9)


async def main(address: str, queue: str, url: str) -> None:
    """Work until death."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    book = DyingCasebook(Database(url))
    with ThreadPoolExecutor(4) as threads:
        await Worker(
            client,
            task_queue=queue,
            workflows=[EnrollmentCase],
            activities=[book.record, book.close_feedback],
            activity_executor=threads,
            max_concurrent_activities=4,
            max_concurrent_local_activities=4,
        ).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
