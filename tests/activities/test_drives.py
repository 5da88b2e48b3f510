"""What becomes of a row when Temporal answers with something else than a receipt, or not at all."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from activities.drive_page import TRIES_OF_ALL, TRIES_OF_ONE
from activities.drives import DrivesActivities
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts.casebook import Unrecorded
from casework.contracts.drive import NOTE_STATE, OPEN_PAGE, DriveProgress, OpenPageRequest
from casework.contracts.enrollment import ActAnswer, ActReceipt, ActRequest
from casework.domain.actors import SYSTEM, ActorKind
from casework.domain.acts import InviteEstablishment, SubmitApplication
from casework.domain.case import Case
from casework.domain.case import record as happen
from casework.domain.decide import decide
from casework.domain.drives import RowOutcome, Why
from casework.domain.refusals import RefusalCode
from casework.domain.stages import Stage
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.store.cases.casebook import find_case
from casework.store.database import Database
from casework.store.drives.rows import list_rows
from casework.store.drives.tables import DriveRow
from tests.drive_lists import drive_with, site, started
from tests.sample_case import APPLICANT, CALENDAR, NOW
from tests.store.story import Story, record

Answer = Exception | Callable[[str], Awaitable[None] | None] | None


@dataclass
class FakeEngine:
    """Temporal as a drive meets it: each case is opened, or answers as the test says."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0

    async def execute_update_with_start_workflow(
        self,
        update: str,
        request: ActRequest,
        *,
        start_workflow_operation: WithStartWorkflowOperation[Any, Any],
        id: str,  # noqa: A002 - the name is the SDK's
        **_: object,
    ) -> ActAnswer:
        self.asked.append(id)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        answer = self.answers.get(id.rpartition("/")[2])
        started = start_workflow_operation._start_workflow_input
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            done = answer(started.id)
            if inspect.isawaitable(done):
                await done
        return opened(started.args[0].case, request)


def opened(case: Case, request: ActRequest) -> ActAnswer:
    """Decide an invitation as the workflow does, and answer with the line that it brought about."""
    act = InviteEstablishment.model_validate(request.body)
    case, lines = happen(case, decide(case, act, SYSTEM, NOW), SYSTEM, ActorKind.SYSTEM, NOW)
    receipt = ActReceipt(version=case.version, stage=case.stage, at=NOW, digest=request.digest)
    return ActAnswer(receipt=receipt, unrecorded=Unrecorded.of(case, lines))


@dataclass
class Room:
    database: Database
    engine: FakeEngine
    drive_id: str = ""

    def prepare(self, sites: int) -> None:
        self.drive_id = drive_with(self.database, [site(n) for n in range(sites)])
        started(self.database, self.drive_id)

    async def open_page(
        self, attempt: int = 1, window: int = 16, pace: int | None = None
    ) -> DriveProgress:
        catalog = ProgramCatalog.load()
        reader = CaseReader.of(self.database, catalog)
        activities = DrivesActivities(
            self.database,
            cast(Client, self.engine),
            CaseRecorder(self.database, reader),
            reader,
            catalog,
            lambda: CALENDAR,
            lambda: NOW,
            answer_within=timedelta(seconds=LONGEST_WAIT_SECONDS),
        )
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        request = OpenPageRequest(drive=self.drive_id, rows=100, pace=pace, window=window)
        return await environment.run(activities.open_page, request)

    def rows(self) -> list[DriveRow]:
        with self.database.reading() as session:
            return list_rows(session, self.drive_id)

    def record_case(self, case_id: str, *, by_drive: str | None) -> None:
        story = Story(case_id)
        if by_drive is None:
            request = story.act(SubmitApplication(contact="con-1"), APPLICANT)
        else:
            request = story.act(InviteEstablishment(drive=by_drive), SYSTEM)
        with self.database.writing() as session:
            record(session, request)


@pytest.fixture
def room(sqlite_database: Database) -> Room:
    return Room(sqlite_database, FakeEngine())


def case_of(row: DriveRow) -> str:
    assert row.case_id is not None
    return row.case_id


def refused(code: str) -> WorkflowUpdateFailedError:
    return WorkflowUpdateFailedError(ApplicationError("No.", type=code))


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError("No.", status, b"")


def test_the_activities_have_the_names_of_their_contract() -> None:
    for method, name in (
        (DrivesActivities.open_page, OPEN_PAGE),
        (DrivesActivities.note_state, NOTE_STATE),
    ):
        assert method.__dict__["__temporal_activity_definition"].name == name


async def test_a_page_opens_its_cases_within_the_window(room: Room) -> None:
    """Each is asked once, under a key of drive and line."""
    room.prepare(40)
    assert await room.open_page(window=7) == DriveProgress(opened=40)
    assert sorted(room.engine.asked) == sorted(f"{room.drive_id}/{n}" for n in range(2, 42))
    assert 1 < room.engine.most_at_once <= 7
    assert await room.open_page() == DriveProgress(opened=40)
    assert len(room.engine.asked) == 40
    with room.database.reading() as session:
        on_record = {case_id: find_case(session, case_id) for case_id in map(case_of, room.rows())}
    assert len(on_record) == 40
    assert {row.stage for row in on_record.values() if row is not None} == {Stage.INVITED}
    assert None not in on_record.values()


