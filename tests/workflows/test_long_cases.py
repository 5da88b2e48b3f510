"""A case with a long history goes on as a new run and forgets nothing."""

from pathlib import Path

from casework.domain import acts as a
from casework.processes.servers import TemporalDevServer
from casework.store.cases import sweeping
from tests.sample_case import APPLICANT, OFFICER
from tests.workflows.office import office_at_work


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
