"""The worker process: where cases and drives run, notices leave and housekeeping happens.

Start it with ``python worker.py``, or one for ``cases`` and another for ``notices drives``: Python runs on one core
at a time, and officers should not wait for it behind a drive.
"""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Literal

import cyclopts
import structlog
from temporalio.client import (
    Client,
    RPCTimeoutOrCancelledError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import (
    VersioningBehavior,
    WorkerDeploymentVersion,
    WorkflowIDConflictPolicy,
)
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.casebook import CasebookActivities
from activities.drives import DrivesActivities
from activities.housekeeping import HousekeepingActivities
from activities.notices import NoticesActivities
from activities.settlement import Settlement
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import drive, enrollment, housekeeping, notice_delivery
from casework.identity.invitation_links import InvitationLinks
from casework.notices.composing import NoticeComposer
from casework.notices.mailer import mailer_for
from casework.processes.configuration import SettingsInvalid, read_settings
from casework.processes.engine import connect
from casework.processes.exit import exit_process
from casework.processes.logs import configure_logs
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import current_calendar
from casework.settings import Settings
from casework.store.database import Database
from casework.store.evidence import EvidenceStore
from workflows.enrollment_case import EnrollmentCase
from workflows.enrollment_drive import EnrollmentDrive
from workflows.housekeeping import Housekeeping
from workflows.notice_delivery import NoticeDelivery

THREADS = 16
"""Threads for activities that block, and as many activity slots: with fewer threads than slots, one would wait for
the other. More than the database's pool of connections would only queue there."""

HOUSEKEEPING_EVERY = timedelta(minutes=5)

RUNNER = UnsandboxedWorkflowRunner()
"""Workflows run without the SDK's sandbox, which costs about a quarter of the time of a case. The tests run them
inside it, and hold replayed code to what it may import and call (docs/decisions/0018)."""

POLLS = 16
"""Workflow tasks a worker asks for at a time, half of them of cases that are new to it. With the SDK's five, of which
one is for new cases, Temporal had to put most cases of a drive aside in its database and read them back."""

CASES_IN_MEMORY = 500
"""Cases that a worker need not replay for their next act. All that they hold is gone through whenever Python looks for
garbage, and every case waits meanwhile: 0.15 s for these, up to 0.4 s for the SDK's thousand."""

DRIVES_AT_ONCE = 4
"""Pages of different drives that one worker opens at the same time."""

TELL_OF_PAUSE_WITHIN = timedelta(seconds=2)
"""A page learns with a heartbeat that its drive is paused; the SDK would hold heartbeats back for much longer."""

_log = structlog.get_logger(__name__)

TRY_AGAIN_AFTER = timedelta(seconds=2)
"""Between attempts of a worker that starts while Temporal is away."""

_AWAY = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)

FINISH_WITHIN = timedelta(seconds=20)
"""How long a worker that is asked to stop may go on with what it has begun."""


def deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Return the versioned deployment, if the operator names a build.

    Cases live for years and move to new code between two acts: ``AUTO_UPGRADE``, with patches in the workflows.
    An unversioned worker does the same, without a server-side record of which build did what.
    """
    if settings.worker_build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(
            deployment_name="casework", build_id=settings.worker_build_id
        ),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def case_worker(
    client: Client,
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    threads: ThreadPoolExecutor,
) -> Worker:
    """Build the worker of the cases' queue."""
    reader = CaseReader.of(database, catalog)
    casebook = CasebookActivities(database, CaseRecorder(database, reader), catalog)
    rounds = HousekeepingActivities(
        database,
        client,
        EvidenceStore(settings.files_folder),
        lambda: current_calendar(settings.holidays_file),
    )
    return Worker(
        client,
        task_queue=enrollment.TASK_QUEUE,
        workflows=[EnrollmentCase, Housekeeping],
        activities=[
            casebook.record,
            casebook.close_feedback,
            casebook.publish,
            rounds.sweep,
            rounds.export_histories,
        ],
        activity_executor=threads,
        max_concurrent_activities=THREADS,
        max_cached_workflows=CASES_IN_MEMORY,
        max_concurrent_workflow_task_polls=POLLS,
        nonsticky_to_sticky_poll_ratio=0.5,
        graceful_shutdown_timeout=FINISH_WITHIN,
        workflow_runner=RUNNER,
        deployment_config=deployment(settings),
    )


def notice_worker(
    client: Client,
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    threads: ThreadPoolExecutor,
) -> Worker:
    """Build the worker of the notices' queue: one drain at a time, whatever the officers do."""
    notices = NoticesActivities(
        database,
        NoticeComposer(
            database,
            catalog,
            settings.public_url,
            settings.mail_from,
            links=InvitationLinks.of(settings),
        ),
        mailer_for(settings.smtp_url),
        settings.mail_pace,
        settings.mail_pace_in_all,
    )
    return Worker(
        client,
        task_queue=notice_delivery.TASK_QUEUE,
        workflows=[NoticeDelivery],
        activities=[notices.drain],
        activity_executor=threads,
        max_concurrent_activities=2,
        graceful_shutdown_timeout=FINISH_WITHIN,
        workflow_runner=RUNNER,
        deployment_config=deployment(settings),
    )


