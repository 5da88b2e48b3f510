"""A worker starts although Temporal goes away in the middle of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from temporalio.contrib.pydantic import pydantic_data_converter

from casework.contracts import notice_delivery
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import wait_until
from worker import background_workflows_are_there


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TemporalDevServer]:
    """A server of its own, because this test ends it."""
    with TemporalDevServer(tmp_path, ui=False) as server:
        yield server


async def test_a_worker_waits_for_temporal_that_went_away_while_it_started(
    server: TemporalDevServer,
) -> None:
    client = await server.connect(data_converter=pydantic_data_converter)
    server.kill()
    with capture_logs() as logs:
        started = asyncio.create_task(background_workflows_are_there(client, asyncio.Event()))

        def waits() -> bool | None:
            assert not started.done(), "it did not wait"
            return any(line["event"] == "worker_waits_for_temporal" for line in logs) or None

        await asyncio.to_thread(wait_until, "the worker to find no Temporal", waits)
        await asyncio.to_thread(server.start)
        assert await started
    described = await client.get_workflow_handle(notice_delivery.WORKFLOW_ID).describe()
    assert described.task_queue == notice_delivery.TASK_QUEUE


async def test_a_worker_that_waits_for_temporal_can_be_stopped(server: TemporalDevServer) -> None:
    client = await server.connect(data_converter=pydantic_data_converter)
    stop = asyncio.Event()
    server.kill()
    started = asyncio.create_task(background_workflows_are_there(client, stop))
    stop.set()
    assert not await started