@pytest.mark.parametrize(
    ("answer", "about"),
    [
        (refused(RefusalCode.ENGINE_FAULT), "engine-fault"),
        (WorkflowUpdateFailedError(ValueError()), "engine-fault"),
        (rpc(RPCStatusCode.INVALID_ARGUMENT), "invalid_argument"),
    ],
)
async def test_a_refusal_fails_its_row_and_no_other(
    room: Room, answer: Exception, about: str
) -> None:
    room.prepare(3)
    room.engine.answers["3"] = answer
    assert await room.open_page() == DriveProgress(opened=2, failed=1)
    failed = room.rows()[1]
    assert (failed.outcome, failed.outcome_why, failed.outcome_about) == (
        RowOutcome.FAILED,
        Why.REFUSED,
        about,
    )


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        refused(RefusalCode.NOT_AT_THIS_STAGE),
        WorkflowAlreadyStartedError("eco-1", "EnrollmentCase"),
    ],
)
async def test_a_case_that_has_gone_on_is_looked_up(
    room: Room, answer: Exception, ours: bool
) -> None:
    """This drive opened it in an attempt whose answer was lost, or somebody applied meanwhile."""
    room.prepare(1)

    def gone_on(case_id: str) -> None:
        room.record_case(case_id, by_drive=room.drive_id if ours else None)
        raise answer

    room.engine.answers["2"] = gone_on
    outcome = "opened" if ours else "joined"
    assert await room.open_page() == DriveProgress.model_validate({outcome: 1})


async def test_cases_without_an_answer_are_asked_again_under_their_keys(room: Room) -> None:
    """What did answer is noted first; the attempt fails, so that another one follows."""
    room.prepare(5)
    silent: dict[str, Answer] = {
        "2": rpc(RPCStatusCode.UNAVAILABLE),
        "4": rpc(RPCStatusCode.RESOURCE_EXHAUSTED),
        "6": TimeoutError(),
    }
    room.engine.answers = silent
    with pytest.raises(ApplicationError, match="3 cases") as failure:
        await room.open_page()
    assert not failure.value.non_retryable
    assert [row.outcome for row in room.rows()].count(RowOutcome.OPENED) == 2
    room.engine.answers = {}
    assert await room.open_page(attempt=2) == DriveProgress(opened=5)
    assert len(room.engine.asked) == len(set(room.engine.asked)) + 3


async def test_what_came_of_a_row_shows_while_the_next_is_under_way(room: Room) -> None:
    """However slow the drive is and however short its page: people watch it."""
    room.prepare(3)

    async def until_the_first_shows(_: str) -> None:
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            # Rows are written in threads; there is no event to wait for.
            while room.rows()[0].outcome is not RowOutcome.OPENED:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    room.engine.answers["3"] = until_the_first_shows
    assert await room.open_page() == DriveProgress(opened=3)


async def test_a_page_that_cannot_note_outcomes_begins_no_more_cases(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than open hundreds that nobody sees; the next attempt asks them under their keys."""
    room.prepare(40)

    def go_away(*_: object) -> None:
        raise ConnectionError("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(DrivesActivities, "mark", go_away)
        with pytest.raises(ConnectionError):
            await room.open_page(pace=600)
    assert 0 < len(room.engine.asked) < 40
    assert await room.open_page(attempt=2) == DriveProgress(opened=40)
    assert len(set(room.engine.asked)) == 40


async def test_a_page_does_not_run_on_when_nobody_answers(room: Room) -> None:
    """An outage is not learned a thousand times."""
    room.prepare(60)
    room.engine.answers = {str(n): rpc(RPCStatusCode.UNAVAILABLE) for n in range(2, 62)}
    with pytest.raises(ApplicationError):
        await room.open_page(window=4)
    assert len(room.engine.asked) < 20


async def test_one_case_that_never_answers_does_not_hold_up_the_others(room: Room) -> None:
    """After five attempts it has failed, and can be run again."""
    room.prepare(3)
    room.engine.answers["2"] = TimeoutError()
    assert await room.open_page(attempt=TRIES_OF_ONE) == DriveProgress(opened=2, failed=1)
    assert room.rows()[0].outcome_why is Why.NO_ANSWER


async def test_an_outage_is_waited_out_for_longer(room: Room) -> None:
    room.prepare(1)
    room.engine.answers["2"] = TimeoutError()
    with pytest.raises(ApplicationError):
        await room.open_page(attempt=TRIES_OF_ALL - 1)
    assert await room.open_page(attempt=TRIES_OF_ALL) == DriveProgress(failed=1)


async def test_a_page_of_no_drive_is_not_tried_again(room: Room) -> None:
    room.drive_id = "drv-nothing"
    with pytest.raises(ApplicationError) as failure:
        await room.open_page()
    assert failure.value.non_retryable
