"""The only way from HTTP to a running case: one act is one Temporal Update.

It owns how an update is addressed and repeated, what its refusals mean, and that what Temporal has taken goes on
record; it judges nothing that a running case can judge itself.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import NamedTuple

import structlog
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from temporalio.exceptions import ApplicationError

from api.engine.calls import CaseHeld, EngineBusy, EngineCalls, NoRun, TemporalUnavailable
from api.http.metrics import Metrics
from api.http.preconditions import update_id_of
from casework.cases.on_record import ActsOnRecord, Intent, NotOnRecord
from casework.contracts.enrollment import POKE, ActAnswer, ActReceipt, ActRequest
from casework.domain.actors import Actor
from casework.domain.acts import Act, SubmitApplication
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Terms
from casework.domain.policy import Principal
from casework.domain.refusals import Refusal, RefusalCode, Refused
from casework.processes.engine import ignore_start_failure, opening
from casework.store.cases.casebook import JournalDifference, JournalGap
from casework.store.database import DATABASE_AWAY
from casework.store.keys import KeyReused
from casework.store.tables import CaseRow

_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between attempts while a case ends its feedback period or publishes: milliseconds, as a rule."""

_log = structlog.get_logger(__name__)


class Taken(NamedTuple):
    """An act that Temporal holds; ``is_recorded`` says whether it is on record already or follows."""

    receipt: ActReceipt
    is_recorded: bool


class CaseNotRunning(Exception):
    """SQL has an open case and Temporal no run of it: somebody has to repair that."""


class RecordBehind(Exception):
    """The record of the case is behind the case: it takes no act until it has caught up."""


