"""A worker dies after the record and before its workflow task is through: the case and SQL come together again.

The update is not in the history then. Temporal has it done again, at a later time, and the record must follow.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from activities.casebook import CasebookActivities
from casework.contracts import casebook as contract
from casework.contracts import enrollment
from casework.domain import acts as a
from casework.domain.actors import Actor, ActorKind
from casework.domain.calendar import WorkCalendar
from casework.domain.case import record
from casework.domain.decide import decide
from casework.processes.servers import ManagedProcess, TemporalDevServer
from casework.store.tables import CaseRow
from tests.sample_case import APPLICANT, CALENDAR, OFFICER
from tests.workflows.office import Office, case_worker, office_at_work

ROOT = Path(__file__).parent.parent.parent
DIED = 9


async def test_an_act_whose_worker_died_after_the_commit_is_done_once(
    temporal_server: TemporalDevServer, tmp_path: Path
) -> None:
    """The officer waits for one receipt; journal, read model and case tell the story of the second try."""
    async with office_at_work(temporal_server, tmp_path) as office:
        queue = f"{office.queue}-dying"
        office = Office(office.client, office.server, office.database, queue, office.terms)
        url = office.database.engine.url.render_as_string(hide_password=False)
        dying = ManagedProcess(
            "the dying worker",
            [
                sys.executable,
                "-m",
                "tests.workflows.dying_worker",
                office.server.target,
                queue,
                url,
            ],
            log=tmp_path / "dying-worker.log",
            cwd=ROOT,
        )
        dying.start()
        await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
        accepting = asyncio.create_task(office.act(a.AcceptApplication(), OFFICER, key="accept"))
        assert await asyncio.to_thread(dying.wait) == DIED, dying.log_tail()
        lost = office.journal()[-1]
        assert lost.event.type == "ApplicationAccepted"
        assert not [e for e in await office.event_types() if "MARKER" in e][1:]
        async with case_worker(office.client, queue, office.database):
            receipt = await accepting
            journal = office.journal()
            assert [line.event.type for line in journal] == [
                "ApplicationSubmitted",
                "ApplicationAccepted",
            ]
            assert journal[-1].at == receipt.at
            assert journal[-1].at > lost.at
            assert (await office.act(a.AddNote(note="Still well."), OFFICER)).version == 3
            assert office.case().version == 3


async def test_a_poke_brings_a_record_back_that_ran_ahead(office: Office) -> None:
    """Worker and server died together: SQL has an act that no history knows, until somebody asks."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    case = office.case()
    phantom = _phantom(office)
    CasebookActivities(office.database).record(phantom)
    assert office.case().version == case.version + 1
    await office.handle.signal(enrollment.POKE)
    await office.until(lambda case: case.version == 1)
    assert len(office.journal()) == 1
    assert (await office.act(a.AcceptApplication(), OFFICER, expected_version=1)).version == 2


def _phantom(office: Office) -> contract.RecordRequest:
    case, now = office.case(), office.now()
    happened = decide(case, a.RejectApplication(reasons="Lost."), OFFICER, now)
    actor = Actor(person=OFFICER.person, kinds=OFFICER.kinds)
    after, lines = record(case, happened, actor, ActorKind.OFFICER, now)
    return contract.RecordRequest(
        case=after, events=lines, run_id=office.runs[0], durable=1, task_at=now
    )


async def test_what_earlier_tasks_recorded_is_confirmed(office: Office) -> None:
    """Each record says what the history holds by then, so that only the youngest tail can ever give way."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await office.act(a.AcceptApplication(), OFFICER)
    change = enrollment.CalendarChange(
        calendar=WorkCalendar.of(CALENDAR.holidays[1:], CALENDAR.through)
    )
    await office.handle.signal(enrollment.ADOPT_CALENDAR, change)
    await office.act(a.AddNote(note="Third."), OFFICER)
    with office.database.reading() as session:
        row = session.get_one(CaseRow, office.terms.case_id)
    assert row.version == 4
    assert row.durable_version in {2, 3}
    assert row.task_at is not None
    assert row.task_at <= office.now() + timedelta(seconds=1)