def drive_worker(
    client: Client,
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    threads: ThreadPoolExecutor,
) -> Worker:
    """Build the worker of the drives' queue: thousands of invitations, and no officer waits behind them."""
    reader = CaseReader.of(database, catalog)
    drives = DrivesActivities(
        database,
        client,
        CaseRecorder(database, reader),
        reader,
        catalog,
        lambda: current_calendar(settings.holidays_file),
        samples=settings.sample_programs,
    )
    return Worker(
        client,
        task_queue=drive.TASK_QUEUE,
        workflows=[EnrollmentDrive],
        activities=[drives.open_page, drives.note_state],
        activity_executor=threads,
        max_concurrent_activities=DRIVES_AT_ONCE,
        max_heartbeat_throttle_interval=TELL_OF_PAUSE_WITHIN,
        graceful_shutdown_timeout=FINISH_WITHIN,
        workflow_runner=RUNNER,
        deployment_config=deployment(settings),
    )


async def ensure_background_workflows(client: Client) -> None:
    """Have the one delivery of notices and the housekeeping schedule, unless they are there already."""
    await client.start_workflow(
        NoticeDelivery.run,
        notice_delivery.NoticeDeliveryInput(),
        id=notice_delivery.WORKFLOW_ID,
        task_queue=notice_delivery.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary="Sends the notices",
    )
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            Housekeeping.run,
            id=housekeeping.WORKFLOW_ID,
            task_queue=enrollment.TASK_QUEUE,
            static_summary="Pokes late cases and exports histories",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=HOUSEKEEPING_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(housekeeping.SCHEDULE_ID, schedule)
    except ScheduleAlreadyRunningError:
        return


async def background_workflows_are_there(client: Client, stop: asyncio.Event) -> bool:
    """Try until Temporal answers: it may go away while a worker starts. False if the worker is to stop before that."""
    while not stop.is_set():
        try:
            await ensure_background_workflows(client)
        except (RPCError, RPCTimeoutOrCancelledError) as error:
            if isinstance(error, RPCError) and error.status not in _AWAY:
                raise
            _log.warning("worker_waits_for_temporal", reason=_line_of(error))
        else:
            return True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRY_AGAIN_AFTER.total_seconds()):
                await stop.wait()
    return False


@asynccontextmanager
async def settling(
    client: Client, database: Database, catalog: ProgramCatalog
) -> AsyncGenerator[None]:
    """Settle lost acts in the background."""
    recorder = CaseRecorder(database, CaseReader.of(database, catalog))
    work = asyncio.create_task(Settlement(database, client, recorder).keep_settling())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait([work])


_WORKERS = {"cases": case_worker, "notices": notice_worker, "drives": drive_worker}
_QUEUE_NAMES = {
    "cases": enrollment.TASK_QUEUE,
    "notices": notice_delivery.TASK_QUEUE,
    "drives": drive.TASK_QUEUE,
}
Queue = Literal["cases", "notices", "drives"]


def _counting_runtime(settings: Settings) -> Runtime | None:
    """Return a runtime that shows what the SDK counts to Prometheus, if the operator names an address."""
    if settings.worker_metrics is None:
        return None
    shown = PrometheusConfig(bind_address=settings.worker_metrics)
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=shown))
    except (ValueError, RuntimeError) as error:
        raise SettingsInvalid(
            [f"CASEWORK_WORKER_METRICS: {settings.worker_metrics}: {_line_of(error)}"]
        ) from None


async def run_worker(settings: Settings, *queues: Queue) -> None:
    """Work on these queues, or on all, until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runtime = _counting_runtime(settings)
    try:
        client = await connect(settings, runtime=runtime)
    except (RPCError, RuntimeError) as error:
        # The SDK reports a refused connection as a RuntimeError.
        raise SettingsInvalid(
            [f"CASEWORK_TEMPORAL_ADDRESS: {settings.temporal_address}: {_line_of(error)}"]
        ) from None
    catalog = ProgramCatalog.load()
    database = Database(settings.database)
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="activity")
    async with AsyncExitStack() as stack:
        stack.callback(database.close)
        stack.callback(threads.shutdown)
        for queue in queues or _WORKERS:
            worker = _WORKERS[queue](client, settings, database, catalog, threads)
            await stack.enter_async_context(worker)
            if queue == "cases":
                await stack.enter_async_context(settling(client, database, catalog))
        if not await background_workflows_are_there(client, stop):
            return
        # Freeze what is loaded so that garbage collection skips it: else all cases wait for 0.1 s each time.
        gc.collect()
        gc.freeze()
        _log.info(
            "worker_started",
            queues=[_QUEUE_NAMES[queue] for queue in queues or _WORKERS],
            build_id=settings.worker_build_id,
            temporal=settings.temporal_address,
            namespace=settings.temporal_namespace,
            database=database.dialect,
        )
        await stop.wait()
        _log.info("worker_stops")


def main(*queues: Queue) -> None:
    """Run a worker until it is asked to stop.

    Args:
        queues: What it works on; everything unless said.
    """
    configure_logs()
    try:
        asyncio.run(run_worker(read_settings(), *queues))
    except SettingsInvalid as error:
        print(error, file=sys.stderr)  # noqa: T201
        exit_process(1)
    exit_process(0)


def _line_of(error: Exception) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    cyclopts.run(main)