class CaseGateway:
    """Send acts to cases and open new ones. Every refusal is recorded before it is raised."""

    def __init__(self, calls: EngineCalls, record: ActsOnRecord, metrics: Metrics) -> None:
        """Keep the collaborators."""
        self._calls = calls
        self._record = record
        self._metrics = metrics

    async def apply(
        self,
        case_id: str,
        act: Act,
        principal: Principal,
        expected_version: int,
        key: str,
        row: CaseRow | None = None,
    ) -> Taken:
        """Apply an act; the same person, case and key always get the same receipt.

        ``row`` is the case as the caller has read it, which spares a statement.

        Raises:
            Refused: the act is not open, the case has changed, or the key was used for another act.
            TemporalUnavailable: nobody knows yet. Repeat with the same key.
            EngineBusy: nothing was done. Repeat with the same key.
            CaseNotRunning: the case is open and has no run.
            RecordBehind: nothing was done. The record is behind the case, which takes no act until it has caught up.
        """
        actor = principal.actor
        update_id = update_id_of(actor.person, case_id, key)
        name = act.slug
        intent = await self._intend(update_id, case_id, act, actor)
        request = ActRequest.of(intent.act, actor, expected_version)
        async with self._counted(intent, case_id, name, actor):
            try:
                answer = await self._update(case_id, name, request, update_id)
            except Refused as error:
                if error.refusal.code is RefusalCode.VERSION_CONFLICT:
                    await self._catch_up(intent, case_id, expected_version)
                raise
            except NoRun:
                record = self._record
                await run_in_threadpool(record.judge, case_id, act, actor, expected_version)
                # By the record the act is open: a run may just have continued as a new one.
                answer = await self._update(case_id, name, request, update_id)
            return await self._take(answer, request, update_id, row)

    async def open(
        self, terms: Terms, act: SubmitApplication, actor: Actor, update_id: str
    ) -> Taken:
        """Start the case with its application, or return the receipt if that was done before.

        Args:
            terms: what is fixed for the life of the case.
            act: the application.
            actor: the applicant, bound to the establishment of the case.
            update_id: of the request that reserved the case.

        Raises:
            Refused, TemporalUnavailable, EngineBusy, CaseNotRunning: as in :meth:`apply`.
        """
        case_id, name = terms.case_id, act.slug
        intent = await self._intend(update_id, case_id, act, actor, terms.calendar)
        request = ActRequest.of(intent.act, actor)
        async with self._counted(intent, case_id, name, actor):
            try:
                answer = await self._start(terms, name, request, update_id)
            except NoRun:
                receipt = await run_in_threadpool(
                    self._record.receipt_of_application, case_id, update_id, request.digest
                )
                return Taken(_same_request(receipt, request), is_recorded=True)
            return await self._take(answer, request, update_id, None)

    # --- SQL ----------------------------------------------------------------------------------

    async def _intend(
        self,
        update_id: str,
        case_id: str,
        act: Act,
        actor: Actor,
        calendar: WorkCalendar | None = None,
    ) -> Intent:
        """Note the act and keep its texts; what is sent has references in their place."""
        record = self._record
        try:
            return await run_in_threadpool(
                record.intend, update_id, case_id, act, actor.person, calendar
            )
        except KeyReused:
            error = _key_reused()
            self._metrics.act_refused(act.slug, error.refusal.code)
            await run_in_threadpool(
                record.keep_refusal, None, case_id, act.slug, actor, error.refusal
            )
            raise error from None

    async def _take(
        self, answer: ActAnswer, request: ActRequest, update_id: str, row: CaseRow | None
    ) -> Taken:
        """Put on record what Temporal holds. What fails here is not lost: the intent stays and is settled later."""
        receipt = _same_request(answer.receipt, request)
        try:
            await run_in_threadpool(self._record.record, answer.unrecorded, update_id, row)
        except (*DATABASE_AWAY, JournalGap, JournalDifference) as error:
            _log.error(
                "act_not_recorded_yet", case=answer.unrecorded.case_id, reason=type(error).__name__
            )
            return Taken(receipt, is_recorded=False)
        return Taken(receipt, is_recorded=True)

    async def _catch_up(self, intent: Intent, case_id: str, seen: int) -> None:
        """Have the case record what it holds, while the version that the person saw is the record's and not the case's.

        Raises:
            RecordBehind: the record does not catch up; somebody may have to repair it.
        """
        if not await run_in_threadpool(self._record.is_at, case_id, seen):
            return
        async with self._calls.call(_refused) as client:
            await client.get_workflow_handle(case_id).signal(POKE)
        for pause in _PAUSES:
            if not await run_in_threadpool(self._record.is_at, case_id, seen):
                return
            await asyncio.sleep(pause)
        await run_in_threadpool(self._record.forget, intent)
        raise RecordBehind(case_id)

    # --- Temporal -----------------------------------------------------------------------------

    async def _update(
        self, case_id: str, name: str, request: ActRequest, update_id: str
    ) -> ActAnswer:
        for pause in _PAUSES:
            try:
                return await self._calls.update(
                    case_id, name, request, update_id, ActAnswer, _refused
                )
            except CaseHeld:
                await asyncio.sleep(pause)
        return await self._calls.update(case_id, name, request, update_id, ActAnswer, _refused)

    async def _start(
        self, terms: Terms, name: str, request: ActRequest, update_id: str
    ) -> ActAnswer:
        async with self._calls.call(_refused) as client:
            start = opening(terms)
            async with ignore_start_failure(start):
                return await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]  # as above
                    name,
                    request,
                    start_workflow_operation=start,
                    id=update_id,
                    result_type=ActAnswer,
                    rpc_timeout=self._calls.answer_within,
                )

    @asynccontextmanager
    async def _counted(
        self, intent: Intent, case_id: str, name: str, actor: Actor
    ) -> AsyncGenerator[None]:
        """Count every outcome, and record a refusal: a rejected update leaves nothing in Temporal."""
        try:
            yield
        except Refused as error:
            self._metrics.act_refused(name, error.refusal.code)
            await run_in_threadpool(
                self._record.keep_refusal, intent, case_id, name, actor, error.refusal
            )
            raise
        except (NoRun, NotOnRecord) as error:
            self._metrics.act_unanswered(name)
            _log.error("case_not_running", case=case_id, act=name)
            raise CaseNotRunning(case_id) from error
        except EngineBusy:
            self._metrics.act_unanswered(name)
            await run_in_threadpool(self._record.forget, intent)
            raise
        except (TemporalUnavailable, RecordBehind) as error:
            self._metrics.act_unanswered(name)
            _log.warning("act_unanswered", case=case_id, act=name, reason=type(error).__name__)
            raise
        self._metrics.act_applied(name)


def _same_request(receipt: ActReceipt, request: ActRequest) -> ActReceipt:
    """Return the receipt, unless Temporal repeated that of another request under the same key."""
    if receipt.digest != request.digest:
        raise _key_reused()
    return receipt


def _key_reused() -> Refused:
    return Refused(RefusalCode.KEY_REUSED, "This Idempotency-Key was used for another request.")


def _refused(cause: ApplicationError | None) -> Exception:
    try:
        refusal = Refusal.model_validate(cause.details[0] if cause and cause.details else None)
    except ValidationError:
        _log.error("update_failed", type=cause.type if cause else None)
        return Refused(RefusalCode.ENGINE_FAULT, "The engine could not apply this act.")
    return Refused(refusal.code, refusal.reason, refusal.pointer)
