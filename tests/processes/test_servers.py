"""The development servers: started, waited for, killed, started again, and their clocks moved."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Worker

from casework.processes import servers as devserver
from casework.processes.servers import (
    LOOPBACK,
    BinaryNotFound,
    ManagedProcess,
    ProcessFailed,
    TemporalDevServer,
    TimeSkippingServer,
    find_temporal,
    free_port,
    is_free,
)
from casework.processes.waiting import LONGEST_WAIT_SECONDS

CERTIFICATE_DAYS = 400


@workflow.defn
class Certificate:
    """Expire after a time; tell in an update what time it is."""

    @workflow.run
    async def run(self, days: int) -> str:
        await workflow.sleep(timedelta(days=days))
        return workflow.now().isoformat()

    @workflow.update
    def time(self) -> str:
        return workflow.now().isoformat()


async def issue(client: Client, task_queue: str) -> WorkflowHandle[Certificate, str]:
    return await client.start_workflow(
        Certificate.run, CERTIFICATE_DAYS, id=task_queue, task_queue=task_queue
    )


async def status(handle: WorkflowHandle[Certificate, str]) -> WorkflowExecutionStatus | None:
    return (await handle.describe()).status


def sleeper(folder: Path, script: str, *arguments: Path, **options: object) -> ManagedProcess:
    return ManagedProcess(
        "a sleeper",
        [sys.executable, "-u", "-c", script, *arguments],
        log=folder / "logs" / "sleeper.log",
        **options,  # pyright: ignore[reportArgumentType]
    )


FOREVER = "import time; print('up'); time.sleep(600)"


def test_no_port_is_given_out_twice() -> None:
    assert len({free_port() for _ in range(500)}) == 500


# --- One process ----------------------------------------------------------------------------------


def test_a_process_runs_from_start_to_stop_under_its_own_id(tmp_path: Path) -> None:
    process = sleeper(tmp_path, FOREVER)
    assert not process.alive
    with pytest.raises(ProcessFailed, match="not running"):
        _ = process.pid
    process.start()
    pid = process.pid
    process.start()
    assert process.pid == pid, "starting twice starts one"
    process.stop()
    assert not process.alive
    assert process.exit_code == -signal.SIGTERM
    process.stop()


def test_ctrl_c_does_not_reach_the_child_before_the_parent_wants_it_to(tmp_path: Path) -> None:
    with sleeper(tmp_path, FOREVER) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_start_waits_until_the_process_is_ready(tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    script = f"import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(600)"
    with sleeper(tmp_path, script, is_ready=flag.exists):
        assert flag.exists()


def test_a_process_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """At once: the clock stands still, so it is not the bound that ends the wait."""
    script = "import sys; print('no such table'); sys.exit(3)"
    process = sleeper(tmp_path, script, is_ready=lambda: False, clock=Clock(by=0))
    with pytest.raises(ProcessFailed, match=r"ended with code 3(?s:.)*no such table"):
        process.start()


class Clock:
    """A clock that moves by itself each time it is read."""

    def __init__(self, by: float) -> None:
        self.now, self.by = 0.0, by

    def __call__(self) -> float:
        self.now += self.by
        return self.now


def test_a_start_takes_as_long_as_it_takes(tmp_path: Path) -> None:
    """A process that lets nobody know anything for nine minutes is waited for, and then it is up."""
    gate, clock = tmp_path / "gate", Clock(by=0)
    script = """
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)
print("up"); time.sleep(600)"""
    process = sleeper(tmp_path, script, gate, clock=clock)

    def is_ready() -> bool:
        if clock.now < LONGEST_WAIT_SECONDS - 60:
            clock.now += 60
        else:
            gate.touch()
        return process.log_tail() == "up"

    process._is_ready = is_ready
    with process:
        assert process.alive
    assert clock.now >= LONGEST_WAIT_SECONDS - 60


def test_a_process_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    """The bound keeps a mistake from blocking for ever; what the process said is in the message."""
    process = sleeper(tmp_path, FOREVER, is_ready=lambda: False, clock=Clock(by=3600))
    with pytest.raises(ProcessFailed, match=r"Waited 600 seconds for a sleeper to be ready"):
        process.start()
    assert not process.alive


def test_a_process_that_ends_by_itself_is_told_from_one_that_was_ended(tmp_path: Path) -> None:
    process = sleeper(tmp_path, FOREVER, is_ready=lambda: process.log_tail() == "up")
    process.check()
    process.start()
    process.check()
    os.kill(process.pid, signal.SIGKILL)
    assert process._process is not None
    process._process.wait()
    with pytest.raises(ProcessFailed, match=r"a sleeper ended with code -9\. Its last output:\nup"):
        process.check()
    process.start()
    process.stop()
    process.check()


def test_a_process_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)"
    process = sleeper(tmp_path, script, stop_seconds=0.2)
    process._is_ready = lambda: process.log_tail() == "up"
    process.start()
    process.stop()
    assert process.exit_code == -signal.SIGKILL


def test_the_log_tail_is_that_of_the_last_start(tmp_path: Path) -> None:
    script = "import os, time; print('run', os.environ['RUN']); time.sleep(600)"
    process = sleeper(tmp_path, script, env={}, is_ready=lambda: process.log_tail() != "")
    for run in ("1", "2"):
        process._env["RUN"] = run
        process.start()
        process.stop()
        assert process.log_tail() == f"run {run}"
    assert process.log.read_text() == "run 1\nrun 2\n"


def test_children_end_with_a_parent_that_forgets_them(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from casework.processes.servers import ManagedProcess
process = ManagedProcess("a sleeper", ["sleep", "600"], log=Path({str(tmp_path)!r}) / "log")
process.start()
print(process.pid)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


async def test_async_with_leaves_the_event_loop_free(tmp_path: Path) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    started = time.monotonic()
    async with sleeper(tmp_path, FOREVER, is_ready=lambda: time.monotonic() - started > 0.2):
        assert ticks >= 3
    ticking.cancel()


# --- Programs and ports ---------------------------------------------------------------------------


def test_a_missing_program_is_reported_with_the_three_ways_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devserver.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BinaryNotFound, match=r"`local` extra.*PATH.*path of its"):
        find_temporal()
    with pytest.raises(BinaryNotFound, match=r"nowhere is not a file"):
        find_temporal(tmp_path / "nowhere")
    on_path = tmp_path / "temporal"
    on_path.touch(mode=0o755)
    assert find_temporal() == on_path


def test_a_free_port_is_free_until_somebody_listens_on_it() -> None:
    port = free_port()
    assert is_free(port)
    with socket.socket() as listener:
        listener.bind((LOOPBACK, port))
        listener.listen()
        assert not is_free(port)


@pytest.mark.parametrize("option", ["port", "ui_port"])
def test_a_port_in_use_is_never_mistaken_for_the_own_server(tmp_path: Path, option: str) -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        ports = {option: port}
        with pytest.raises(ProcessFailed, match=f"port {port} is in use"):
            TemporalDevServer(tmp_path, **ports).start()


def test_a_chosen_port_that_is_taken_meanwhile_is_chosen_again(tmp_path: Path) -> None:
    server = TemporalDevServer(tmp_path, ui=False)
    chosen = server.port
    with socket.socket() as other:
        other.bind((LOOPBACK, chosen))
        other.listen()
        with server:
            assert server.port != chosen


# --- The development server -----------------------------------------------------------------------


async def test_a_workflow_survives_the_death_of_the_server(tmp_path: Path) -> None:
    async with TemporalDevServer(tmp_path) as server:
        target, pid = server.target, server.pid
        handle = await issue(await server.connect(), "survivor")
        server.kill()
        assert server.exit_code == -signal.SIGKILL
        server.start()
        assert (server.target, server.pid != pid) == (target, True)
        client = await server.connect()
        async with Worker(client, task_queue="survivor", workflows=[Certificate]):
            survivor = client.get_workflow_handle_for(Certificate.run, "survivor")
            assert await survivor.execute_update(Certificate.time)
            assert await status(handle) == WorkflowExecutionStatus.RUNNING
    assert not server.alive
    assert server.database.exists()


async def test_the_real_server_moves_the_clock_of_one_workflow(
    temporal_server: TemporalDevServer, temporal_client: Client, task_queue: str
) -> None:
    async with Worker(temporal_client, task_queue=task_queue, workflows=[Certificate]):
        handle = await issue(temporal_client, task_queue)
        other = await issue(temporal_client, f"{task_queue}-other")

        assert await temporal_server.advance(handle, timedelta(days=CERTIFICATE_DAYS - 1))
        assert await status(handle) == WorkflowExecutionStatus.RUNNING
        moved = datetime.fromisoformat(await handle.execute_update(Certificate.time))
        assert moved - datetime.now(UTC) > timedelta(days=CERTIFICATE_DAYS - 2)

        assert not await temporal_server.advance(handle, timedelta(days=2))
        assert await status(handle) == WorkflowExecutionStatus.COMPLETED
        assert await status(other) == WorkflowExecutionStatus.RUNNING


# --- The time-skipping test server ----------------------------------------------------------------


async def test_four_hundred_days_pass_when_told_and_not_before(
    time_skipping_server: TimeSkippingServer, task_queue: str
) -> None:
    client = await time_skipping_server.connect()
    started = await time_skipping_server.now(client)
    async with Worker(client, task_queue=task_queue, workflows=[Certificate]):
        handle = await issue(client, task_queue)

        await time_skipping_server.advance(client, timedelta(days=CERTIFICATE_DAYS - 1))
        assert await status(handle) == WorkflowExecutionStatus.RUNNING
        first = datetime.fromisoformat(await handle.execute_update(Certificate.time))
        second = datetime.fromisoformat(await handle.execute_update(Certificate.time))
        assert second - first < timedelta(minutes=1), "the clock stands still by itself"

        await time_skipping_server.advance(client, timedelta(days=2))
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            expired = datetime.fromisoformat(await handle.result())
    now = await time_skipping_server.now(client)
    assert timedelta(days=CERTIFICATE_DAYS) <= expired - started
    assert now - started >= timedelta(days=CERTIFICATE_DAYS + 1)
