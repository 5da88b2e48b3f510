"""A seminar for tests: the real drive, cases, server, activities and database."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.casebook import CasebookActivities
from activities.drives import DrivesActivities
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import drive as contract
from casework.domain.drives import DriveState, ListedSite, RowOutcome
from casework.processes.engine import run_drive
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.drives.drives import find_drive
from casework.store.drives.rows import list_rows, progress_of
from casework.store.drives.tables import Drive, DriveRow
from casework.store.tables import CaseRow, Enrollment, NoticeRow
from tests.drive_lists import drive_with, started
from tests.sample_case import CALENDAR, NOW
from tests.workflows.office import pydantic_client
from workflows.enrollment_case import EnrollmentCase
from workflows.enrollment_drive import EnrollmentDrive

HISTORIES = Path(__file__).parent.parent / "histories"

DRIVES = ("drive_finished", "drive_paused_and_resumed", "drive_stopped", "drive_continued_as_new")
"""What drives go through, and the names under which their histories are kept for replay."""


@dataclass
class SeminarRoom:
    """A drive and everybody who works on it."""

    client: Client
    server: TemporalDevServer
    database: Database
    queue: str
    threads: ThreadPoolExecutor
    catalog: ProgramCatalog = field(default_factory=ProgramCatalog.load)
    now: Any = lambda: NOW

    def __post_init__(self) -> None:
        self.reader = CaseReader.of(self.database, self.catalog)
        self.recorder = CaseRecorder(self.database, self.reader)

    @property
    def drives_queue(self) -> str:
        """Name the queue of the drives, which is not that of the cases."""
        return f"{self.queue}-drives"

    def case_worker(self) -> Worker:
        """Make a worker of the cases."""
        casebook = CasebookActivities(self.database, self.recorder, self.catalog)
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[EnrollmentCase],
            activities=[casebook.record, casebook.close_feedback, casebook.publish],
            activity_executor=self.threads,
            max_concurrent_activities=8,
        )

    def drives(self) -> DrivesActivities:
        """Make the activities of a drive."""
        return DrivesActivities(
            self.database,
            self.client,
            self.recorder,
            self.reader,
            self.catalog,
            lambda: CALENDAR,
            self.now,
            cases_queue=self.queue,
            answer_within=timedelta(seconds=LONGEST_WAIT_SECONDS),
            beat_seconds=0.1,
        )

    async def another_client(self) -> Client:
        """Connect once more: one connection has one worker for a queue, even if that was killed."""
        return await pydantic_client(self.server)

    def drive_worker(
        self, drives: DrivesActivities | None = None, client: Client | None = None
    ) -> Worker:
        """Make a worker of the drives; its pages are told of a pause at once."""
        drives = drives or self.drives()
        return Worker(
            client or self.client,
            task_queue=self.drives_queue,
            workflows=[EnrollmentDrive],
            activities=[drives.open_page, drives.note_state],
            activity_executor=self.threads,
            max_concurrent_activities=4,
            max_heartbeat_throttle_interval=timedelta(milliseconds=100),
        )

    def prepare(
        self, sites: Iterable[ListedSite], key: str = "k1", **more: object
    ) -> contract.DriveInput:
        """Make a drive over these sites that is started in SQL."""
        return started(self.database, drive_with(self.database, sites, key, **more))

    async def run(self, start: contract.DriveInput) -> WorkflowHandle[Any, Any]:
        """Have the drive run."""
        return await run_drive(self.client, start, task_queue=self.drives_queue)

    async def keep_history(self, name: str, drive_id: str, run: str | None) -> None:
        """Write the histories of a drive from this run on, if histories are recorded anew."""
        id_of_drive = contract.workflow_id_of(drive_id)
        number = 0
        while run and os.environ.get("CASEWORK_RECORD_HISTORIES"):
            handle = self.client.get_workflow_handle(id_of_drive, run_id=run)
            history = await handle.fetch_history()
            number += 1
            file = HISTORIES / f"{name}.{number}.json"
            kept = {"id": id_of_drive, "history": history.to_json_dict()}
            file.write_text(json.dumps(kept, ensure_ascii=False))
            last = history.events[-1]
            run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id

    async def finish(self, start: contract.DriveInput) -> contract.DriveView:
        """Have the drive run to its end."""
        handle = await self.run(start)
        return contract.DriveView.model_validate(await handle.result())

    def drive(self, drive_id: str) -> Drive:
        """Return the drive as SQL has it."""
        with self.database.reading() as session:
            drive = find_drive(session, drive_id)
            assert drive is not None
            return drive

    def rows(self, drive_id: str) -> list[DriveRow]:
        """Return the rows as SQL has them."""
        with self.database.reading() as session:
            return list_rows(session, drive_id, limit=10_000)

    def progress(self, drive_id: str) -> contract.DriveProgress:
        """Count the rows by outcome."""
        with self.database.reading() as session:
            return progress_of(session, drive_id)

    async def until_opened(self, drive_id: str, cases: int) -> None:
        """Wait until SQL has so many rows opened."""
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            # Rows are written in threads; there is no event to wait for.
            while self.progress(drive_id).opened < cases:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def until_state(self, drive_id: str, state: DriveState) -> None:
        """Wait until SQL has the drive in this state."""
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            while self.drive(drive_id).state is not state:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def check_one_case_each(self, drive_id: str, cases: int) -> None:
        """Hold SQL to it: a case, an enrollment and an invitation for each row that was opened."""
        opened = [r for r in self.rows(drive_id) if r.outcome is RowOutcome.OPENED]
        assert len({row.case_id for row in opened}) == len(opened) == cases
        with self.database.reading() as session:
            for table in (CaseRow, Enrollment, NoticeRow):
                assert session.scalar(select(func.count()).select_from(table)) == cases, table
            versions = set(session.scalars(select(col(CaseRow.version))))
        assert versions <= {1}


@asynccontextmanager
async def seminar_room(server: TemporalDevServer, folder: Path) -> AsyncIterator[SeminarRoom]:
    """Have a database and a worker of the cases; the workers of the drives are the test's."""
    client = await pydantic_client(server)
    database = Database(f"sqlite:///{folder / 'casework.db'}")
    database.migrate()
    with ThreadPoolExecutor(16) as threads:
        room = SeminarRoom(client, server, database, f"test-{uuid.uuid4().hex[:12]}", threads)
        async with room.case_worker():
            yield room
    database.close()
