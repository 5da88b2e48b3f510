"""A drive on the real server: each case once, whatever is paused, stopped, repeated or killed.

``make histories`` (CASEWORK_RECORD_HISTORIES=1) writes the histories of ``seminar.DRIVES`` anew.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from casework.contracts import drive as contract
from casework.domain.drives import DriveState, RowOutcome, Why
from casework.domain.stages import Stage
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.store.drives import states as drive_states
from casework.store.tables import CaseRow
from tests.drive_lists import site
from tests.workflows.seminar import SeminarRoom, seminar_room


@pytest.fixture
async def room(temporal_server: TemporalDevServer, tmp_path: Path) -> AsyncIterator[SeminarRoom]:
    """Have a room with a worker of the cases."""
    async with seminar_room(temporal_server, tmp_path) as room:
        yield room


async def test_a_drive_opens_a_case_for_every_row_and_ends(room: SeminarRoom) -> None:
    """At the stage invited, with the invitation in the outbox."""
    start = room.prepare(site(n) for n in range(30))
    async with room.drive_worker():
        handle = await room.run(start)
        end = contract.DriveView.model_validate(await handle.result())
    await room.keep_history("drive_finished", start.drive, (await handle.describe()).run_id)
    assert end.state is DriveState.FINISHED
    assert end.progress == contract.DriveProgress(opened=30)
    room.check_one_case_each(start.drive, 30)
    drive = room.drive(start.drive)
    assert (drive.state, drive.ended_at) == (DriveState.FINISHED, room.now())
    with room.database.reading() as session:
        row = session.get(CaseRow, room.rows(start.drive)[0].case_id)
    assert row is not None
    assert (row.stage, row.province) == (Stage.INVITED, "21")


async def test_a_drive_started_twice_opens_each_case_once(room: SeminarRoom) -> None:
    """At the same time, again while it runs, and once more after its end."""
    start = room.prepare(site(n) for n in range(40))
    first, second = await asyncio.gather(room.run(start), room.run(start))
    async with room.drive_worker():
        third = await room.run(start)
        await asyncio.gather(first.result(), second.result(), third.result())
        again = await room.finish(start)
    assert again.progress == contract.DriveProgress(opened=40)
    room.check_one_case_each(start.drive, 40)


async def test_a_paused_drive_rests_until_it_is_resumed(room: SeminarRoom) -> None:
    """The page under way ends early; what was not begun stays pending."""
    start = room.prepare((site(n) for n in range(60)), pace=600)
    async with room.drive_worker():
        handle = await room.run(start)
        await room.until_opened(start.drive, 1)
        pause = contract.PauseDrive(person="officer-21", reason="The mail server is slow.")
        seen = await handle.execute_update(contract.PAUSE, pause, result_type=contract.DriveView)
        assert seen.state is DriveState.PAUSED
        await room.until_state(start.drive, DriveState.PAUSED)
        drive = room.drive(start.drive)
        assert (drive.state_by, drive.state_reason) == (pause.person, pause.reason)
        so_far = room.progress(start.drive)
        assert 0 < so_far.opened < 60
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(contract.PAUSE, pause)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == contract.NOT_RUNNING
        assert room.progress(start.drive) == so_far
        await handle.execute_update(contract.RESUME, contract.ResumeDrive(person="officer-22"))
        await room.until_state(start.drive, DriveState.RUNNING)
        assert room.drive(start.drive).state_by == "officer-22"
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(contract.RESUME, contract.ResumeDrive(person="officer-22"))
        await handle.result()
    run = (await handle.describe()).run_id
    await room.keep_history("drive_paused_and_resumed", start.drive, run)
    room.check_one_case_each(start.drive, 60)


async def test_a_stopped_drive_skips_the_rest_and_says_why(room: SeminarRoom) -> None:
    """And can be run again for what it skipped."""
    start = room.prepare((site(n) for n in range(60)), pace=600)
    async with room.drive_worker():
        handle = await room.run(start)
        await room.until_opened(start.drive, 1)
        stop = contract.StopDrive(person="officer-21", reason="The wrong list.")
        await handle.execute_update(contract.STOP, stop, result_type=contract.DriveView)
        end = contract.DriveView.model_validate(await handle.result())
        run = (await handle.describe()).run_id
        await room.keep_history("drive_stopped", start.drive, run)
        assert (end.state, end.reason) == (DriveState.STOPPED, stop.reason)
        assert end.progress.opened + end.progress.skipped == 60
        assert end.progress.skipped > 0
        skipped = [r for r in room.rows(start.drive) if r.outcome is RowOutcome.SKIPPED]
        assert {row.outcome_why for row in skipped} == {Why.DRIVE_STOPPED}
        assert room.drive(start.drive).state is DriveState.STOPPED
        with room.database.writing() as session:
            drive_states.rerun(session, start.drive, "officer-21", room.now(), also_stopped=True)
            again = drive_states.start(session, start.drive, "officer-21", room.now())
        end = await room.finish(again.model_copy(update={"pace": None}))
    assert end.progress == contract.DriveProgress(opened=60)
    room.check_one_case_each(start.drive, 60)


async def test_a_drive_whose_worker_is_killed_opens_each_case_once(room: SeminarRoom) -> None:
    """Twice in the middle of a page; the next worker goes on where SQL says."""
    start = room.prepare(site(n) for n in range(80))
    handle = await room.run(start)
    for opened in (1, 30):
        client = await room.another_client()
        worker = asyncio.create_task(room.drive_worker(client=client).run())
        await room.until_opened(start.drive, opened)
        worker.cancel()
        await asyncio.wait([worker])
    async with room.drive_worker():
        await handle.result()
    room.check_one_case_each(start.drive, 80)


async def test_a_page_that_died_after_opening_finds_its_cases_again(room: SeminarRoom) -> None:
    """The outcome was never written: a crash between the case and its row."""

    def forget(*_: object) -> None:
        raise ConnectionError("the database went away")

    start = room.prepare(site(n) for n in range(20))
    broken = room.drives()
    setattr(broken, "mark", forget)  # noqa: B010 - a fault, not an attribute
    handle = await room.run(start)
    async with room.drive_worker(broken, await room.another_client()):
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            # Temporal tells of attempts only when it is asked.
            while not await is_tried_again(handle):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert room.progress(start.drive).pending == 20
    async with room.drive_worker():
        await handle.result()
    room.check_one_case_each(start.drive, 20)


async def is_tried_again(handle: WorkflowHandle[Any, Any]) -> bool:
    description = await handle.describe()
    pending = description.raw_description.pending_activities
    return any(activity.attempt > 1 for activity in pending)


async def test_an_open_case_is_joined_and_a_stranger_kept_out(room: SeminarRoom) -> None:
    """A second drive over the same sites invites nobody again."""
    first = room.prepare(site(n) for n in range(5))
    second_sites = [*(site(n) for n in range(5)), site(9, email=None), site(10)]
    async with room.drive_worker():
        await room.finish(first)
        second = room.prepare(second_sites, key="k2")
        end = await room.finish(second)
    assert end.progress == contract.DriveProgress(joined=5, opened=1, skipped=1)
    joined = [r for r in room.rows(second.drive) if r.outcome is RowOutcome.JOINED]
    assert [r.case_id for r in joined] == [r.case_id for r in room.rows(first.drive)]
    (skipped,) = [r for r in room.rows(second.drive) if r.outcome is RowOutcome.SKIPPED]
    assert skipped.outcome_why is Why.NO_CONTACT


async def test_two_drives_at_once_over_the_same_sites_open_each_case_once(
    room: SeminarRoom,
) -> None:
    """Whoever comes second joins, or waits for a rerun where the first is just about to open."""
    drives = [room.prepare([site(n) for n in range(40)], key=key) for key in ("a", "b")]
    async with room.drive_worker():
        await asyncio.gather(*(room.finish(start) for start in drives))
        for start in drives:
            with room.database.writing() as session:
                if drive_states.rerun(session, start.drive, "officer-21", room.now()):
                    drive_states.start(session, start.drive, "officer-21", room.now())
            end = await room.finish(start)
            assert end.progress.opened + end.progress.joined == 40
    rows = [row for start in drives for row in room.rows(start.drive)]
    assert len({row.case_id for row in rows}) == 40
    opened = [row.case_id for row in rows if row.outcome is RowOutcome.OPENED]
    assert len(opened) == len(set(opened)) == 40


async def test_a_long_drive_continues_as_new(room: SeminarRoom) -> None:
    """Its history stays short, and its progress is carried on."""
    start = room.prepare(site(n) for n in range(20))
    start = start.model_copy(update={"page_rows": 3, "pages_per_run": 2})
    async with room.drive_worker():
        handle = await room.run(start)
        first_run = (await handle.describe()).run_id
        end = contract.DriveView.model_validate(await handle.result())
        last = room.client.get_workflow_handle(handle.id)
        assert (await last.describe()).run_id != first_run
    await room.keep_history("drive_continued_as_new", start.drive, first_run)
    assert end.progress == contract.DriveProgress(opened=20)
    room.check_one_case_each(start.drive, 20)


async def test_a_drive_of_a_program_that_is_not_open_pauses_by_itself(room: SeminarRoom) -> None:
    """It says why and waits for the officers; it does not fail."""
    room.now = lambda: datetime(1999, 1, 1, tzinfo=UTC)
    start = room.prepare([site(1)])
    async with room.drive_worker():
        handle = await room.run(start)
        await room.until_state(start.drive, DriveState.PAUSED)
        drive = room.drive(start.drive)
        assert drive.state_by == "system"
        assert "valid on 1999-01-01" in (drive.state_reason or "")
        view = await handle.query(contract.PROGRESS, result_type=contract.DriveView)
        assert view.state is DriveState.PAUSED
        stop = contract.StopDrive(person="officer-21", reason="The program has ended.")
        await handle.execute_update(contract.STOP, stop)
        await handle.result()
    assert room.drive(start.drive).state is DriveState.STOPPED


async def test_a_set_pace_is_kept(room: SeminarRoom) -> None:
    """600 cases a minute are one every tenth of a second, from page to page."""
    start = room.prepare((site(n) for n in range(10)), pace=600)
    begun = asyncio.get_running_loop().time()
    async with room.drive_worker():
        await room.finish(start)
    assert asyncio.get_running_loop().time() - begun >= 1.0
