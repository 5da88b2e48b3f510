"""The processes of the demo: Temporal with its web pages, mail, worker and API."""

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple, Self

import httpx2
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from casework.contracts import enrollment, notice_delivery
from casework.demo.mail import MailServer
from casework.processes.servers import (
    LOOPBACK,
    ManagedProcess,
    TemporalDevServer,
    free_port,
    is_free,
)
from casework.settings import Settings

_STOP_SECONDS = 40.0
"""A worker may take 20 seconds to finish what it began."""


class PortTaken(Exception):
    """Somebody else listens on a port of the demo; the message names the setting to change."""


class Ports(NamedTuple):
    """Where the four servers listen on this machine."""

    api: int
    temporal: int
    ui: int
    smtp: int

    @classmethod
    def of(
        cls,
        *,
        api: int | None,
        temporal: int | None,
        ui: int | None,
        smtp: int | None,
        choose_free: bool,
    ) -> Self:
        """Fill in what was not asked for: the usual ports, or free ones; 0 is always a free one."""

        def choose(port: int | None, usual: int) -> int:
            if port == 0 or (port is None and choose_free):
                return free_port()
            return port or usual

        return cls(choose(api, 8000), choose(temporal, 7233), choose(ui, 8233), choose(smtp, 1025))

    def need_free(self) -> None:
        """Raise :class:`PortTaken` if one of them is taken."""
        taken = [(name, port) for name, port in self._asdict().items() if not is_free(port)]
        if taken:
            raise PortTaken(
                "\n".join(
                    f"Port {port} is taken. Choose another: casework demo --{name}-port 0 "
                    f"(a free one), or CASEWORK_DEMO_{name.upper()}_PORT."
                    for name, port in taken
                )
            )


class Processes:
    """Start the parts in the order in which one needs the other, and end them the other way round.

    All their state is in one folder: ``temporal/``, ``casework.db``, ``files/``, ``mail/`` and
    ``logs/``. Two of its methods are for the show: :meth:`kill_worker` and :meth:`start_worker`.
    """

    def __init__(self, folder: Path, ports: Ports) -> None:
        """Describe the processes; nothing is started yet."""
        self.ports = ports
        self.folder = folder.resolve()
        self.url = f"http://{LOOPBACK}:{ports.api}"
        self.mail = MailServer(self.folder / "mail", ports.smtp)
        self.temporal = TemporalDevServer(
            self.folder / "temporal", port=ports.temporal, ui_port=ports.ui
        )
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            state_folder=self.folder,
            database_url=f"sqlite:///{self.folder / 'casework.db'}",
            temporal_address=self.temporal.target,
            public_url=self.url,
        )
        self.worker = self._worker(sample_programs=False)
        self.api = self._api(sample_programs=False)

    def start(self, *, sample_programs: bool, sample_drives: bool = False) -> None:
        """Start everything; returns when all of it answers.

        ``sample_programs``: applications open cases under the sample versions. ``sample_drives``: so
        do drives, until the worker is started anew.
        """
        self.mail.start()
        self.temporal.start()
        self.start_worker(sample_drives=sample_drives)
        self.restart_api(sample_programs=sample_programs)

    def check(self) -> None:
        """Raise `ProcessFailed` if a process has ended that nobody has ended."""
        for process in (self.temporal, self.worker, self.api):
            process.check()

    def stop(self) -> None:
        """End what runs, each by its process id, the one that needs the others first."""
        self.api.stop()
        self.worker.stop()
        self.mail.stop()
        self.temporal.stop()

    def restart_api(self, *, sample_programs: bool) -> None:
        """Start the API anew, for cases to be opened under the sample versions or the published ones."""
        self.api.stop()
        self.api = self._api(sample_programs=sample_programs)
        self.api.start()

    def kill_worker(self) -> int:
        """End the worker as a power cut would, with SIGKILL, and return the id it had."""
        pid = self.worker.pid
        self.worker.kill()
        return pid

    def start_worker(self, *, sample_drives: bool = False) -> int:
        """Start a worker in place of one that is gone, wait until it asks for work, and return its id."""
        self.worker = self._worker(sample_programs=sample_drives)
        self.worker.start()
        return self.worker.pid

    def page_of(self, case_id: str) -> str:
        """Return the address of Temporal's page of a case: of its first run, which has the enrollment.

        A certified case goes on in a run of its own, to which a page without a run id would lead.
        """
        run_id = asyncio.run(self._first_run(case_id))
        namespace = self.temporal.namespace
        return (
            f"{self.temporal.ui_url}/namespaces/{namespace}/workflows/{case_id}/{run_id}/timeline"
        )

    async def _first_run(self, case_id: str) -> str:
        client = await Client.connect(self.temporal.target)
        description = await client.get_workflow_handle(case_id).describe()
        return description.raw_info.first_run_id

    def _worker(self, *, sample_programs: bool) -> ManagedProcess:
        return self._process("worker", "worker", sample_programs=sample_programs)

    def _api(self, *, sample_programs: bool) -> ManagedProcess:
        arguments = ["--host", LOOPBACK, "--port", str(self.ports.api), "--log-level", "warning"]
        return self._process("api", "api.server", *arguments, sample_programs=sample_programs)

    def _process(self, name: str, *arguments: str, sample_programs: bool) -> ManagedProcess:
        return ManagedProcess(
            f"the {name}",
            [sys.executable, "-m", *arguments],
            log=self.folder / "logs" / f"{name}.log",
            env={
                "CASEWORK_STATE_FOLDER": str(self.folder),
                "CASEWORK_DATABASE_URL": str(self.settings.database_url),
                "CASEWORK_TEMPORAL_ADDRESS": self.temporal.target,
                "CASEWORK_PUBLIC_URL": self.url,
                "CASEWORK_SMTP_URL": self.mail.url,
                "CASEWORK_MAIL_PACE": "6000/minute",
                "CASEWORK_OUTBOX_PAGE": "true",
                "CASEWORK_SAMPLE_PROGRAMS": str(sample_programs).lower(),
                "PYTHONUNBUFFERED": "1",
            },
            # Away from the folder the demo was started in: its .env is for another system.
            cwd=self.folder,
            is_ready=self._worker_asks_for_work if name == "worker" else self._api_answers,
            stop_seconds=_STOP_SECONDS,
        )

    def _api_answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5.0).is_success
        except httpx2.HTTPError:
            return False

    def _worker_asks_for_work(self) -> bool:
        """Say whether the worker that runs now, not one before it, polls both queues."""
        try:
            return asyncio.run(self._polls(self.worker.pid))
        except (RPCError, RuntimeError):
            return False

    async def _polls(self, pid: int) -> bool:
        client = await Client.connect(self.temporal.target)
        for queue in (enrollment.TASK_QUEUE, notice_delivery.TASK_QUEUE):
            answer = await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=self.temporal.namespace,
                    task_queue=TaskQueue(name=queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                )
            )
            if not any(poller.identity.startswith(f"{pid}@") for poller in answer.pollers):
                return False
        return True
