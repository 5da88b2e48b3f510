"""Housekeeping finds what was missed and keeps what Temporal would forget."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from activities.housekeeping import GRACE, HousekeepingActivities
from casework.contracts import drive
from casework.contracts.housekeeping import HousekeepingReport
from casework.domain import acts as a
from casework.domain.calendar import WorkCalendar
from casework.domain.drives import DriveState
from casework.domain.stages import Stage
from casework.processes.servers import TemporalDevServer
from casework.store.cases import sweeping
from casework.store.evidence import EvidenceStore
from casework.store.tables import CaseRow
from tests.drive_lists import site
from tests.sample_case import APPLICANT, CALENDAR, NOW, OFFICER
from tests.workflows.office import Office
from tests.workflows.seminar import SeminarRoom, seminar_room
from workflows.housekeeping import Housekeeping


class Rounds:
    """Housekeeping with a clock and a calendar that the test sets."""

    def __init__(self, place: Office | SeminarRoom, folder: Path) -> None:
        self.client = place.client
        self.files = EvidenceStore(folder / "files")
        self.calendar = CALENDAR
        self.now = datetime.now(UTC)
        self.activities = HousekeepingActivities(
            place.database,
            place.client,
            self.files,
            lambda: self.calendar,
            lambda: self.now,
            drives_queue=f"{place.queue}-drives",
        )
        self.queue = f"{place.queue}-rounds"

    async def make(self) -> HousekeepingReport:
        """Make one round."""
        handle: WorkflowHandle = await self.client.start_workflow(
            Housekeeping.run, id=f"{self.queue}-{self.now}", task_queue=self.queue
        )
        return HousekeepingReport.model_validate(await handle.result())


@asynccontextmanager
async def rounds_at(place: Office | SeminarRoom, folder: Path) -> AsyncIterator[Rounds]:
    """Have a worker that keeps house."""
    rounds = Rounds(place, folder)
    async with Worker(
        rounds.client,
        task_queue=rounds.queue,
        workflows=[Housekeeping],
        activities=[rounds.activities.sweep, rounds.activities.export_histories],
    ):
        yield rounds


@pytest.fixture
async def rounds(office: Office, tmp_path: Path) -> AsyncIterator[Rounds]:
    """Keep house for the office."""
    async with rounds_at(office, tmp_path) as rounds:
        yield rounds


@pytest.fixture
async def room(temporal_server: TemporalDevServer, tmp_path: Path) -> AsyncIterator[SeminarRoom]:
    """Have a room for drives."""
    async with seminar_room(temporal_server, tmp_path) as room:
        yield room


async def test_a_case_whose_deadline_passed_unseen_is_poked(office: Office, rounds: Rounds) -> None:
    """SQL says that it is late, so it is asked to look at its clock; a case in time is left alone."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    assert (await rounds.make()).sweep.poked == 0
    with office.database.reading() as session:
        deadline = session.get_one(CaseRow, office.terms.case_id).next_deadline_at
    assert deadline is not None
    rounds.now = deadline + GRACE + timedelta(seconds=1)
    assert (await rounds.make()).sweep.poked == 1
    assert "WORKFLOW_EXECUTION_SIGNALED" in await office.event_types()


async def test_cases_learn_of_new_holidays(office: Office, rounds: Rounds) -> None:
    """Once; then they count by the new calendar."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    rounds.calendar = WorkCalendar.of(CALENDAR.holidays[1:], CALENDAR.through)
    assert (await rounds.make()).sweep.calendars == 1
    await office.until(lambda case: case.version == 2)
    rounds.now += timedelta(seconds=1)
    assert (await rounds.make()).sweep.calendars == 0


async def test_the_history_of_an_ended_run_becomes_a_file(office: Office, rounds: Rounds) -> None:
    """Whole, under its hash, and once."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await office.act(a.RejectApplication(reasons="Twice the same."), OFFICER)
    await office.handle.result()
    assert office.case().stage is Stage.REJECTED
    assert (await rounds.make()).export.exported == 1
    with office.database.reading() as session:
        (run,) = sweeping.runs_of_case(session, office.terms.case_id)
    assert run.file is not None
    with rounds.files.open(run.file) as file:
        events = json.load(file)["events"]
    assert events[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
    rounds.now += timedelta(seconds=1)
    assert (await rounds.make()).export.exported == 0


async def test_a_history_that_temporal_has_no_more_is_noted(office: Office, rounds: Rounds) -> None:
    """Rather than tried for ever."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    unknown = "00000000-0000-4000-8000-000000000000"
    with office.database.writing() as session:
        sweeping.note_end_of_run(session, office.terms.case_id, unknown, rounds.now)
    assert (await rounds.make()).export.gone == 1


async def test_a_drive_whose_start_was_lost_is_started(room: SeminarRoom, tmp_path: Path) -> None:
    """SQL says that it runs, Temporal was away and never heard of it; nobody asks again."""
    start = room.prepare(site(n) for n in range(3))
    async with rounds_at(room, tmp_path) as rounds, room.drive_worker():
        rounds.now = NOW + GRACE
        assert (await rounds.make()).sweep.drives == 0
        rounds.now += timedelta(seconds=1)
        assert (await rounds.make()).sweep.drives == 1
        await room.until_state(start.drive, DriveState.FINISHED)
        rounds.now += timedelta(seconds=1)
        assert (await rounds.make()).sweep.drives == 0
    room.check_one_case_each(start.drive, 3)


async def test_a_drive_with_a_workflow_is_left_alone(room: SeminarRoom, tmp_path: Path) -> None:
    """However long it takes: it has not been lost."""
    handle = await room.run(room.prepare([site(1)]))
    async with rounds_at(room, tmp_path) as rounds:
        rounds.now = NOW + timedelta(days=1)
        before = (await handle.describe()).history_length
        assert (await rounds.make()).sweep.drives == 0
        assert (await handle.describe()).history_length == before


async def test_a_paused_drive_that_was_lost_comes_back_paused(
    room: SeminarRoom, tmp_path: Path
) -> None:
    """And goes on when its officers say so, not before."""
    start = room.prepare((site(n) for n in range(20)), pace=600)
    async with rounds_at(room, tmp_path) as rounds, room.drive_worker():
        handle = await room.run(start)
        await room.until_opened(start.drive, 1)
        pause = drive.PauseDrive(person="officer-21", reason="Lunch.")
        await handle.execute_update(drive.PAUSE, pause)
        await room.until_state(start.drive, DriveState.PAUSED)
        await handle.terminate()
        rounds.now = NOW + timedelta(days=1)
        assert (await rounds.make()).sweep.drives == 1
        again = room.client.get_workflow_handle(handle.id)
        view = await again.query(drive.PROGRESS, result_type=drive.DriveView)
        assert (view.state, view.reason) == (DriveState.PAUSED, "Lunch.")
        await again.execute_update(drive.RESUME, drive.ResumeDrive(person="officer-21"))
        await again.result()
    assert room.drive(start.drive).state is DriveState.FINISHED
    room.check_one_case_each(start.drive, 20)
