"""EnrollmentDrive: a seminar's bulk enrollment, page by page."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from casework.contracts import drive as contract
    from casework.domain.actors import SYSTEM
    from casework.domain.drives import DriveState
    from workflows import _options


@workflow.defn(name=contract.WORKFLOW)
class EnrollmentDrive:
    """Open the cases of a drive's rows, one page at a time, until none is pending.

    The rows are in SQL and are the truth about how far the drive has come; this holds who said what:
    the updates ``Pause``, ``Resume`` and ``Stop`` (from officers, through the API) and the signal
    ``go`` (from whoever starts the drive again while it runs). It ends as finished or stopped, and
    runs again under its id when rows are made pending anew. Does not own: the cases, which live on
    by themselves, their reminders and response dates included.
    """

    @workflow.init
    def __init__(self, start: contract.DriveInput) -> None:
        """Take up the drive where its last run left it."""
        self._start = start
        self._progress = start.progress
        self._halt = start.halted
        self._stop: contract.StopDrive | None = None
        self._told_to_go = False
        self._resumed_by = SYSTEM.person

    @workflow.run
    async def run(self, start: contract.DriveInput) -> contract.DriveView:
        """Open page after page, rest while paused, and end when nothing is pending or officers say so."""
        pages = 0
        while True:
            if self._stop is not None:
                if await self._end(DriveState.STOPPED, self._stop.person, self._stop.reason):
                    return self._view(DriveState.STOPPED, self._stop.reason)
                self._stop = None
            elif self._halt is not None:
                await self._rest(self._halt)
            elif pages >= start.pages_per_run:
                await workflow.wait_condition(workflow.all_handlers_finished)
                self._continue_as_new()
            else:
                pages += 1
                if await self._open_page() and await self._end(DriveState.FINISHED, SYSTEM.person):
                    return self._view(DriveState.FINISHED)

    # --- Messages: change what the loop looks at, never await ---------------------------------

    @workflow.signal(name=contract.GO)
    def go(self) -> None:
        """Look for pending rows once more before ending."""
        self._told_to_go = True

    @workflow.update(name=contract.PAUSE)
    def pause(self, request: contract.PauseDrive) -> contract.DriveView:
        """Begin no more cases; those under way are opened."""
        self._halt = contract.Halt(person=request.person, reason=request.reason)
        return self.progress()

    @pause.validator
    def validate_pause(self, request: contract.PauseDrive) -> None:
        """Refuse to pause what does not run."""
        if self._halt is not None or self._stop is not None:
            raise _refused(contract.NOT_RUNNING, "The drive is not running.")

    @workflow.update(name=contract.RESUME)
    def resume(self, request: contract.ResumeDrive) -> contract.DriveView:
        """Go on where the drive was paused."""
        self._resumed_by = request.person
        self._halt = None
        return self.progress()

    @resume.validator
    def validate_resume(self, request: contract.ResumeDrive) -> None:
        """Refuse to resume what is not paused."""
        if self._halt is None or self._stop is not None:
            raise _refused(contract.NOT_PAUSED, "The drive is not paused.")

    @workflow.update(name=contract.STOP)
    def stop(self, request: contract.StopDrive) -> contract.DriveView:
        """End the drive; rows whose turn has not come are skipped."""
        self._stop = request
        return self.progress()

    @stop.validator
    def validate_stop(self, request: contract.StopDrive) -> None:
        """Refuse to stop what has been stopped."""
        if self._stop is not None:
            raise _refused(contract.ALREADY_ENDED, "The drive has been stopped.")

    @workflow.query(name=contract.PROGRESS)
    def progress(self) -> contract.DriveView:
        """Say where the drive is, as of the last page; SQL knows more."""
        if self._stop is not None:
            return self._view(DriveState.STOPPED, self._stop.reason)
        if self._halt is not None:
            return self._view(DriveState.PAUSED, self._halt.reason)
        return self._view(DriveState.RUNNING)

    # --- The loop's own steps -----------------------------------------------------------------

    async def _open_page(self) -> bool:
        """Open a page of cases; say whether that was the last one.

        A pause or a stop cancels the page, which then begins no more cases and still reports.
        """
        self._show()
        page = workflow.start_activity(
            contract.OPEN_PAGE,
            contract.OpenPageRequest(
                drive=self._start.drive,
                rows=_rows_of_page(self._start),
                pace=self._start.pace,
                window=self._start.window,
            ),
            result_type=contract.DriveProgress,
            start_to_close_timeout=_options.DRIVE_PAGE_TIMEOUT,
            heartbeat_timeout=_options.DRIVE_HEARTBEAT,
            retry_policy=_options.DRIVE_RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=f"Open cases; {self._progress.pending} were pending",
        )
        await workflow.wait_condition(lambda: page.done() or self._is_interrupted())
        if not page.done():
            page.cancel()
        try:
            self._progress = await page
        except ActivityError as error:
            if not self._is_interrupted():
                self._halt = _halt_for(error)
            return False
        return self._progress.pending == 0 and not self._is_interrupted()

    def _is_interrupted(self) -> bool:
        return self._halt is not None or self._stop is not None

    async def _rest(self, halt: contract.Halt) -> None:
        """Write down the pause and wait for its end."""
        await self._note(DriveState.PAUSED, halt.person, halt.reason)
        await workflow.wait_condition(lambda: self._halt is not halt or self._stop is not None)
        if self._stop is None and self._halt is None:
            await self._note(DriveState.RUNNING, self._resumed_by)

    async def _end(self, state: DriveState, person: str, reason: str | None = None) -> bool:
        """Write down the end; say False if rows were made pending, or somebody said ``go``, meanwhile."""
        self._told_to_go = False
        await self._note(state, person, reason)
        return self._progress.pending == 0 and not self._told_to_go

    async def _note(self, state: DriveState, person: str, reason: str | None = None) -> None:
        self._show()
        self._progress = await workflow.execute_activity(
            contract.NOTE_STATE,
            contract.StateNote(drive=self._start.drive, state=state, person=person, reason=reason),
            result_type=contract.DriveProgress,
            start_to_close_timeout=_options.DRIVE_NOTE_TIMEOUT,
            retry_policy=_options.DRIVE_RETRY,
            summary=f"The drive is {state}",
        )
        self._show()

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(
            self._start.model_copy(update={"halted": self._halt, "progress": self._progress})
        )

    def _view(self, state: DriveState, reason: str | None = None) -> contract.DriveView:
        return contract.DriveView(
            drive=self._start.drive, state=state, progress=self._progress, reason=reason
        )

    def _show(self) -> None:
        """Describe the drive in Markdown for Temporal's own UI."""
        view = self.progress()
        lines = [f"### {view.state}", *(f"- {name}: {n}" for name, n in self._progress)]
        lines += [f"- reason: {view.reason}"] if view.reason else []
        workflow.set_current_details("\n".join(lines))


def _rows_of_page(start: contract.DriveInput) -> int:
    """Return how many rows make a page: fewer for a slow drive, so that a page is never long."""
    if start.pace is None:
        return start.page_rows
    return max(1, min(start.page_rows, start.pace * _options.DRIVE_PAGE_SECONDS // 60))


def _halt_for(error: ActivityError) -> contract.Halt:
    """Pause a drive that cannot go on by itself, rather than fail it: officers can mend that and resume."""
    cause = error.cause
    reason = cause.message if isinstance(cause, ApplicationError) else "A page could not be opened."
    return contract.Halt(person=SYSTEM.person, reason=reason[:4000])


def _refused(code: str, reason: str) -> ApplicationError:
    return ApplicationError(reason, type=code, non_retryable=True)
