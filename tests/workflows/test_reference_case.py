"""What a case costs: the numbers to hold, counted and not timed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from casework.domain import acts as a
from casework.domain.rules import EvidenceRule, Grade
from casework.domain.stages import Stage
from casework.processes.servers import TemporalDevServer
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import current_calendar
from tests.sample_case import APPLICANT, DECIDER, FILE, INSPECTOR, NO_CONFLICT, OFFICER, REVIEWER
from tests.workflows.office import ActRefused, Office, office_at_work, sample_rules

MOST_EVENTS = 55
MOST_BYTES = 22 * 1024


async def walk_the_reference_case(office: Office) -> None:
    """Submit, accept, schedule, inspect without nonconformity, let feedback close by its timer, recommend, grant."""
    rules = office.terms.rules
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await office.act(a.AcceptApplication(), OFFICER)
    visit = a.ScheduleInspection(
        visit_at=datetime.now(UTC) + timedelta(days=7),
        inspector=INSPECTOR.person,
        declaration=NO_CONFLICT,
    )
    await office.act(visit, OFFICER)
    found = tuple(
        a.Finding(
            criterion=c.code,
            grade=Grade.CONFORMITY,
            evidence=(FILE,) if c.evidence is EvidenceRule.REQUIRED else (),
        )
        for c in rules.criteria
    )
    filed = a.FileInspection(visited_at=datetime.now(UTC), findings=found)
    await office.act(filed, INSPECTOR)
    await office.until(lambda case: case.stage is Stage.REVIEW)
    advice = a.Recommend(advice=a.Advice.GRANT, reasons="All criteria are met.")
    await office.act(advice, REVIEWER)
    decision = a.Decide(outcome=a.Outcome.GRANTED, reasons="As recommended.")
    await office.act(decision, DECIDER)
    await office.until(lambda case: case.register_entry is not None)


@pytest.mark.parametrize("program", ["eco-network", "river-governance"])
async def test_the_reference_case_stays_within_55_events_and_22_kilobytes(
    program: str, temporal_server: TemporalDevServer, tmp_path: Path
) -> None:
    """In the shipped programs with all their criteria, up to the publication and the start of the next run."""
    rules = ProgramCatalog.load().get(program, "1").rules()
    office_of = office_at_work(temporal_server, tmp_path, rules=sample_rules(1, rules))
    async with office_of as office:
        office.terms = office.terms.model_copy(update={"calendar": current_calendar()})
        await walk_the_reference_case(office)
        await office.end_of_run()
        events = await office.event_types()
        assert events[-1] == "WORKFLOW_EXECUTION_CONTINUED_AS_NEW"
        assert len(events) <= MOST_EVENTS
        first = office.client.get_workflow_handle(office.terms.case_id, run_id=office.runs[0])
        info = (await first.describe()).raw_description.workflow_execution_info
        assert info.history_size_bytes <= MOST_BYTES
        # One timer for the office's periods, one for the feedback, one for what comes after.
        assert events.count("TIMER_STARTED") == 3
        assert events.count("TIMER_CANCELED") == 1
        # One closes the feedback, one publishes.
        assert events.count("ACTIVITY_TASK_SCHEDULED") == 2
        assert events.count("MARKER_RECORDED") == 0
        assert not [e for e in events if "SEARCH_ATTRIBUTES" in e]


async def test_a_refused_act_leaves_nothing_in_the_history(office: Office) -> None:
    """Wrong stage, wrong person, stale version: no event, and the case goes on."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    before = await office.event_types()
    for act, actor, version in (
        (a.Recommend(advice=a.Advice.GRANT, reasons="Now."), REVIEWER, None),
        (a.AcceptApplication(), INSPECTOR, None),
        (a.AcceptApplication(), OFFICER, 7),
    ):
        with pytest.raises(ActRefused):
            await office.act(act, actor, expected_version=version)
    assert await office.event_types() == before
    assert (await office.act(a.AcceptApplication(), OFFICER, expected_version=1)).version == 2


async def test_an_act_is_recorded_when_it_returns(office: Office) -> None:
    """The row is there: officers read what they wrote."""
    receipt = await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    assert office.case().version == receipt.version == 1
    for n in range(20):
        receipt = await office.act(a.AddNote(note=f"Note {n}."), OFFICER)
        assert office.case().version == receipt.version
    # Each note: accepted, completed, and the three events of its workflow task. No timer moved, no activity ran.
    events = await office.event_types()
    assert events.count("TIMER_STARTED") == 1
    assert len(events) == 2 + 21 * 5
