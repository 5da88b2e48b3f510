"""Housekeeping finds what was missed and keeps what Temporal would forget."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from activities.housekeeping import GRACE, HousekeepingActivities
from casework.contracts.housekeeping import HousekeepingReport
from casework.domain import acts as a
from casework.domain.calendar import WorkCalendar
from casework.domain.stages import Stage
from casework.store import sweeping
from casework.store.evidence import EvidenceStore
from casework.store.tables import CaseRow
from tests.sample_case import APPLICANT, CALENDAR, OFFICER
from tests.workflows.office import Office
from workflows.housekeeping import Housekeeping


class Rounds:
    """Housekeeping with a clock and a calendar that the test sets."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        self.files = EvidenceStore(folder / "files")
        self.calendar = CALENDAR
        self.now = datetime.now(UTC)
        self.activities = HousekeepingActivities(
            office.database, office.client, self.files, lambda: self.calendar, lambda: self.now
        )
        self.queue = f"{office.queue}-rounds"

    async def make(self) -> HousekeepingReport:
        """Make one round."""
        handle: WorkflowHandle = await self.office.client.start_workflow(
            Housekeeping.run, id=f"{self.queue}-{self.now}", task_queue=self.queue
        )
        return HousekeepingReport.model_validate(await handle.result())


@pytest.fixture
async def rounds(office: Office, tmp_path: Path) -> AsyncIterator[Rounds]:
    """Have a worker that keeps house for the office."""
    rounds = Rounds(office, tmp_path)
    async with Worker(
        office.client,
        task_queue=rounds.queue,
        workflows=[Housekeeping],
        activities=[rounds.activities.sweep, rounds.activities.export_histories],
    ):
        yield rounds


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
