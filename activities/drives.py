"""What a drive does in the world: reserve the cases of a page of rows in SQL, and open them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client, RPCTimeoutOrCancelledError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.drive_page import DrivePage, failed, signs_of_life
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import drive as contract
from casework.contracts import enrollment
from casework.domain.actors import SYSTEM
from casework.domain.acts import InviteEstablishment
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Terms
from casework.domain.drives import RowOutcome, Why
from casework.domain.refusals import RefusalCode
from casework.processes.engine import ignore_start_failure, opening
from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.programs.openings import version_open_on
from casework.store.database import Database
from casework.store.drives import run as drive_run
from casework.store.drives.drives import find_drive
from casework.store.drives.rows import progress_of
from casework.store.drives.run import OpeningVersion, Reserved, RowEnd
from casework.store.drives.states import note_state

ANSWER_WITHIN = timedelta(seconds=30)
"""How long one case may take to open: no person waits, and in a queue that is full some wait for long.
After that nobody knows, and it is asked again under the same key."""

_ACCEPTED_TOO_LATE = "AcceptedUpdateCompletedWorkflow"

_NEVER_GOES_WELL = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.FAILED_PRECONDITION})
"""Answers about the one case. All others, a wrong key among them, are about Temporal and are waited out."""


class DrivesActivities:
    """Bring the rows of a drive to their outcome. The rows in SQL say how far it has come.

    ``open_page`` is an ``async def``, because opening a case is mostly waiting for Temporal; SQL is
    spoken to in threads.
    """

    def __init__(
        self,
        database: Database,
        client: Client,
        recorder: CaseRecorder,
        reader: CaseReader,
        catalog: ProgramCatalog,
        calendar: Callable[[], WorkCalendar],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        samples: bool = False,
        cases_queue: str = enrollment.TASK_QUEUE,
        answer_within: timedelta = ANSWER_WITHIN,
        beat_seconds: float = 2.0,
    ) -> None:
        """Keep the collaborators.

        Args:
            database: where the rows are.
            client: reaches the cases.
            recorder: puts the cases that were opened on record, all that have come at a time.
            reader: keeps the calendar that they open with.
            catalog: the program versions.
            calendar: returns the public holidays as they are known today.
            now: the present instant (UTC).
            samples: open cases under sample versions, as in a demonstration.
            cases_queue: where the workers of the cases listen.
            answer_within: how long one case may take to open.
            beat_seconds: wait between heartbeats.
        """
        self._database = database
        self._client = client
        self._recorder = recorder
        self._reader = reader
        self._catalog = catalog
        self._calendar = calendar
        self._now = now
        self._samples = samples
        self._cases_queue = cases_queue
        self._answer_within = answer_within
        self._beat_seconds = beat_seconds

    @activity.defn(name=contract.OPEN_PAGE)
    async def open_page(self, request: contract.OpenPageRequest) -> contract.DriveProgress:
        """Bring the next rows to their outcome and return how far the drive has come.

        When it is canceled or its worker shuts down, it begins no more cases, waits for those under
        way, notes what came of them and returns as usual. Cases that get no answer fail the attempt;
        the next one asks them again under the same key.
        """
        halt = asyncio.Event()
        page = DrivePage(self, request, halt)
        async with signs_of_life(self._beat_seconds, page.count, halt):
            work = asyncio.ensure_future(page.run())
            try:
                await asyncio.shield(work)
            except asyncio.CancelledError:
                halt.set()
                await asyncio.wait([work])
                if (task := asyncio.current_task()) is not None:
                    task.uncancel()
                work.result()
        return await asyncio.to_thread(self._progress, request.drive)

    @activity.defn(name=contract.NOTE_STATE)
    def note_state(self, note: contract.StateNote) -> contract.DriveProgress:
        """Write down the state that the drive has come to, and return how far that is."""
        try:
            with self._database.writing() as session:
                note_state(session, note.drive, note.state, note.person, note.reason, self._now())
                return progress_of(session, note.drive)
        except LookupError as error:
            raise ApplicationError(str(error), non_retryable=True) from error

    # --- What a page asks of its collaborators ------------------------------------------------

    def reserve(self, request: contract.OpenPageRequest) -> list[Reserved]:
        """Reserve the cases of the next rows in one transaction."""
        now = self._now()
        with self._database.writing() as session:
            drive = find_drive(session, request.drive)
            if drive is None:
                raise ApplicationError(f"There is no drive {request.drive}.", non_retryable=True)
            try:
                version = version_open_on(self._catalog, drive.program, now, samples=self._samples)
            except NoSuchVersion as error:
                raise _not_open(error) from error
            opens = OpeningVersion(version=version.version, prefix=version.prefix)
            return drive_run.reserve_page(session, request.drive, opens, request.rows, now)

    def terms(self, drive_id: str, reserved: list[Reserved]) -> dict[str, Terms]:
        """Return by case the terms of a page, which share rules and calendar."""
        calendar = self._calendar()
        with self._database.writing() as session:
            drive = find_drive(session, drive_id)
            program = drive.program if drive else ""
            self._reader.keep_calendar(session, calendar)
        try:
            rules = {
                version: self._catalog.get(program, version).rules()
                for version in {case.program_version for case in reserved}
            }
        except NoSuchVersion as error:
            raise _not_open(error) from error
        return {
            case.case_id: Terms(
                case_id=case.case_id,
                establishment=case.establishment_id,
                province=case.province,
                rules=rules[case.program_version],
                calendar=calendar,
            )
            for case in reserved
        }

    async def invite(self, drive_id: str, case: Reserved, terms: Terms) -> RowEnd | None:
        """Open a case with its invitation, once; None if nobody knows whether it is open."""
        act = InviteEstablishment(drive=drive_id)
        start = opening(terms, task_queue=self._cases_queue)
        try:
            # The bound of one call does not end the polling for a result that follows it.
            async with (
                asyncio.timeout(self._answer_within.total_seconds()),
                ignore_start_failure(start),
            ):
                answer = await self._client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]  # the SDK's other overloads
                    act.slug,
                    enrollment.ActRequest.of(act, SYSTEM),
                    start_workflow_operation=start,
                    id=case.update_id,
                    result_type=enrollment.ActAnswer,
                    rpc_timeout=self._answer_within,
                )
        except WorkflowUpdateFailedError as error:
            return await self._refused(drive_id, case, error)
        except WorkflowAlreadyStartedError:
            return await asyncio.to_thread(self._on_record, drive_id, case)
        except RPCError as error:
            if error.status in _NEVER_GOES_WELL:
                return failed(case, Why.REFUSED, error.status.name.lower())
            return None
        except (RPCTimeoutOrCancelledError, TimeoutError):
            return None
        return RowEnd(
            line=case.line,
            outcome=RowOutcome.OPENED,
            case_id=case.case_id,
            opened=answer.unrecorded,
        )

    async def _refused(
        self, drive_id: str, case: Reserved, error: WorkflowUpdateFailedError
    ) -> RowEnd | None:
        cause = error.cause
        code = cause.type if isinstance(cause, ApplicationError) else None
        if code in {RefusalCode.NOT_AT_THIS_STAGE, _ACCEPTED_TOO_LATE}:
            return await asyncio.to_thread(self._on_record, drive_id, case)
        return failed(case, Why.REFUSED, code or RefusalCode.ENGINE_FAULT)

    def _on_record(self, drive_id: str, case: Reserved) -> RowEnd | None:
        """Say what came of a case that has gone on, or ended, without this invitation."""
        with self._database.reading() as session:
            inviter = drive_run.inviter_of(session, case.case_id)
        if inviter is None:
            return None
        outcome = RowOutcome.OPENED if inviter == drive_id else RowOutcome.JOINED
        return RowEnd(line=case.line, outcome=outcome, case_id=case.case_id)

    def mark(self, drive_id: str, ends: list[RowEnd]) -> None:
        """Note what came of rows and record the cases that they opened, in one transaction."""
        with self._database.writing() as session:
            for end in ends:
                if end.opened is not None:
                    self._recorder.record_in(session, end.opened)
            drive_run.mark(session, drive_id, ends, self._now())

    def _progress(self, drive_id: str) -> contract.DriveProgress:
        with self._database.reading() as session:
            return progress_of(session, drive_id)


def _not_open(error: NoSuchVersion) -> ApplicationError:
    return ApplicationError(str(error), type=contract.PROGRAM_NOT_OPEN, non_retryable=True)
