"""The reference case, walked with as little beside it as a client can have."""

import asyncio
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from casework.contracts import enrollment
from casework.contracts.casebook import RecordRequest
from casework.domain import acts as a
from casework.domain.actors import Actor
from casework.domain.case import Terms
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from casework.processes.engine import opening
from tests.sample_case import APPLICANT, DECIDER, FILE, INSPECTOR, NO_CONFLICT, OFFICER, REVIEWER


class Bell(Interceptor):
    """Rings in the worker's own process when a case is on record at a stage, so that nobody has to ask for it."""

    def __init__(self) -> None:
        self._rung: defaultdict[tuple[str, str], asyncio.Event] = defaultdict(asyncio.Event)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the name is the SDK's
        return _Listening(next, self)

    def ring(self, request: RecordRequest) -> None:
        """Tell who waits how far the case has come."""
        case = request.case
        self._rung[case.case_id, case.stage].set()
        if case.register_entry is not None:
            self._rung[case.case_id, "published"].set()

    async def wait(self, case_id: str, what: str) -> None:
        """Wait until the case is at a stage, or ``published``; once for each."""
        await self._rung[case_id, what].wait()
        del self._rung[case_id, what]


class _Listening(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, bell: Bell) -> None:  # noqa: A002 - likewise
        super().__init__(next)
        self._bell = bell

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - likewise
        result = await super().execute_activity(input)
        for argument in input.args:
            if isinstance(argument, RecordRequest):
                self._bell.ring(argument)
        return result


class Walk:
    """Walk cases from application to publication. The worker has to have the :attr:`bell`."""

    def __init__(self, client: Client) -> None:
        self.bell = Bell()
        self._client = client

    async def one_case(self, terms: Terms, queue: str) -> str:
        """Submit, accept, schedule, inspect, let feedback close by its timer, recommend, grant, publish."""
        case_id = f"eco-{uuid.uuid4().hex[:12]}"
        terms = terms.model_copy(update={"case_id": case_id})
        first = a.SubmitApplication(contact="con-1")
        await self._client.execute_update_with_start_workflow(
            first.slug,
            enrollment.ActRequest.of(first, APPLICANT),
            start_workflow_operation=opening(terms, task_queue=queue),
            id=uuid.uuid4().hex,
            result_type=enrollment.ActReceipt,
        )
        await self._act(case_id, a.AcceptApplication(), OFFICER)
        now = datetime.now(UTC)
        visit = a.ScheduleInspection(
            visit_at=now + timedelta(days=7),
            inspector=INSPECTOR.person,
            declaration=NO_CONFLICT,
        )
        await self._act(case_id, visit, OFFICER)
        found = tuple(
            a.Finding(criterion=criterion.code, grade=Grade.CONFORMITY, evidence=(FILE,))
            for criterion in terms.rules.criteria
        )
        filed = a.FileInspection(visited_at=now, findings=found)
        await self._act(case_id, filed, INSPECTOR)
        await self.bell.wait(case_id, Stage.REVIEW)
        advice = a.Recommend(advice=a.Advice.GRANT, reasons="All criteria are met.")
        await self._act(case_id, advice, REVIEWER)
        decision = a.Decide(outcome=a.Outcome.GRANTED, reasons="As recommended.")
        await self._act(case_id, decision, DECIDER)
        await self.bell.wait(case_id, "published")
        return case_id

    async def _act(self, case_id: str, act: a.Act, actor: Actor) -> None:
        await self._client.get_workflow_handle(case_id).execute_update(
            act.slug,
            enrollment.ActRequest.of(act, actor),
            result_type=enrollment.ActReceipt,
        )
