"""What a lost workflow task had recorded gives way to what its repetition records; nothing else does."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from casework.contracts.casebook import RecordRequest
from casework.domain import acts as a
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.store import representations
from casework.store.cases import casebook
from casework.store.cases.casebook import record
from casework.store.cases.superseding import JournalDifference
from casework.store.database import Database
from casework.store.outbox import NewNotice, notices_of_case
from casework.store.tables import CaseRow, Representation, SupersededRow
from tests.sample_case import NOW, OFFICER, TERMS
from tests.store.story import Story, put

CASE = TERMS.case_id
LATER = NOW + timedelta(seconds=11)


def by(request: RecordRequest, task_at: datetime, durable: int) -> RecordRequest:
    """Return the request as the workflow task that began then would send it."""
    return request.model_copy(update={"task_at": task_at, "durable": durable})


def two_tasks(
    stage: Stage, first: a.Act, second: a.Act
) -> tuple[Story, RecordRequest, RecordRequest]:
    """Return a story up to a stage, and two different continuations of it: the lost one and the one that counts."""
    story, lost, counts = (Story().lead_to(stage) for _ in range(3))
    version = story.case.version
    return (
        story,
        by(lost.act(first, OFFICER), NOW, version),
        by(counts.act(second, OFFICER, LATER), LATER, version),
    )


def send(database: Database, request: RecordRequest, *slugs: str) -> None:
    """Record a request with notices about its last event."""
    seq = request.events[-1].seq if request.events else 0
    with database.writing() as session:
        record(session, request, [NewNotice(slug, seq, "applicant") for slug in slugs])


def test_the_same_act_done_again_later_takes_the_place_of_the_lost_one(database: Database) -> None:
    accept = a.AcceptApplication()
    story, lost, counts = two_tasks(Stage.APPLICATION_REVIEW, accept, accept)
    put(database, story)
    send(database, lost, "application-accepted")
    send(database, counts, "application-accepted")
    with database.reading() as session:
        rows = casebook.read_journal(session, CASE)
        assert casebook.verify_chain(rows, version=2) is None
        assert casebook.read_line(rows[-1]) == counts.events[-1]
        assert session.get_one(CaseRow, CASE).changed_at == LATER
        assert [n.slug for n in notices_of_case(session, CASE)] == ["application-accepted"]
        (aside,) = session.scalars(select(SupersededRow)).all()
    assert aside.seq == 2
    assert aside.body == casebook.canonical(lost.events[-1])


def test_another_act_takes_its_place_too_and_its_unsent_notices_go(database: Database) -> None:
    story, lost, counts = two_tasks(
        Stage.APPLICATION_REVIEW, a.AcceptApplication(), a.RejectApplication(reasons="No.")
    )
    put(database, story)
    send(database, lost, "application-accepted")
    send(database, counts, "application-rejected")
    with database.reading() as session:
        assert session.get_one(CaseRow, CASE).stage is Stage.REJECTED
        assert [n.slug for n in notices_of_case(session, CASE)] == ["application-rejected"]


def test_the_very_first_event_can_be_lost_too(database: Database) -> None:
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    (first,) = story.requests
    put(database, Story())
    again = first.events[0].model_copy(update={"at": LATER})
    send(database, by(first, NOW, 0))
    send(database, by(first.model_copy(update={"events": (again,)}), LATER, 0))
    with database.reading() as session:
        (row,) = casebook.read_journal(session, CASE)
        assert casebook.read_line(row) == again


def test_what_is_confirmed_never_gives_way(database: Database) -> None:
    story, lost, counts = two_tasks(
        Stage.APPLICATION_REVIEW, a.AcceptApplication(), a.RejectApplication(reasons="No.")
    )
    put(database, story)
    send(database, lost.model_copy(update={"durable": 2}))
    with pytest.raises(JournalDifference, match="confirmed"):
        send(database, counts)
    with database.reading() as session:
        assert session.get_one(CaseRow, CASE).stage is Stage.INSPECTION


def test_a_task_that_wakes_up_late_does_not_overwrite_its_repetition(database: Database) -> None:
    story, lost, counts = two_tasks(
        Stage.APPLICATION_REVIEW, a.AcceptApplication(), a.RejectApplication(reasons="No.")
    )
    put(database, story)
    send(database, counts)
    with pytest.raises(JournalDifference, match="later workflow task"):
        send(database, lost)
    with database.reading() as session:
        assert session.get_one(CaseRow, CASE).stage is Stage.REJECTED


def test_an_answer_that_was_lost_is_taken_back_from_its_representation(database: Database) -> None:
    answer = a.DisposeRepresentations(
        numbers=(1, 2), disposition=a.Disposition.UPHELD, answer="You are right."
    )
    note = a.AddNote(note="Something else.")
    story, lost, counts = two_tasks(Stage.ANSWERING, answer, note)
    put(database, story)
    with database.writing() as session:
        session.add_all(
            Representation(
                case_id=CASE,
                number=number,
                stance=Stance.NEUTRAL,
                text="Dust.",
                language="en",
                received_at=NOW,
                receipt=f"rep-{number}",
                update_key=str(number),
                digest=str(number),
            )
            for number in (1, 2, 3)
        )
    send(database, lost)
    send(database, counts)
    with database.reading() as session:
        said = representations.representations_of_case(session, CASE)
    assert [row.disposition for row in said] == [None, None, None]


def test_reconciling_takes_back_what_no_history_knows(database: Database) -> None:
    accept = a.AcceptApplication()
    story, lost, _ = two_tasks(Stage.APPLICATION_REVIEW, accept, accept)
    put(database, story)
    send(database, lost)
    hold = RecordRequest(case=story.case, events=(), run_id="run-1", reconcile=True)
    send(database, by(hold, LATER, 1))
    with database.reading() as session:
        row = session.get_one(CaseRow, CASE)
        assert (row.version, row.stage) == (1, Stage.APPLICATION_REVIEW)
        assert casebook.verify_chain(casebook.read_journal(session, CASE), version=1) is None
    send(database, by(hold, LATER, 1))
