"""Nothing that goes wrong in a handler wedges a case, and nothing is applied twice."""

import asyncio

import pytest

from casework.contracts import enrollment
from casework.domain import acts as a
from casework.domain import decide as deciding
from casework.domain.calendar import WorkCalendar
from casework.domain.refusals import RefusalCode
from casework.domain.stages import Stage
from tests.sample_case import APPLICANT, CALENDAR, DECIDER, OFFICER
from tests.workflows.office import ActRefused, Office
from tests.workflows.paths import granted_and_published, to_decision
from workflows import enrollment_case


@pytest.mark.parametrize("where", ["validator", "handler"])
async def test_a_throw_in_an_update_refuses_that_act_and_the_next_one_goes_through(
    office: Office, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """An unexpected exception becomes a failure of the update, never of the workflow task."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    real, calls = deciding.judge, []

    def broken(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == (1 if where == "validator" else 2):
            raise ZeroDivisionError("a defect")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(deciding, "judge", broken)
    with pytest.raises(ActRefused) as refused:
        await office.act(a.AcceptApplication(), OFFICER)
    assert refused.value.code == RefusalCode.ENGINE_FAULT
    assert office.case().version == 1
    assert (await office.act(a.AcceptApplication(), OFFICER)).version == 2
    assert not [e for e in await office.event_types() if "TASK_FAILED" in e]


async def test_a_malformed_act_and_an_unknown_one_are_refused(office: Office) -> None:
    """Whoever speaks to Temporal directly gets a failure, not a wedged case."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    with pytest.raises(ActRefused) as unknown:
        await office.act(a.AddNote(note="x"), OFFICER, name="Abolish")
    assert unknown.value.code == RefusalCode.ACT_UNKNOWN
    with pytest.raises(ActRefused) as malformed:
        await office.act(a.AddNote(note="x"), OFFICER, name="decide")
    assert malformed.value.code == RefusalCode.ENGINE_FAULT
    assert (await office.act(a.AcceptApplication(), OFFICER)).version == 2


async def test_a_throw_in_a_signal_is_logged_and_the_case_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A calendar that cannot be adopted changes nothing."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    from casework.domain import case as cases

    monkeypatch.setattr(cases, "_with_calendar", broken)
    new = WorkCalendar.of(CALENDAR.holidays[1:], CALENDAR.through)
    change = enrollment.CalendarChange(calendar=new)
    await office.handle.signal(enrollment.ADOPT_CALENDAR, change)
    await office.handle.signal(enrollment.POKE)
    assert (await office.act(a.AcceptApplication(), OFFICER)).version == 2
    assert not [e for e in await office.event_types() if "TASK_FAILED" in e]


async def test_a_poke_to_a_healthy_case_changes_nothing(office: Office) -> None:
    """The sweeper may be wrong."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await office.handle.signal(enrollment.POKE)
    await office.act(a.AddNote(note="Still here."), OFFICER)
    assert [line.event.type for line in office.journal()] == ["ApplicationSubmitted", "NoteAdded"]


async def test_a_case_adopts_new_holidays_once(office: Office) -> None:
    """The due date moves and the journal says why; the same calendar again says nothing."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    was = office.case().running
    new = WorkCalendar.of([*CALENDAR.holidays, *_next_working_days()], CALENDAR.through)
    for _ in range(2):
        change = enrollment.CalendarChange(calendar=new)
        await office.handle.signal(enrollment.ADOPT_CALENDAR, change)
    await office.until(lambda case: case.version == 2)
    await office.act(a.AddNote(note="Counted anew."), OFFICER)
    types = [line.event.type for line in office.journal()]
    assert types == ["ApplicationSubmitted", "CalendarAdopted", "NoteAdded"]
    now = office.case().running
    assert was is not None
    assert now is not None
    assert now.due_at > was.due_at


def _next_working_days() -> list:
    from datetime import date, timedelta

    first = date.today() + timedelta(days=3)  # noqa: DTZ011 - any days soon will do
    return [first + timedelta(days=n) for n in range(7)]


async def test_the_same_key_gives_the_same_receipt_and_is_applied_once(office: Office) -> None:
    """Within a run Temporal sees to it, after continue-as-new the case itself."""
    await to_decision(office)
    decision = a.Decide(outcome=a.Outcome.GRANTED, reasons="As recommended.")
    first = await office.act(decision, DECIDER, key="decide-once")
    assert await office.act(decision, DECIDER, key="decide-once") == first
    await office.end_of_run()
    version = office.case().version
    again = await office.act(decision, DECIDER, key="decide-once")
    assert (await office.handle.describe()).run_id != office.runs[0]
    assert again == first
    assert office.case().version == version


async def test_a_key_used_for_another_act_is_refused_after_continue_as_new(
    office: Office,
) -> None:
    """The digest tells a repetition from a changed request."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT, key="key-1")
    await office.act(a.AcceptApplication(), OFFICER, key="key-2")
    await granted_from_inspection(office)
    await office.end_of_run()
    with pytest.raises(ActRefused) as refused:
        await office.act(a.AddNote(note="Something else."), OFFICER, key="key-2")
    assert refused.value.code == RefusalCode.KEY_REUSED


async def granted_from_inspection(office: Office) -> None:
    """Go on from an accepted application to the published certification."""
    from tests.sample_case import REVIEWER
    from tests.workflows.paths import grant, let_feedback_pass, visit

    await visit(office)
    await let_feedback_pass(office)
    await office.act(a.Recommend, REVIEWER)
    await grant(office)


async def test_many_at_once_are_applied_one_after_another(office: Office) -> None:
    """Ten notes in flight: ten versions, none lost, none doubled."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    notes = [a.AddNote(note=f"Note {n}.") for n in range(10)]
    receipts = await asyncio.gather(
        *(office.act(note, OFFICER, expected_version=None) for note in notes)
    )
    assert sorted(r.version for r in receipts) == list(range(2, 12))
    assert len(office.journal()) == 11


async def test_the_case_reads_well_in_the_ui_of_temporal(office: Office) -> None:
    """Its current details name stage, office and due date, and no person's name or mail."""
    await granted_and_published(office)
    case = office.case()
    assert case.stage is Stage.CERTIFIED
    details = enrollment_case._details(case)
    assert "certified" in details
    assert "register entry: 1" in details
    history = (await office.history()).to_json()
    assert "Somchai" not in history
    assert "@sample.example" not in history
