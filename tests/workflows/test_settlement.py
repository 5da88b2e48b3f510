"""What Temporal has taken goes on record, also when whoever asked for it is gone."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client

from activities.settlement import NOT_BEFORE, VOID_AFTER, Settlement
from casework.contracts import enrollment
from casework.domain import acts as a
from casework.domain.stages import Stage
from casework.store.cases.intents import intend, unsettled
from casework.store.tables import IntentRow
from tests.sample_case import APPLICANT, OFFICER
from tests.workflows.office import Office

LATER = timedelta(days=3650)


def intents(office: Office) -> list[IntentRow]:
    with office.database.reading() as session:
        return unsettled(session, datetime.now(UTC) + LATER, 10)


async def send_and_be_gone(office: Office, act: a.Act) -> str:
    """Do what an API process does that dies between Temporal's receipt and the record."""
    key = uuid.uuid4().hex[:16]
    with office.database.writing() as session:
        intend(session, key, office.terms.case_id, act.slug, datetime.now(UTC))
    request = enrollment.ActRequest.of(act, OFFICER, office.case().version)
    await office.handle.execute_update(act.slug, request, id=key, result_type=enrollment.ActAnswer)
    return key


def settlement(office: Office, ahead: timedelta = NOT_BEFORE) -> Settlement:
    return Settlement(
        office.database,
        office.client,
        office.recorder,
        now=lambda: datetime.now(UTC) + ahead + timedelta(seconds=1),
    )


async def test_an_act_whose_sender_died_is_recorded_from_temporals_receipt(office: Office) -> None:
    """Journal, read model and letters come from the answer that nobody took."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.AcceptApplication())
    assert office.case().stage is Stage.APPLICATION_REVIEW
    await settlement(office).settle_all()
    assert office.case().stage is Stage.INSPECTION
    assert [line.event.type for line in office.journal()][-1] == "ApplicationAccepted"
    assert intents(office) == []
    await settlement(office).settle_all()
    assert office.case().version == 2


async def test_an_act_that_is_under_way_is_left_alone(office: Office) -> None:
    """Its sender records it a moment later; an intent is looked at when it is some seconds old."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.AcceptApplication())
    await settlement(office, ahead=timedelta()).settle_all()
    assert len(intents(office)) == 1


async def test_an_act_that_temporal_never_got_is_void_after_a_minute(office: Office) -> None:
    """Until then it may be on its way."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    with office.database.writing() as session:
        intend(session, "never-sent", office.terms.case_id, "AddNote", datetime.now(UTC))
    await settlement(office).settle_all()
    assert len(intents(office)) == 1
    await settlement(office, ahead=VOID_AFTER).settle_all()
    assert intents(office) == []
    assert office.case().version == 1


async def test_an_act_that_ended_its_case_is_recorded_by_the_case(office: Office) -> None:
    """A run ends only after its lines are on record, so that nothing of an ended run is ever missing."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.RejectApplication(reasons="Twice the same."))
    await office.end_of_run()
    assert office.case().stage is Stage.REJECTED
    await settlement(office).settle_all()
    assert intents(office) == []


async def test_a_poke_has_a_case_record_what_nobody_recorded(office: Office) -> None:
    """Housekeeping and the gateway poke; the activity writes what the case keeps."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.AcceptApplication())
    await office.handle.signal(enrollment.POKE)
    await office.until(lambda case: case.version == 2)


async def test_each_act_carries_what_the_record_lacks(office: Office) -> None:
    """An act without a version acknowledges nothing: its answer has the lost line, too."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.AddNote(note="Lost."))
    await office.act(a.AddNote(note="Found."), OFFICER, expected_version=None)
    notes = [line.event for line in office.journal() if line.event.type == "NoteAdded"]
    assert [note.note for note in notes] == ["Lost.", "Found."]  # type: ignore[union-attr]


async def test_a_settlement_without_temporal_keeps_the_intent(
    office: Office, unused_tcp_port: int
) -> None:
    """Nobody knows yet what became of the act."""
    await office.open(a.SubmitApplication(contact="con-1"), APPLICANT)
    await send_and_be_gone(office, a.AcceptApplication())
    away = await Client.connect(f"127.0.0.1:{unused_tcp_port}", lazy=True)
    alone = Settlement(
        office.database,
        away,
        office.recorder,
        now=lambda: datetime.now(UTC) + VOID_AFTER + timedelta(seconds=1),
    )
    with pytest.raises(RuntimeError, match="Failed client connect"):
        await alone.settle_all()
    assert len(intents(office)) == 1
