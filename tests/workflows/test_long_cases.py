"""A case with a long history goes on as a new run and forgets nothing."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete

from casework.domain import acts as a
from casework.domain.stages import Stage
from casework.processes.servers import TemporalDevServer
from casework.store.cases import sweeping
from casework.store.tables import Contact, Establishment
from tests.sample_case import APPLICANT, DECIDER, OFFICER
from tests.workflows.office import office_at_work, seed_establishment
from tests.workflows.paths import to_decision


async def test_a_long_case_continues_as_new_without_losing_an_act(tmp_path: Path) -> None:
    """Fifty notes on a server that suggests a new run early: every receipt holds, every run is noted for export."""
    limits = {"limit.historyCount.suggestContinueAsNew": 60}
    with TemporalDevServer(tmp_path / "temporal", ui=False, limits=limits) as server:
        async with office_at_work(server, tmp_path) as office:
            await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
            receipts = {}
            for n in range(50):
                note = a.AddNote(note=f"Note {n}.")
                receipts[n] = await office.act(note, OFFICER, key=f"note-{n}")
            assert [r.version for r in receipts.values()] == list(range(2, 52))
            # An old key, from a run long gone, still gets its receipt.
            again = await office.act(a.AddNote(note="Note 0."), OFFICER, key="note-0")
            assert again == receipts[0]
            assert len(office.journal()) == 51
            await office.end_of_run()
            with office.database.reading() as session:
                runs = sweeping.runs_of_case(session, office.terms.case_id)
            assert len(runs) >= 2
            for run in runs:
                handle = office.client.get_workflow_handle(office.terms.case_id, run_id=run.run_id)
                status = (await handle.describe()).status
                assert status is not None
                assert status.name == "CONTINUED_AS_NEW"


async def test_what_cannot_be_published_fills_no_history_and_is_published_in_the_end(
    tmp_path: Path,
) -> None:
    """The certification has even expired by then: a case that is closed goes on until the register says so."""
    limits = {"limit.historyCount.suggestContinueAsNew": 80}
    with TemporalDevServer(
        tmp_path / "temporal", ui=False, limits=limits, time_skipping=True
    ) as server:
        async with office_at_work(server, tmp_path) as office:
            await to_decision(office)
            with office.database.writing() as session:
                session.execute(delete(Contact))
                session.execute(delete(Establishment))
            await office.act(a.Decide, DECIDER)
            await office.act(a.AddNote(note="Acts go on."), OFFICER)
            await office.advance(timedelta(days=4 * 366))
            await office.until(lambda case: case.stage is Stage.EXPIRED)
            # Attempts go on in one run after another; each advance brings the next one about.
            runs = {office.runs[0]}
            while len(runs) < 3:
                await office.advance(timedelta(hours=2))
                runs.add((await office.handle.describe()).run_id)
            for run_id in runs:
                handle = office.client.get_workflow_handle(office.terms.case_id, run_id=run_id)
                assert (await handle.describe()).history_length < 1000
            seed_establishment(office.database)
            while office.case().publication_due is not None:
                await office.advance(timedelta(hours=2))
            assert (await office.handle.result())["stage"] == Stage.EXPIRED
            assert office.journal()[-1].event.type == "CertificationPublished"
