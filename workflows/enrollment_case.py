"""EnrollmentCase: one establishment's enrollment in one program, from application to the end of its certification."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from casework.contracts import casebook, enrollment, register
    from casework.domain import decide as deciding
    from casework.domain.actors import SYSTEM, Actor, ActorKind
    from casework.domain.acts import ACTS, Act
    from casework.domain.calendar import local_date
    from casework.domain.case import Case, record
    from casework.domain.deadlines import feedback_is_over, next_deadline, tick
    from casework.domain.events import (
        CalendarAdopted,
        CertificationPublished,
        Event,
        FeedbackClosed,
        Recorded,
    )
    from casework.domain.openness import kind_for
    from casework.domain.refusals import Refusal, RefusalCode, Refused
    from casework.domain.stages import Stage
    from workflows import _options


@workflow.defn(name=enrollment.WORKFLOW)
class EnrollmentCase:
    """Carry one enrollment through its stages.

    Stages in order: invited (drives only), application-review, returned, inspection, corrective-action, feedback,
    answering, review, decision, certified. It ends as refused, rejected, withdrawn, declined, lapsed or expired.

    Messages: an update for each act, whose name is the name of the act (from applicant, officer, inspector, reviewer,
    decision maker or supervisor, through the API); the signal ``poke`` (from housekeeping, when a timer was lost)
    and the signal ``adopt-calendar`` (from housekeeping, when the public holidays changed).

    Handlers decide, the loop acts: an update handler is a plain function that appends events to a queue, and only
    :meth:`run` touches activities. Does not own: the journal and the read model (``activities/casebook.py``),
    the sending of notices (:class:`~workflows.notice_delivery.NoticeDelivery`), who may see a case (``api``).
    """

    @workflow.init
    def __init__(self, start: enrollment.EnrollmentInput) -> None:
        """Take up the case where its last run left it."""
        self._case: Case = start.case
        self._applied = {a.update_id: a.receipt for a in start.applied}
        self._unrecorded: list[Recorded] = []
        self._publication: workflow.ActivityHandle[register.PublishReceipt] | None = None
        self._published_version = 0
        self._end_is_noted = False
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._woken = False
        self._poked = False
        self._durable = start.case.version
        self._task = -1
        self._enrolling = start.case.stage is not Stage.CERTIFIED

    @workflow.run
    async def run(self, start: enrollment.EnrollmentInput) -> enrollment.CaseOutcome:
        """Act on what the handlers decided and on what time brings about, until the case is closed."""
        while True:
            self._woken = False
            self._happen(tick(self._case, workflow.now()))
            self._take_receipt_of_publication()
            if self._unrecorded or self._poked:
                await self._record()
            elif feedback_is_over(self._case, workflow.now()):
                await self._close_feedback()
            elif self._case.publication_due and self._publication is None:
                self._publish(self._case.publication_due)
            elif self._run_is_over() and not self._end_is_noted:
                await self._record()
            elif self._run_is_over():
                if not self._case.is_closed:
                    self._continue_as_new()
                return enrollment.CaseOutcome(
                    case_id=self._case.case_id,
                    stage=self._case.stage,
                    version=self._case.version,
                )
            else:
                await self._wait()

    # --- Messages: decide, change the state in one assignment, never await -------------------

    @workflow.update(dynamic=True)
    def act(self, name: str, args: Sequence[RawValue]) -> enrollment.ActReceipt:
        """Apply one act and answer with its receipt; the loop records it within the same workflow task."""
        try:
            request = self._request(args)
            update_id = _update_id()
            if update_id in self._applied:
                return self._applied[update_id]
            act = _parse(name, request)
            happened = self._judge(act, request)
            self._happen(happened, request.actor, kind_for(type(act), request.actor))
            receipt = enrollment.ActReceipt(
                version=self._case.version,
                stage=self._case.stage,
                at=workflow.now(),
                digest=request.digest,
            )
            self._remember(update_id, receipt)
        except Exception as error:
            # Anything but a failure that Temporal knows would fail the workflow task for ever and wedge the case.
            raise _refusal_error(error) from error
        else:
            return receipt

    @act.validator
    def validate_act(self, name: str, args: Sequence[RawValue]) -> None:
        """Refuse what is not open before it enters the history."""
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
        """Look at the deadlines again, because a timer may have been lost, and hold the record against the case."""
        self._woken = self._poked = self._case.version > 0

    @workflow.signal(name=enrollment.ADOPT_CALENDAR)
    def adopt_calendar(self, change: enrollment.CalendarChange) -> None:
        """Count the running period by the new holidays."""
        try:
            new = change.calendar.revision != self._case.terms.calendar.revision
            if new and self._case.version and not self._case.is_closed:
                self._happen((CalendarAdopted(calendar=change.calendar),))
        except Exception:
            # A signal has nobody to answer to; the sweeper will send it again.
            workflow.logger.exception("The calendar could not be adopted")

    def _request(self, args: Sequence[RawValue]) -> enrollment.ActRequest:
        return workflow.payload_converter().from_payload(args[0].payload, enrollment.ActRequest)

    def _judge(self, act: Act, request: enrollment.ActRequest) -> tuple[Event, ...]:
        return deciding.judge(
            self._case, act, request.actor, workflow.now(), request.expected_version
        )

    def _happen(
        self,
        happened: Sequence[Event],
        actor: Actor = SYSTEM,
        kind: ActorKind = ActorKind.SYSTEM,
    ) -> None:
        """Let events happen to the case and queue them for the journal."""
        if happened:
            self._durable = self._durable_version()
            self._task = workflow.info().get_current_history_length()
        self._case, lines = record(self._case, happened, actor, kind, workflow.now())
        self._unrecorded.extend(lines)

    def _remember(self, update_id: str, receipt: enrollment.ActReceipt) -> None:
        self._applied[update_id] = receipt
        while len(self._applied) > enrollment.MOST_APPLIED_ACTS:
            self._applied.pop(next(iter(self._applied)))

    # --- The loop's own steps ---------------------------------------------------------------

    async def _record(self) -> None:
        """Put everything queued into SQL in one transaction; an outage keeps the queue and the case waiting."""
        events, self._unrecorded = tuple(self._unrecorded), []
        reconcile, self._poked = self._poked, False
        self._end_is_noted = self._may_end_run()
        workflow.set_current_details(_details(self._case))
        await workflow.execute_local_activity(
            casebook.RECORD,
            casebook.RecordRequest(
                case=self._case,
                events=events,
                run_id=workflow.info().run_id,
                run_ends=self._end_is_noted,
                reconcile=reconcile,
                durable=self._durable_version(),
                task_at=workflow.now(),
            ),
            start_to_close_timeout=_options.RECORD_TIMEOUT,
            retry_policy=_options.RECORD_RETRY,
            local_retry_threshold=_options.RECORD_LOCALLY_UP_TO,
            summary=", ".join(line.event.type for line in events) or "End of the run",
        )

    def _durable_version(self) -> int:
        """Return the highest version that is in Temporal's history for certain.

        What happened in the workflow task that runs now is not: it may be lost with its worker and happen again.
        """
        if workflow.info().get_current_history_length() == self._task:
            return self._durable
        return self._case.version

    async def _close_feedback(self) -> None:
        """Read the accepted representations into the case; SQL takes no more from then on."""
        running = self._case.running
        if running is None:
            return
        closed = await workflow.execute_local_activity(
            casebook.CLOSE_FEEDBACK,
            casebook.CloseFeedbackRequest(case_id=self._case.case_id, closes_at=running.due_at),
            result_type=casebook.ClosedFeedback,
            start_to_close_timeout=_options.RECORD_TIMEOUT,
            retry_policy=_options.RECORD_RETRY,
            local_retry_threshold=_options.RECORD_LOCALLY_UP_TO,
            summary="Close the feedback period",
        )
        # A withdrawal may have been accepted while this waited for SQL; new holidays do not open what SQL has closed.
        now_running = self._case.running
        if now_running is not None and now_running.since == running.since:
            self._happen(
                (
                    FeedbackClosed(
                        representations=closed.representations,
                        support=closed.support,
                        neutral=closed.neutral,
                        objection=closed.objection,
                    ),
                )
            )

    def _publish(self, version: int) -> None:
        """Start the publication; acts go on being recorded while it is tried."""
        self._publication = workflow.start_activity(
            register.PUBLISH,
            register.PublishRequest(case_id=self._case.case_id, version=version),
            result_type=register.PublishReceipt,
            start_to_close_timeout=_options.PUBLISH_TIMEOUT,
            retry_policy=_options.PUBLISH_RETRY,
            summary=f"Publish version {version} in the register",
        )
        self._published_version = version

    def _take_receipt_of_publication(self) -> None:
        if self._publication is not None and self._publication.done():
            receipt, self._publication = self._publication.result(), None
            self._happen(
                (CertificationPublished(version=self._published_version, entry=receipt.entry),)
            )

    def _run_is_over(self) -> bool:
        """Say whether nothing is left to do in this run: the case is closed, or goes on as a new run."""
        return self._may_end_run() and workflow.all_handlers_finished()

    def _may_end_run(self) -> bool:
        """A certified case starts its long life with an empty history; so does one whose history has grown long."""
        if self._case.publication_due or self._publication is not None:
            return False
        certified = self._enrolling and self._case.stage is Stage.CERTIFIED
        return self._case.is_closed or certified or workflow.info().is_continue_as_new_suggested()

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
        """Sleep until somebody acts, the publication is through or the earliest deadline is there."""
        workflow.set_current_details(_details(self._case))
        self._arm(next_deadline(self._case, workflow.now()))
        await workflow.wait_condition(
            lambda: (
                bool(self._unrecorded)
                or self._woken
                or (self._publication is not None and self._publication.done())
            )
        )

    def _arm(self, deadline: datetime | None) -> None:
        """Have one timer that rings no later than the deadline.

        A timer that would ring too early is left alone and costs nothing until it does; moving it with every act
        would double the events of a case.
        """
        if deadline is None:
            return
        if self._alarm is not None and not self._alarm.done():
            if self._alarm_at is not None and self._alarm_at <= deadline:
                return
            self._alarm.cancel()
        self._alarm_at = deadline
        self._alarm = asyncio.create_task(self._ring(deadline))

    async def _ring(self, at: datetime) -> None:
        until = local_date(at)
        await workflow.sleep(
            max((at - workflow.now()).total_seconds(), 0), summary=f"Next deadline {until}"
        )
        self._woken = True


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
