"""EnrollmentCase: one establishment's enrollment in one program, from application to the end of its certification."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from casework.contracts import casebook, enrollment
    from casework.domain import decide as deciding
    from casework.domain.actors import SYSTEM, Actor, ActorKind
    from casework.domain.acts import ACTS, Act
    from casework.domain.calendar import WorkCalendar
    from casework.domain.case import Case, evolve, record
    from casework.domain.deadlines import feedback_is_over, next_deadline, tick
    from casework.domain.events import CalendarAdopted, Event, Recorded
    from casework.domain.openness import kind_for
    from casework.domain.refusals import Refusal, RefusalCode, Refused
    from casework.domain.stages import Stage
    from workflows import _options
    from workflows._alarm import Alarm

_Result = TypeVar("_Result", bound=BaseModel)


@workflow.defn(name=enrollment.WORKFLOW)
class EnrollmentCase:
    """Carry one enrollment through its stages.

    Stages in order: invited (drives only), application-review, returned, inspection, corrective-action, feedback,
    answering, review, decision, certified. It ends as refused, rejected, withdrawn, declined, lapsed or expired.

    Messages: an update for each act, whose name is the name of the act (from applicant, officer, inspector, reviewer,
    decision maker or supervisor, through the API); the signal ``poke`` (from housekeeping, when a timer was lost or
    lines wait to be recorded) and the signal ``adopt-calendar`` (from housekeeping, when the public holidays changed).

    Handlers decide, the loop acts: an update handler is a plain function that changes the case and answers with the
    lines that follow, for whoever asked to record them. What nobody asked for, the loop has an activity record. Lines
    stay in ``_unrecorded`` until the case knows them to be on record.

    Does not own: the journal and the read model (``casework/cases/recording.py``), the sending of notices
    (:class:`~workflows.notice_delivery.NoticeDelivery`), who may see a case (``api``).
    """

    @workflow.init
    def __init__(self, start: enrollment.EnrollmentInput) -> None:
        """Take up the case where its last run left it."""
        self._case: Case = start.case
        self._applied = {a.update_id: a.receipt for a in start.applied}
        self._unrecorded: tuple[Recorded, ...] = ()
        self._is_held = False
        self._alarm = Alarm()
        self._new_calendar: WorkCalendar | None = None
        self._must_record = False
        self._end_is_noted = False
        self._publication_failures = 0
        self._publish_again_at: datetime | None = None
        self._enrolling = start.case.stage is not Stage.CERTIFIED

    @workflow.run
    async def run(self, start: enrollment.EnrollmentInput) -> enrollment.CaseOutcome:
        """Act on what the handlers decided and on what time brings about, until the case is closed."""
        while True:
            self._let_time_pass()
            if self._must_record or len(self._unrecorded) > enrollment.MOST_UNRECORDED:
                await self._record()
            elif feedback_is_over(self._case, workflow.now()):
                await self._close_feedback()
            elif self._publication_is_due():
                await self._publish()
            elif self._may_end_run():
                if self._unrecorded or not self._end_is_noted:
                    await self._record()
                elif workflow.all_handlers_finished():
                    break
                else:
                    await workflow.wait_condition(workflow.all_handlers_finished)
            else:
                await self._wait()
        # A closed case whose entry could not be published yet goes on, too.
        if not self._case.is_closed or self._case.publication_due is not None:
            self._continue_as_new()
        return enrollment.CaseOutcome(
            case_id=self._case.case_id, stage=self._case.stage, version=self._case.version
        )

    # --- Messages: decide, change the state in one assignment, never await -------------------

    @workflow.update(dynamic=True)
    def act(self, name: str, args: Sequence[RawValue]) -> enrollment.ActAnswer:
        """Apply one act and answer with its receipt and all that is to be recorded."""
        try:
            request = self._request(args)
            update_id = _update_id()
            receipt = self._applied.get(update_id)
            if receipt is None:
                receipt = self._apply(_parse(name, request), request, update_id)
            answer = enrollment.ActAnswer(receipt=receipt, unrecorded=self._to_record())
        except Exception as error:
            # Anything but a failure that Temporal knows would fail the workflow task for ever and wedge the case.
            raise _refusal_error(error) from error
        else:
            return answer

    @act.validator
    def validate_act(self, name: str, args: Sequence[RawValue]) -> None:
        """Refuse what is not open before it enters the history."""
        if self._is_held:
            raise ApplicationError("The case is busy for a moment.", type=enrollment.BUSY)
        try:
            request = self._request(args)
            applied = self._applied.get(_update_id())
            if applied is None:
                self._judge(_parse(name, request), request)
            elif applied.digest != request.digest:
                raise Refused(
                    RefusalCode.KEY_REUSED, "This Idempotency-Key was used for another request."
                )
        except Exception as error:
            raise _refusal_error(error) from error

    @workflow.signal(name=enrollment.POKE)
    def poke(self) -> None:
        """Look at the deadlines again, because a timer may have been lost, and record what is not on record."""
        self._must_record = bool(self._unrecorded)
        self._alarm.wake()

    @workflow.signal(name=enrollment.ADOPT_CALENDAR)
    def adopt_calendar(self, change: enrollment.CalendarChange) -> None:
        """Count the running period by the new holidays, as soon as the loop comes around."""
        self._new_calendar = change.calendar
        self._alarm.wake()

    def _request(self, args: Sequence[RawValue]) -> enrollment.ActRequest:
        return workflow.payload_converter().from_payload(args[0].payload, enrollment.ActRequest)

    def _judge(self, act: Act, request: enrollment.ActRequest) -> tuple[Event, ...]:
        return deciding.judge(
            self._case, act, request.actor, workflow.now(), request.expected_version
        )

    def _apply(
        self, act: Act, request: enrollment.ActRequest, update_id: str
    ) -> enrollment.ActReceipt:
        happened = self._judge(act, request)
        kind = kind_for(type(act), request.actor)
        if request.expected_version is not None:
            # The version was read from the record, which so holds every line up to it.
            self._forget_up_to(request.expected_version)
        self._happen(happened, request.actor, kind, update_id)
        receipt = enrollment.ActReceipt(
            version=self._case.version,
            stage=self._case.stage,
            at=workflow.now(),
            digest=request.digest,
        )
        self._applied[update_id] = receipt
        while len(self._applied) > enrollment.MOST_APPLIED_ACTS:
            self._applied.pop(next(iter(self._applied)))
        self._alarm.wake()
        return receipt

    def _happen(
        self,
        happened: Sequence[Event],
        actor: Actor = SYSTEM,
        kind: ActorKind = ActorKind.SYSTEM,
        request: str | None = None,
    ) -> None:
        """Let events happen to the case and keep their lines until they are on record."""
        self._case, lines = record(self._case, happened, actor, kind, workflow.now(), request)
        self._unrecorded += lines

    def _to_record(self) -> casebook.Unrecorded:
        return casebook.Unrecorded.of(self._case, self._unrecorded)

    def _forget_up_to(self, version: int) -> None:
        self._unrecorded = tuple(line for line in self._unrecorded if line.seq > version)

    # --- The loop's own steps ---------------------------------------------------------------

    def _let_time_pass(self) -> None:
        """Take up new holidays and what the deadlines have brought about: lines that nobody else will record."""
        self._alarm.reset()
        calendar, self._new_calendar = self._new_calendar, None
        before = self._case.version
        try:
            if calendar is not None and self._counts_by_another(calendar):
                self._happen((CalendarAdopted(calendar=calendar),))
        except Exception:
            # A signal has nobody to answer to; the sweeper will send it again.
            workflow.logger.exception("The calendar could not be adopted")
        self._happen(tick(self._case, workflow.now()))
        self._must_record |= self._case.version > before

    def _counts_by_another(self, calendar: WorkCalendar) -> bool:
        is_new = calendar.revision != self._case.terms.calendar.revision
        return is_new and self._case.version > 0 and not self._case.is_closed

    async def _record(self) -> None:
        """Have an activity put the lines on record; Temporal holds them before it runs.

        At the end of a run acts are held off, so that a busy case comes to its end.
        """
        self._must_record = False
        to_record = self._to_record()
        is_end = self._may_end_run()
        with self._holding_acts_off(is_end):
            await workflow.execute_activity(
                casebook.RECORD,
                casebook.RecordRequest(
                    unrecorded=to_record, run_ends=workflow.info().run_id if is_end else None
                ),
                start_to_close_timeout=_options.RECORD_TIMEOUT,
                retry_policy=_options.RECORD_RETRY,
                summary=_types_of(to_record.lines) or "End of the run",
            )
        self._end_is_noted |= is_end
        if to_record.lines:
            self._forget_up_to(to_record.lines[-1].seq)

    async def _close_feedback(self) -> None:
        """Read the accepted representations into the case; SQL takes no more from then on."""
        running = self._case.running
        if running is None:
            return
        request = casebook.CloseFeedbackRequest(
            case_id=self._case.case_id,
            seq=self._case.version + 1,
            at=workflow.now(),
            closes_at=running.due_at,
        )
        await self._do_and_record(
            casebook.CLOSE_FEEDBACK,
            request,
            casebook.ClosedFeedback,
            request.line,
            "Close the feedback period",
        )

    def _publication_is_due(self) -> bool:
        again = self._publish_again_at
        return self._case.publication_due is not None and (again is None or again <= workflow.now())

    async def _publish(self) -> None:
        """Publish the certification; what cannot be published is tried again later, and acts go on meanwhile."""
        request = casebook.PublishRequest(
            unrecorded=self._to_record(),
            seq=self._case.version + 1,
            at=workflow.now(),
            version=self._case.publication_due or 0,
            run_ends=workflow.info().run_id if self._ends_when_published() else None,
        )
        summary = f"Publish version {request.version} in the register"
        try:
            published = await self._do_and_record(
                casebook.PUBLISH, request, casebook.PublishReceipt, request.line, summary
            )
        except ActivityError:
            pause = _options.pause_after(self._publication_failures)
            self._publication_failures += 1
            self._publish_again_at = workflow.now() + pause
            workflow.logger.exception("The publication failed; the next attempt is in %s", pause)
        else:
            self._publish_again_at, self._publication_failures = None, 0
            self._end_is_noted |= published and request.run_ends is not None

    async def _do_and_record(
        self,
        name: str,
        request: casebook.CloseFeedbackRequest | casebook.PublishRequest,
        result: type[_Result],
        line_of: Callable[[_Result], Recorded],
        summary: str,
    ) -> bool:
        """Have an activity do something and record it, and let it happen to the case.

        Acts are held off meanwhile, a few milliseconds as a rule: the number of the line is taken. False if the
        record was behind: then the lines before this one go on record, and the loop comes here again.
        """
        try:
            with self._holding_acts_off():
                done: Any = await workflow.execute_activity(
                    name,
                    request,
                    result_type=result,
                    start_to_close_timeout=_options.RECORD_TIMEOUT,
                    retry_policy=_options.RECORD_RETRY,
                    summary=summary,
                )
                self._case = evolve(self._case, line_of(done))
        except ActivityError as error:
            if not _is_behind(error):
                raise
            self._must_record = True
            return False
        self._unrecorded = ()
        return True

    @contextmanager
    def _holding_acts_off(self, hold: bool = True) -> Generator[None]:
        self._is_held = hold
        try:
            yield
        finally:
            self._is_held = False

    def _may_end_run(self) -> bool:
        """Say whether nothing is left to do in this run: the case is closed, or goes on as a new run.

        A certified case starts its long life with an empty history; so does one whose history has grown long.
        """
        if workflow.info().is_continue_as_new_suggested():
            return True
        return self._case.publication_due is None and self._ends_when_published()

    def _ends_when_published(self) -> bool:
        certified = self._enrolling and self._case.stage is Stage.CERTIFIED
        return self._case.is_closed or certified

    def _continue_as_new(self) -> None:
        workflow.continue_as_new(
            enrollment.EnrollmentInput(
                case=self._case,
                applied=tuple(
                    enrollment.AppliedAct(update_id=key, receipt=receipt)
                    for key, receipt in self._applied.items()
                ),
            )
        )

    async def _wait(self) -> None:
        """Sleep until somebody acts or the earliest deadline is there."""
        workflow.set_current_details(_details(self._case))
        moments = (next_deadline(self._case, workflow.now()), self._publish_again_at)
        await self._alarm.wait(min(filter(None, moments), default=None))


def _is_behind(error: ActivityError) -> bool:
    cause = error.cause
    return isinstance(cause, ApplicationError) and cause.type == casebook.RECORD_BEHIND


def _types_of(lines: Sequence[Recorded]) -> str:
    return ", ".join(line.event.type for line in lines)


def _update_id() -> str:
    info = workflow.current_update_info()
    if info is None:
        raise RuntimeError("only an update has an update id")
    return info.id


def _parse(name: str, request: enrollment.ActRequest) -> Act:
    kind = ACTS.get(name)
    if kind is None:
        raise Refused(RefusalCode.ACT_UNKNOWN, f"There is no act {name}.")
    return kind.model_validate(request.body)


def _refusal_error(error: Exception) -> ApplicationError:
    """Turn whatever went wrong into a failure that ends this update and nothing else."""
    if isinstance(error, Refused):
        refusal = error.refusal
    else:
        workflow.logger.error("An act could not be judged", exc_info=error)
        refusal = Refusal(
            code=RefusalCode.ENGINE_FAULT, reason="The engine could not judge this act."
        )
    return ApplicationError(
        refusal.reason, refusal.model_dump(mode="json"), type=refusal.code, non_retryable=True
    )


def _details(case: Case) -> str:
    """Describe the case in Markdown for Temporal's own UI: no names, those are in SQL."""
    running = case.running
    lines = [
        f"### {case.stage}",
        f"- program: {case.terms.rules.program} {case.terms.rules.version}",
        f"- province: {case.terms.province}",
        f"- version: {case.version}",
        f"- officer: {case.officer or 'none yet'}",
    ]
    if case.inspector and case.visit_at:
        lines.append(f"- visit: {case.visit_at.isoformat()} by {case.inspector}")
    if running:
        lines.append(f"- {running.period} due: {running.due_at.isoformat()}")
    if case.unanswered:
        lines.append(f"- representations without an answer: {len(case.unanswered)}")
    if case.register_entry:
        lines.append(f"- register entry: {case.register_entry}")
    return "\n".join(lines)
