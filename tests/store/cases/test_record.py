"""Recording an act: one transaction, few statements, the same twice as once."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.case import Case
from casework.domain.numbers import Numbers
from casework.domain.refusals import Refusal, RefusalCode
from casework.domain.representations import Stance
from casework.domain.rules import PeriodName
from casework.domain.stages import CLOSED, Stage
from casework.store.cases import casebook
from casework.store.cases.casebook import JournalDifference, JournalGap
from casework.store.cases.sweeping import note_end_of_run, runs_of_case
from casework.store.database import Database
from casework.store.outbox import AUTHORS, NewNotice, notices_of_case
from casework.store.representations import (
    NewRepresentation,
    close_feedback,
    representations_of_case,
    submit,
)
from casework.store.tables import JournalRow, NoticeRow, Row
from tests.sample_case import (
    APPLICANT,
    CALENDAR,
    DECIDER,
    NOW,
    OFFICER,
    REVIEWER,
    RULES,
    TERMS,
    act_of,
    case_at,
)
from tests.statements import counted
from tests.store.story import Moment, Story, put, record, recorded

CASE = TERMS.case_id


def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    with database.engine.connect() as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for name, table in Row.metadata.tables.items()
        }


def speak(database: Database, count: int, case_id: str = CASE) -> None:
    """Let people of the community speak, every second with an e-mail address."""
    with database.writing() as session:
        for n in range(count):
            new = NewRepresentation(
                stance=Stance.NEUTRAL,
                text="เสียงดังตอนกลางคืน",
                language="th",
                update_key=f"{case_id}-{n}",
                digest="d",
                author_email=f"a{n}@example.org" if n % 2 == 0 else None,
            )
            submit(session, case_id, new, NOW)


def test_the_read_model_says_what_the_case_says(database: Database) -> None:
    for number, stage in enumerate(s for s in Stage if s is not Stage.NEW):
        case_id = f"eco-samplecase{number:02}"
        case = case_at(stage, Story(case_id).terms).model_copy(update={"version": 1})
        with database.writing() as session:
            record(session, request_of(case))
        with database.reading() as session:
            row = casebook.find_case(session, case_id)
            assert row is not None
            assert (row.version, row.stage) == (1, stage)
            assert row.is_closed is (stage in CLOSED)
            assert (row.officer, row.inspector) == (case.officer, case.inspector)
            assert row.due_at == (case.running.due_at if case.running else None)
            assert row.due_period == (case.running.period if case.running else None)
            assert (row.feedback_closes_at is not None) is (stage is Stage.FEEDBACK)
            assert (row.level, row.granted_at, row.valid_until) == (
                case.level,
                case.granted_at,
                case.valid_until,
            )
            assert (row.opened_at, row.changed_at) == (case.opened_at, case.changed_at)
            assert casebook.restore(row, RULES, CALENDAR) == case


def request_of(case: Case) -> Moment:
    """Return a request for a case at version 1, whose one event stands for all it went through."""
    line = e.Recorded.model_validate(
        {
            "seq": 1,
            "at": case.changed_at,
            "actor": {"person": "officer-21", "kind": "officer"},
            "event": {"type": "NoteAdded", "note": "Taken over."},
        }
    )
    return Moment(case, (line,))


def test_rules_of_another_version_do_not_fit_a_read_model(database: Database) -> None:
    recorded(database, Stage.INSPECTION)
    with database.reading() as session:
        row = casebook.find_case(session, CASE)
        assert row is not None
        with pytest.raises(ValueError, match="eco-network test"):
            casebook.restore(row, RULES.model_copy(update={"version": "other"}), CALENDAR)


def test_the_journal_reads_back_as_it_happened(database: Database) -> None:
    story = recorded(database, Stage.CERTIFIED)
    lines = [line for request in story.requests for line in request.events]
    with database.reading() as session:
        rows = casebook.read_journal(session, CASE)
        assert [casebook.read_line(row) for row in rows] == lines
        assert casebook.verify_chain(rows, version=story.case.version) is None
        page = casebook.read_journal(session, CASE, after=2, limit=3)
        assert [row.seq for row in page] == [3, 4, 5]


def test_an_act_with_notices_takes_four_statements_and_one_commit(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.APPLICATION_REVIEW))
    request = story.act(a.AcceptApplication(), OFFICER)
    notices = [NewNotice("accepted", 2, who) for who in ("con-1", "officer-21", "inspectors")]
    with counted(database.engine) as sent, database.writing() as session:
        casebook.record(session, request.case, request.events, notices)
    assert (sent.statements, sent.commits) == (4, 1), sent


def test_an_act_that_does_everything_takes_six_statements_and_one_commit(
    database: Database,
) -> None:
    story = put(database, Story().lead_to(Stage.FEEDBACK))
    speak(database, 4)
    story.close_feedback((1, 2, 3, 4))
    put(database, story, since=len(story.requests) - 1)
    request = story.act(act_of(a.DisposeRepresentations, story.case), OFFICER)
    seq = story.case.version
    notices = [
        NewNotice("disposed", seq, "con-1"),
        NewNotice("disposed", seq, "officer-21"),
        NewNotice("answer", seq, AUTHORS, Numbers.of([1, 2, 3])),
        NewNotice("news", seq, AUTHORS),
    ]
    with counted(database.engine) as sent, database.writing() as session:
        casebook.record(session, request.case, request.events, notices)
    assert (sent.statements, sent.commits) == (6, 1), sent
    with database.reading() as session:
        keys = [row.key for row in notices_of_case(session, CASE)]
        assert keys == [
            f"{CASE}/answer/{seq}/representation:1",
            f"{CASE}/answer/{seq}/representation:3",
            f"{CASE}/disposed/{seq}/con-1",
            f"{CASE}/disposed/{seq}/officer-21",
            f"{CASE}/news/{seq}/representation:1",
            f"{CASE}/news/{seq}/representation:3",
        ]
        answered = representations_of_case(session, CASE)
        assert {(r.disposition, r.disposed_at) for r in answered} == {(a.Disposition.NOTED, NOW)}


def test_a_second_recording_changes_nothing_at_all(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.FEEDBACK))
    speak(database, 3)
    since = len(story.requests)
    story.close_feedback((1, 2, 3))
    story.act(act_of(a.DisposeRepresentations, story.case), OFFICER)
    seq = story.case.version
    notices = [NewNotice("answer", seq, AUTHORS), NewNotice("answer", seq, "con-1")]
    put(database, story, notices, since=since)
    before = everything(database)
    put(database, story, notices)
    assert everything(database) == before


def test_a_sent_notice_is_not_queued_again_by_a_repetition(database: Database) -> None:
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    notices = [NewNotice("receipt", 1, "con-1")]
    put(database, story, notices)
    with database.writing() as session:
        row = session.get_one(NoticeRow, f"{CASE}/receipt/1/con-1")
        row.attempts = 1
    put(database, story, notices)
    with database.reading() as session:
        assert [row.attempts for row in notices_of_case(session, CASE)] == [1]


def test_events_that_are_partly_on_record_are_completed(database: Database) -> None:
    story = Story()
    first = story.act(act_of(a.SubmitApplication, story.case), APPLICANT)
    second = story.act(a.AcceptApplication(), OFFICER)
    both = second._replace(events=first.events + second.events)
    with database.writing() as session:
        record(session, first, [NewNotice("receipt", 1, "con-1")])
    with database.writing() as session:
        record(session, both, [NewNotice("accepted", 2, "con-1")])
    with database.reading() as session:
        rows = casebook.read_journal(session, CASE)
        assert casebook.verify_chain(rows, version=2) is None
        assert len(notices_of_case(session, CASE)) == 2


def test_a_gap_is_refused_and_leaves_nothing(database: Database) -> None:
    story = Story().lead_to(Stage.FEEDBACK)
    with pytest.raises(JournalGap), database.writing() as session:
        record(session, story.requests[1])
    with database.writing() as session:
        record(session, story.requests[0])
    before = everything(database)
    with pytest.raises(JournalGap), database.writing() as session:
        record(session, story.requests[2])
    assert everything(database) == before


def test_another_event_under_the_same_number_is_refused(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.INSPECTION))
    other = Story().lead_to(Stage.APPLICATION_REVIEW)
    other.act(a.RejectApplication(reasons="The site is closed."), OFFICER)
    before = everything(database)
    with pytest.raises(JournalDifference), database.writing() as session:
        record(session, other.requests[1])
    assert everything(database) == before
    assert story.case.version == 3


def test_a_read_model_that_lags_behind_its_journal_is_noticed(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.INSPECTION))
    with database.writing() as session:
        row = casebook.find_case(session, CASE)
        assert row is not None
        row.version = 1
    with pytest.raises(JournalGap, match="read model"), database.writing() as session:
        record(session, story.note())


def test_a_request_that_contradicts_itself_is_a_defect(database: Database) -> None:
    story = Story().lead_to(Stage.INSPECTION)
    last = story.requests[-1]
    for wrong in (
        Moment(Story().case, ()),
        last._replace(case=Story().lead_to(Stage.FEEDBACK).case),
        last._replace(events=(*story.requests[0].events, *last.events)),
    ):
        with pytest.raises(ValueError, match=CASE), database.writing() as session:
            record(session, wrong)
    with pytest.raises(ValueError, match="each notice"), database.writing() as session:
        record(session, last, [NewNotice("receipt", 1, "con-1")])
    assert not any(everything(database).values())


def test_the_end_of_a_run_is_noted_once(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    for later in range(2):
        ended_at = NOW + timedelta(hours=later)
        with counted(database.engine) as sent, database.writing() as session:
            note_end_of_run(session, CASE, "run-1", ended_at)
        assert (sent.statements, sent.commits) == (1, 1), sent
    with database.reading() as session:
        (run,) = runs_of_case(session, CASE)
        assert (run.ended_at, run.exported_at, run.gone) == (NOW, None, False)


def test_a_crash_before_the_commit_leaves_nothing(database: Database) -> None:
    story = Story().lead_to(Stage.APPLICATION_REVIEW)

    def crash() -> None:
        with database.writing() as session:
            record(session, story.requests[0], [NewNotice("receipt", 1, "con-1")])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    assert not any(everything(database).values())
    put(database, story)
    assert everything(database)["cases"]


@pytest.mark.parametrize("first", [0, 1])
def test_two_that_record_the_same_at_once_leave_one_record(database: Database, first: int) -> None:
    """Such as an attempt that was given up too early, and the next one."""
    story = Story().lead_to(Stage.INSPECTION)
    for request in story.requests[:first]:
        with database.writing() as session:
            record(session, request)
    together = threading.Barrier(3)
    failures: list[Exception] = []

    def record_next() -> None:
        together.wait()
        try:
            with database.writing() as session:
                record(session, story.requests[first], [NewNotice("news", first + 1, "con-1")])
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=record_next) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with database.reading() as session:
        rows = casebook.read_journal(session, CASE)
        assert casebook.verify_chain(rows, version=first + 1) is None
        assert len(notices_of_case(session, CASE)) == 1


def test_two_histories_at_once_do_not_mix(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.APPLICATION_REVIEW))
    other = Story().lead_to(Stage.APPLICATION_REVIEW)
    requests = [story.note("One."), other.note("Another.")]
    together = threading.Barrier(2)
    failures: list[Exception] = []

    def tell(request: Moment) -> None:
        together.wait()
        try:
            with database.writing() as session:
                record(session, request)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=tell, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(failure) for failure in failures] == [JournalDifference]
    with database.reading() as session:
        assert casebook.verify_chain(casebook.read_journal(session, CASE), version=2) is None


def test_feedback_that_opens_again_takes_representations_again(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.FEEDBACK))
    closed_at = story.case.running
    assert closed_at is not None
    with database.writing() as session:
        close_feedback(session, CASE, closed_at.due_at)
    since = len(story.requests)
    story.close_feedback(())
    later = NOW + timedelta(days=20)
    story.act(a.Recommend(advice=a.Advice.GRANT, reasons="Met."), REVIEWER, later)
    back = a.Decide(
        outcome=a.Outcome.DEFERRED,
        reasons="The notice was not posted.",
        back_to=Stage.FEEDBACK,
        asked=(a.ReturnedItem(item="notice", reason="Post it."),),
    )
    story.act(back, DECIDER, later)
    put(database, story, since=since)
    with database.reading() as session:
        row = casebook.find_case(session, CASE)
        assert row is not None
        assert (row.stage, row.feedback_closed) == (Stage.FEEDBACK, False)
        assert (row.due_period, row.feedback_closes_at) == (PeriodName.FEEDBACK, row.due_at)


def test_an_answer_with_any_character_is_recorded(database: Database) -> None:
    story = put(database, Story().lead_to(Stage.FEEDBACK))
    speak(database, 1)
    story.close_feedback((1,))
    answer = "".join(chr(code) for code in range(0x80)) + "\u200b\U0001f33f\ufffe"
    # No act takes a NUL; an event of a release that did is recorded all the same.
    disposed = e.RepresentationsDisposed(
        numbers=Numbers.of([1]), disposition=a.Disposition.NOTED, answer=f"({answer})"
    )
    story.happen([disposed])
    put(database, story)
    with database.reading() as session:
        (answered,) = representations_of_case(session, CASE)
        assert answered.answer == f"({answer})".replace("\x00", "\ufffd")
        rows = casebook.read_journal(session, CASE)
        assert casebook.verify_chain(rows, version=story.case.version) is None
        event = casebook.read_line(rows[-1]).event
        assert isinstance(event, e.RepresentationsDisposed)
        assert event.answer == f"({answer})"


def test_a_refusal_is_kept_whether_or_not_there_is_a_case(database: Database) -> None:
    refusal = Refusal(code=RefusalCode.NOT_AT_THIS_STAGE, reason="The case is at invited.")
    for number in range(2):
        with counted(database.engine) as sent, database.writing() as session:
            casebook.record_refusal(
                session, CASE, "decide", DECIDER, refusal, NOW + timedelta(seconds=number)
            )
        assert (sent.statements, sent.commits) == (1, 1), sent
    with database.reading() as session:
        first, second = casebook.refusals_of_case(session, CASE)
        assert first.at > second.at
        assert (first.act, first.person, first.kinds) == (
            "decide",
            "decider-1",
            ("decision-maker",),
        )
        assert first.code == "not-at-this-stage"
        assert session.scalar(select(func.count()).select_from(JournalRow)) == 0
