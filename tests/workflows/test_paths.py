"""Every path through a case on the real server, its journal whole and its histories kept for replay.

``make histories`` (CASEWORK_RECORD_HISTORIES=1) writes the histories anew: a changed workflow needs that only
after its patch has shown that the old ones still replay.
"""

import json
import os
from pathlib import Path

import pytest

from casework.domain.case import Case, evolve
from casework.domain.stages import Stage
from casework.processes.servers import TemporalDevServer
from casework.store.cases.casebook import canonical
from tests.workflows.office import Office, office_at_work
from tests.workflows.paths import PATHS

HISTORIES = Path(__file__).parent.parent / "histories"


@pytest.mark.parametrize("name", PATHS)
async def test_a_case_walks_this_path(
    name: str, temporal_server: TemporalDevServer, tmp_path: Path
) -> None:
    """It ends where the path says, no workflow task failed, and the journal adds up to the case."""
    walk, end = PATHS[name]
    async with office_at_work(temporal_server, tmp_path) as office:
        await walk(office)
        case = await office.until(lambda case: case.stage is end)
        folded = Case(terms=office.terms)
        for line in office.journal():
            folded = evolve(folded, line)
        assert folded == case
        if case.is_closed:
            outcome = await office.handle.result()
            assert outcome["stage"] == end
        else:
            await office.end_of_run()
        runs = await every_run(office)
        for history in runs:
            assert not [e for e in history if "FAILED" in e or "TIMED_OUT" in e]
        if os.environ.get("CASEWORK_RECORD_HISTORIES"):
            await keep(name, office)


async def every_run(office: Office) -> list[list[str]]:
    """Return the event types of each run of the case, oldest first."""
    last = (await office.handle.describe()).run_id
    if last not in office.runs:
        office.runs.append(last)
    return [await office.event_types(n) for n in range(len(office.runs))]


async def keep(name: str, office: Office) -> None:
    """Write the histories and the journal they led to."""
    for n in range(len(office.runs)):
        history = (await office.history(n)).to_json_dict()
        file = HISTORIES / f"{name}.{n + 1}.json"
        file.write_text(
            json.dumps({"id": office.terms.case_id, "history": history}, ensure_ascii=False)
        )
    lines = [canonical(line) for line in office.journal()]
    (HISTORIES / f"{name}.events.jsonl").write_text("\n".join(lines) + "\n")


def test_every_stage_that_can_end_a_path_is_walked_to() -> None:
    """Certified and each way to close."""
    ends = {end for _, end in PATHS.values()}
    assert ends == {
        Stage.CERTIFIED,
        Stage.REFUSED,
        Stage.REJECTED,
        Stage.WITHDRAWN,
        Stage.DECLINED,
        Stage.LAPSED,
        Stage.EXPIRED,
    }
