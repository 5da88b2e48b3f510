"""What housekeeping does on its rounds."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from casework.contracts import drive, enrollment
from casework.contracts import housekeeping as contract
from casework.contracts.drive import DriveInput
from casework.domain.calendar import WorkCalendar
from casework.people.retention import erase_expired
from casework.processes.engine import run_drive
from casework.store.cases import sweeping
from casework.store.database import Database
from casework.store.drives import states as drive_states
from casework.store.evidence import EvidenceStore

GRACE = timedelta(minutes=5)
"""How late a case may be before it is poked, and a drive before it is started: longer than any healthy timer or
retry."""

MOST_AT_A_TIME = 200
"""How many cases one round touches of each kind; the next round takes the rest."""


class HousekeepingActivities:
    """Repair what was missed. Does not own any deadline: a poked case looks at its own."""

    def __init__(
        self,
        database: Database,
        client: Client,
        files: EvidenceStore,
        calendar: Callable[[], WorkCalendar],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        drives_queue: str = drive.TASK_QUEUE,
    ) -> None:
        """Keep the collaborators; ``calendar`` returns the public holidays as they are known today."""
        self._database = database
        self._client = client
        self._files = files
        self._calendar = calendar
        self._now = now
        self._drives_queue = drives_queue

    @activity.defn(name=contract.SWEEP)
    async def sweep(self) -> contract.SweepReport:
        """Poke late cases, tell cases of new holidays, start drives that were lost, erase what was kept long enough."""
        calendar = self._calendar()
        late, behind, drives = await asyncio.to_thread(self._find, calendar.revision)
        poked = [await self._signal(case_id, enrollment.POKE) for case_id in late]
        change = enrollment.CalendarChange(calendar=calendar)
        told = [
            await self._signal(case_id, enrollment.ADOPT_CALENDAR, change) for case_id in behind
        ]
        started = [await self._start_if_lost(drive_id) for drive_id in drives]
        await asyncio.to_thread(self._erase_expired)
        return contract.SweepReport(poked=sum(poked), calendars=sum(told), drives=sum(started))

    def _find(self, revision: str) -> tuple[list[str], list[str], list[str]]:
        now = self._now()
        with self._database.reading() as session:
            return (
                sweeping.overdue(session, now, GRACE, MOST_AT_A_TIME),
                sweeping.stale_calendars(session, revision, MOST_AT_A_TIME),
                drive_states.under_way(session, now - GRACE, MOST_AT_A_TIME),
            )

    def _erase_expired(self) -> None:
        with self._database.writing() as session:
            erased = erase_expired(session, self._now())
        if any(erased.values()):
            told = ", ".join(f"{count} {kind}" for kind, count in erased.items() if count)
            activity.logger.info("Kept for their time and erased: %s", told)

    async def _signal(self, case_id: str, name: str, *args: object) -> bool:
        activity.heartbeat(case_id)
        try:
            await self._client.get_workflow_handle(case_id).signal(name, args=args)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            # SQL says open, Temporal knows no such run: a person has to look at it.
            activity.logger.error("Case %s is open in SQL and unknown to Temporal", case_id)
            return False
        return True

    async def _start_if_lost(self, drive_id: str) -> bool:
        """Start the workflow of a drive that has none: Temporal was away when somebody started it."""
        activity.heartbeat(drive_id)
        if await self._is_running(drive.workflow_id_of(drive_id)):
            return False
        # Read after the look at Temporal: a drive that has just ended says so by now.
        start = await asyncio.to_thread(self._input, drive_id)
        if start is None:
            return False
        await run_drive(self._client, start, task_queue=self._drives_queue)
        activity.logger.warning(
            "Drive %s was under way without a workflow and is started", drive_id
        )
        return True

    async def _is_running(self, workflow_id: str) -> bool:
        try:
            found = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return found.status is WorkflowExecutionStatus.RUNNING

    def _input(self, drive_id: str) -> DriveInput | None:
        with self._database.reading() as session:
            return drive_states.find_input(session, drive_id)

    @activity.defn(name=contract.EXPORT_HISTORIES)
    async def export_histories(self) -> contract.ExportReport:
        """Keep the history of each ended run as a file, before Temporal's retention deletes it."""
        exported = gone = 0
        for case_id, run_id in await asyncio.to_thread(self._runs):
            activity.heartbeat(case_id)
            handle = self._client.get_workflow_handle(case_id, run_id=run_id)
            try:
                if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                    continue
                history = (await handle.fetch_history()).to_json()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                await asyncio.to_thread(self._keep, case_id, run_id, None)
                gone += 1
                continue
            await asyncio.to_thread(self._keep, case_id, run_id, history)
            exported += 1
        return contract.ExportReport(exported=exported, gone=gone)

    def _runs(self) -> list[tuple[str, str]]:
        with self._database.reading() as session:
            rows = sweeping.runs_to_export(session, MOST_AT_A_TIME)
            return [(row.case_id, row.run_id) for row in rows]

    def _keep(self, case_id: str, run_id: str, history: str | None) -> None:
        file = None
        if history is not None:
            file = self._files.put_bytes(history.encode(), "application/json").sha256
        with self._database.writing() as session:
            sweeping.mark_exported(session, case_id, run_id, self._now(), file)
