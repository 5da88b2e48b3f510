"""The only way from HTTP to a running case: one act is one Temporal Update.

It owns how an update is addressed and repeated, and what its refusals mean; it judges nothing that a
running case can judge itself.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from temporalio.exceptions import ApplicationError

from api.engine.calls import EngineBusy, EngineCalls, NoRun, TemporalUnavailable
from api.http.metrics import Metrics
from api.http.preconditions import update_id_of
from casework.cases.on_record import ActsOnRecord, NotOnRecord
from casework.contracts.enrollment import POKE, ActReceipt, ActRequest
from casework.domain.actors import Actor
from casework.domain.acts import Act, SubmitApplication
from casework.domain.case import Terms
from casework.domain.policy import Principal
from casework.domain.refusals import Refusal, RefusalCode, Refused
from casework.processes.engine import ignore_start_failure, opening

_log = structlog.get_logger(__name__)


class CaseNotRunning(Exception):
    """SQL has an open case and Temporal no run of it: somebody has to repair that."""


class CaseGateway:
    """Send acts to cases and open new ones. Every refusal is recorded before it is raised."""

    def __init__(self, calls: EngineCalls, record: ActsOnRecord, metrics: Metrics) -> None:
        """Keep the collaborators."""
        self._calls = calls
        self._record = record
        self._metrics = metrics

    async def apply(
        self, case_id: str, act: Act, principal: Principal, expected_version: int, key: str
    ) -> ActReceipt:
        """Apply an act; the same person, case and key always get the same receipt.

        Raises:
            Refused: the act is not open, the case has changed, or the key was used for another act.
            TemporalUnavailable: nobody knows yet. Repeat with the same key.
            EngineBusy: nothing was done. Repeat with the same key.
            CaseNotRunning: the case is open and has no run.
        """
        actor = principal.actor
        request = ActRequest.of(act, actor, expected_version)
        update_id = update_id_of(actor.person, case_id, key)
        name = act.slug
        async with self._counted(case_id, name, actor):
            try:
                receipt = await self._update(case_id, name, request, update_id)
            except Refused as error:
                if error.refusal.code is RefusalCode.VERSION_CONFLICT:
                    await self._reconcile(case_id, expected_version)
                raise
            except NoRun:
                record = self._record
                await run_in_threadpool(record.judge, case_id, act, actor, expected_version)
                # By the record the act is open: a run may just have continued as a new one.
                receipt = await self._update(case_id, name, request, update_id)
            return _same_request(receipt, request)

    async def open(
        self, terms: Terms, act: SubmitApplication, actor: Actor, update_id: str
    ) -> ActReceipt:
        """Start the case with its application, or return the receipt if that was done before.

        Args:
            terms: what is fixed for the life of the case.
            act: the application.
            actor: the applicant, bound to the establishment of the case.
            update_id: of the request that reserved the case.

        Raises:
            Refused, TemporalUnavailable, EngineBusy, CaseNotRunning: as in :meth:`apply`.
        """
        request = ActRequest.of(act, actor)
        case_id, name = terms.case_id, act.slug
        async with self._counted(case_id, name, actor):
            try:
                receipt = await self._start(terms, name, request, update_id)
            except NoRun:
                receipt = await run_in_threadpool(
                    self._record.receipt_of_application, case_id, request.digest
                )
            return _same_request(receipt, request)

    # --- Temporal -----------------------------------------------------------------------------

    async def _update(
        self, case_id: str, name: str, request: ActRequest, update_id: str
    ) -> ActReceipt:
        return await self._calls.update(case_id, name, request, update_id, ActReceipt, _refused)

    async def _reconcile(self, case_id: str, seen: int) -> None:
        """Have the case look at its record, if the version that the person saw is the record's and not the case's.

        A worker and a server that died together can leave the record ahead; nobody could act on such a case.
        """
        if await run_in_threadpool(self._record.is_at, case_id, seen):
            async with self._calls.call(_refused) as client:
                await client.get_workflow_handle(case_id).signal(POKE)

    async def _start(
        self, terms: Terms, name: str, request: ActRequest, update_id: str
    ) -> ActReceipt:
        async with self._calls.call(_refused) as client:
            start = opening(terms)
            async with ignore_start_failure(start):
                return await client.execute_update_with_start_workflow(  # pyright: ignore[reportUnknownMemberType]  # as above
                    name,
                    request,
                    start_workflow_operation=start,
                    id=update_id,
                    result_type=ActReceipt,
                    rpc_timeout=self._calls.answer_within,
                )

    @asynccontextmanager
    async def _counted(self, case_id: str, name: str, actor: Actor) -> AsyncGenerator[None]:
        """Count every outcome, and record a refusal: a rejected update leaves nothing in Temporal."""
        try:
            yield
        except Refused as error:
            self._metrics.act_refused(name, error.refusal.code)
            refusal = error.refusal
            await run_in_threadpool(self._record.keep_refusal, case_id, name, actor, refusal)
            raise
        except (NoRun, NotOnRecord) as error:
            self._metrics.act_unanswered(name)
            _log.error("case_not_running", case=case_id, act=name)
            raise CaseNotRunning(case_id) from error
        except (TemporalUnavailable, EngineBusy) as error:
            self._metrics.act_unanswered(name)
            _log.warning("act_unanswered", case=case_id, act=name, reason=type(error).__name__)
            raise
        self._metrics.act_applied(name)


def _same_request(receipt: ActReceipt, request: ActRequest) -> ActReceipt:
    """Return the receipt, unless Temporal repeated that of another request under the same key."""
    if receipt.digest != request.digest:
        raise Refused(RefusalCode.KEY_REUSED, "This Idempotency-Key was used for another request.")
    return receipt


def _refused(cause: ApplicationError | None) -> Exception:
    try:
        refusal = Refusal.model_validate(cause.details[0] if cause and cause.details else None)
    except ValidationError:
        _log.error("update_failed", type=cause.type if cause else None)
        return Refused(RefusalCode.ENGINE_FAULT, "The engine could not apply this act.")
    return Refused(refusal.code, refusal.reason, refusal.pointer)
