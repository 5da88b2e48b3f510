"""The reference case, walked with as little beside it as a client can have."""

import asyncio
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from casework.cases.recording import CaseRecorder
from casework.contracts import enrollment
from casework.contracts.casebook import CloseFeedbackRequest, PublishRequest
from casework.domain import acts as a
from casework.domain.actors import Actor
from casework.domain.case import Terms
from casework.domain.rules import Grade
from casework.processes.engine import opening
from tests.sample_case import APPLICANT, DECIDER, FILE, INSPECTOR, NO_CONFLICT, OFFICER, REVIEWER

_CLOSED, _PUBLISHED = "feedback closed", "published"

_BUSY_SECONDS = 0.02
"""The API's first pause while a case takes in what it has done by itself."""


class Bell(Interceptor):
    """Rings in the worker's own process when a case has done by itself what the walk waits for, so that nobody asks."""

    def __init__(self) -> None:
        self._rung: defaultdict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the name is the SDK's
        return _Listening(next, self)

    def ring(self, request: CloseFeedbackRequest | PublishRequest) -> None:
        """Tell who waits how far the case has come."""
        if isinstance(request, CloseFeedbackRequest):
            self._rung[request.case_id, _CLOSED].set()
        else:
            self._rung[request.unrecorded.case_id, _PUBLISHED].set()

    async def wait(self, case_id: str, what: str) -> None:
        """Wait until this is on record; once for each."""
        await self._rung[case_id, what].wait()
        del self._rung[case_id, what]


class _Listening(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, bell: Bell) -> None:  # noqa: A002 - likewise
        super().__init__(next)
        self._bell = bell

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - likewise
        result = await super().execute_activity(input)
        for argument in input.args:
            if isinstance(argument, CloseFeedbackRequest | PublishRequest):
                self._bell.ring(argument)
        return result


class Walk:
    """Walk cases from application to publication, and record each answer as the API does."""

    def __init__(self, client: Client, bell: Bell, recorder: CaseRecorder) -> None:
        """Keep the collaborators; the worker has to have the bell, too."""
        self._client = client
        self._bell = bell
        self._recorder = recorder

    async def one_case(self, terms: Terms, queue: str) -> str:
        """Submit, accept, schedule, inspect, let feedback close by its timer, recommend, grant, publish."""
        case_id = f"eco-{uuid.uuid4().hex[:12]}"
        terms = terms.model_copy(update={"case_id": case_id})
        first = a.SubmitApplication(contact="con-1")
        answer = await self._client.execute_update_with_start_workflow(
            first.slug,
            enrollment.ActRequest.of(first, APPLICANT),
            start_workflow_operation=opening(terms, task_queue=queue),
            id=uuid.uuid4().hex,
            result_type=enrollment.ActAnswer,
        )
        version = await self._record(answer)
        version = await self._act(case_id, a.AcceptApplication(), OFFICER, version)
        now = datetime.now(UTC)
        visit = a.ScheduleInspection(
            visit_at=now + timedelta(days=7),
            inspector=INSPECTOR.person,
            declaration=NO_CONFLICT,
        )
        version = await self._act(case_id, visit, OFFICER, version)
        found = tuple(
            a.Finding(criterion=criterion.code, grade=Grade.CONFORMITY, evidence=(FILE,))
            for criterion in terms.rules.criteria
        )
        filed = a.FileInspection(visited_at=now, findings=found)
        version = await self._act(case_id, filed, INSPECTOR, version)
        await self._bell.wait(case_id, _CLOSED)
        version += 1
        advice = a.Recommend(advice=a.Advice.GRANT, reasons="All criteria are met.")
        version = await self._act(case_id, advice, REVIEWER, version)
        decision = a.Decide(outcome=a.Outcome.GRANTED, reasons="As recommended.")
        await self._act(case_id, decision, DECIDER, version)
        await self._bell.wait(case_id, _PUBLISHED)
        return case_id

    async def _act(self, case_id: str, act: a.Act, actor: Actor, version: int) -> int:
        """Do an act on the version that was seen, put it on record, and return the version after it."""
        handle = self._client.get_workflow_handle(case_id)
        request = enrollment.ActRequest.of(act, actor, version)
        while True:
            try:
                answer = await handle.execute_update(
                    act.slug, request, result_type=enrollment.ActAnswer
                )
            except WorkflowUpdateFailedError as error:
                cause = error.cause
                if not isinstance(cause, ApplicationError) or cause.type != enrollment.BUSY:
                    raise
                await asyncio.sleep(_BUSY_SECONDS)
            else:
                return await self._record(answer)

    async def _record(self, answer: enrollment.ActAnswer) -> int:
        await asyncio.to_thread(self._recorder.record, answer.unrecorded)
        return answer.receipt.version
