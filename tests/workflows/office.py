"""An office for tests: the real workflow, server, activities and database, and who works there."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowContinuedAsNewError,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.worker import Interceptor, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.casebook import CasebookActivities
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import enrollment
from casework.domain import acts as a
from casework.domain.actors import Actor, ActorKind
from casework.domain.case import Case, Terms
from casework.domain.events import Recorded
from casework.domain.rules import Period, PeriodName, ProgramRules, Unit
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import current_calendar
from casework.store.cases import casebook
from casework.store.cases.calendars import find_calendar, keep_calendar
from casework.store.database import Database
from casework.store.people import StaffMember, put_people
from casework.store.tables import Contact, Establishment
from tests.sample_case import CALENDAR, ESTABLISHMENT, INSPECTOR, OFFICER, RULES, TERMS, act_of
from workflows.enrollment_case import EnrollmentCase


def sample_rules(feedback_seconds: int = 1, rules: ProgramRules = RULES) -> ProgramRules:
    """Return rules whose feedback period passes by itself while a test looks on."""
    feedback = Period(length=feedback_seconds, unit=Unit.SECONDS)
    return rules.model_copy(update={"periods": {**rules.periods, PeriodName.FEEDBACK: feedback}})


def seed_establishment(database: Database) -> None:
    """Put the sample establishment and its contact into SQL."""
    now = datetime.now(UTC)
    with database.writing() as session:
        session.add(
            Establishment(
                id=ESTABLISHMENT,
                registration_no="3-101-1/21",
                name_th="โรงงานตัวอย่าง",
                name_en="Sample Works",
                address="1 Moo 1",
                province="21",
                search_text="โรงงานตัวอย่าง sample works",
                created_at=now,
                updated_at=now,
            )
        )
        session.flush()
        session.add(
            Contact(
                id="con-1",
                establishment_id=ESTABLISHMENT,
                name="Somchai",
                email="somchai@sample.example",
                language="th",
                created_at=now,
            )
        )


def seed_staff(database: Database) -> None:
    """Put the officers and the inspector of the sample case, who work in province 21, into the directory."""
    parts = {
        OFFICER.person: ActorKind.OFFICER,
        "officer-22": ActorKind.OFFICER,
        INSPECTOR.person: ActorKind.INSPECTOR,
    }
    with database.writing() as session:
        put_people(
            session,
            [
                StaffMember(
                    person=person,
                    name=person,
                    email=f"{person}@office.example",
                    kinds=(kind,),
                    provinces=frozenset({"21"}),
                )
                for person, kind in parts.items()
            ],
        )


def sample_catalog() -> ProgramCatalog:
    """Return a catalog that has the words for the sample rules: those of the network's first version."""
    shipped = ProgramCatalog.load()
    words = shipped.get(RULES.program, "1").model_copy(update={"version": RULES.version})
    return ProgramCatalog([words, *(v for p in shipped.programs() for v in shipped.versions(p))])


class ActRefused(Exception):
    """The workflow refused an act; ``code`` says why."""

    def __init__(self, error: ApplicationError) -> None:
        super().__init__(f"{error.type}: {error.message}")
        self.code = error.type
        self.details = error.details


@dataclass
class Office:
    """One case and everybody who works on it."""

    client: Client
    server: TemporalDevServer
    database: Database
    queue: str
    terms: Terms
    recorder: CaseRecorder
    runs: list[str] = field(default_factory=list)

    @property
    def handle(self) -> WorkflowHandle:
        """The current run of the case."""
        return self.client.get_workflow_handle(self.terms.case_id)

    async def open(self, act: a.Act, actor: Actor, key: str | None = None) -> enrollment.ActReceipt:
        """Start the case with its first act."""
        start = WithStartWorkflowOperation(
            enrollment.WORKFLOW,
            enrollment.EnrollmentInput(case=Case(terms=self.terms)),
            id=self.terms.case_id,
            task_queue=self.queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        answer = await self.client.execute_update_with_start_workflow(
            act.slug,
            enrollment.ActRequest.of(act, actor),
            start_workflow_operation=start,
            id=key or uuid.uuid4().hex[:16],
            result_type=enrollment.ActAnswer,
        )
        self.runs.append((await self.handle.describe()).run_id)
        return self._record(answer)

    def _record(self, answer: enrollment.ActAnswer) -> enrollment.ActReceipt:
        self.recorder.record(answer.unrecorded)
        return answer.receipt

    async def act(
        self,
        act: a.Act | type[a.Act],
        actor: Actor,
        key: str | None = None,
        expected_version: int | Literal["as seen"] | None = "as seen",
        name: str | None = None,
    ) -> enrollment.ActReceipt:
        """Do an act (or a well-formed one of the kind given) as the API does, and return its receipt."""
        if expected_version == "as seen":
            expected_version = self.case().version
        if isinstance(act, type):
            act = act_of(act, self.case(), self.now())
        request = enrollment.ActRequest.of(act, actor, expected_version)
        key = key or uuid.uuid4().hex[:16]
        while True:
            try:
                answer = await self.handle.execute_update(
                    name or act.slug, request, id=key, result_type=enrollment.ActAnswer
                )
            except WorkflowUpdateFailedError as error:
                refused = ActRefused(cast(ApplicationError, error.cause))
                if refused.code != enrollment.BUSY:
                    raise refused from error
            else:
                return self._record(answer)

    def case(self) -> Case:
        """Return the case as SQL has it."""
        with self.database.reading() as session:
            row = casebook.find_case(session, self.terms.case_id)
            assert row is not None
            calendar = find_calendar(session, row.calendar_revision)
            assert calendar is not None
            return casebook.restore(row, self.terms.rules, calendar)

    def now(self) -> datetime:
        """Return the present as the case knows it, whose clock may have been moved ahead."""
        return max(datetime.now(UTC), self.case().changed_at or datetime.now(UTC))

    def journal(self) -> list[Recorded]:
        """Return the journal, after checking its chain against the read model."""
        with self.database.reading() as session:
            rows = casebook.read_journal(session, self.terms.case_id)
        assert casebook.verify_chain(rows, self.case().version) is None
        return [casebook.read_line(row) for row in rows]

    async def until(self, come: Callable[[Case], bool]) -> Case:
        """Wait until SQL shows it: looked at again with every new event of the history, as long as it takes."""
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            while True:
                if come(self.case()):
                    return self.case()
                async for _ in self.handle.fetch_history_events(wait_new_event=True):
                    if come(self.case()):
                        return self.case()

    async def advance(self, by: timedelta) -> None:
        """Let time pass for this case alone."""
        await self.server.advance(self.handle, by)

    async def end_of_run(self, run: int = 0) -> None:
        """Wait until the nth run has ended, by continuing as a new one or for good."""
        handle = self.client.get_workflow_handle(self.terms.case_id, run_id=self.runs[run])
        with suppress(WorkflowContinuedAsNewError):
            await handle.result(follow_runs=False)

    async def history(self, run: int = 0) -> WorkflowHistory:
        """Return the history of the nth run."""
        handle = self.client.get_workflow_handle(self.terms.case_id, run_id=self.runs[run])
        return await handle.fetch_history()

    async def event_types(self, run: int = 0) -> list[str]:
        """Return the types of the events of the nth run."""
        prefix = len("EVENT_TYPE_")
        return [EventType.Name(e.event_type)[prefix:] for e in (await self.history(run)).events]


async def pydantic_client(server: TemporalDevServer) -> Client:
    """Connect with the converter that the product uses."""
    return await server.connect(data_converter=pydantic_data_converter)


@asynccontextmanager
async def office_at_work(
    server: TemporalDevServer,
    folder: Path,
    *,
    rules: ProgramRules = RULES,
    case_id: str | None = None,
    interceptors: tuple[Interceptor, ...] = (),
    workflow_runner: WorkflowRunner | None = None,
) -> AsyncIterator[Office]:
    """Have a database, a worker in this process and a case that may start."""
    client = await pydantic_client(server)
    database = Database(f"sqlite:///{folder / 'casework.db'}")
    database.migrate()
    seed_establishment(database)
    queue = f"test-{uuid.uuid4().hex[:12]}"
    case_id = case_id or f"eco-{uuid.uuid4().hex[:12]}"
    terms = TERMS.model_copy(update={"case_id": case_id, "rules": rules, "calendar": CALENDAR})
    reader = CaseReader(database, lambda program, version: rules)
    recorder = CaseRecorder(database, reader)
    for calendar in (CALENDAR, current_calendar()):
        with database.writing() as session:
            keep_calendar(session, calendar)
    async with case_worker(client, queue, database, recorder, interceptors, workflow_runner):
        yield Office(client, server, database, queue, terms, recorder)
    database.close()


@asynccontextmanager
async def case_worker(
    client: Client,
    queue: str,
    database: Database,
    recorder: CaseRecorder,
    interceptors: tuple[Interceptor, ...] = (),
    workflow_runner: WorkflowRunner | None = None,
) -> AsyncIterator[None]:
    """Have a worker for cases in this process, with the real activities, and in the sandbox unless told otherwise."""
    book = CasebookActivities(database, recorder, sample_catalog())
    with ThreadPoolExecutor(8) as threads:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[EnrollmentCase],
            activities=[
                book.record,
                book.close_feedback,
                book.publish,
            ],
            activity_executor=threads,
            max_concurrent_activities=8,
            interceptors=interceptors,
            workflow_runner=workflow_runner or SandboxedWorkflowRunner(),
        ):
            yield
