"""Recording: a case is folded from its row and its lines, whoever records them and however often."""

import threading

import pytest
from sqlalchemy import func, select

from casework.cases.reading import CalendarUnknown, CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts.casebook import Unrecorded
from casework.domain import acts as a
from casework.domain.stages import Stage
from casework.notices.catalogue import notices_for
from casework.store.cases.calendars import keep_calendar
from casework.store.cases.casebook import (
    JournalDifference,
    JournalGap,
    find_case,
    read_journal,
    read_line,
    verify_chain,
)
from casework.store.cases.intents import intend, unsettled
from casework.store.database import Database
from casework.store.outbox import AUTHORS, notices_of_case
from casework.store.tables import CaseRow, JournalRow, NoticeRow
from tests.sample_case import CALENDAR, NOW, OFFICER, RULES, TERMS
from tests.statements import counted
from tests.store.story import Moment, Story

CASE = TERMS.case_id


@pytest.fixture
def recorder(database: Database) -> CaseRecorder:
    """Record cases of the sample program, whose calendar is kept."""
    with database.writing() as session:
        keep_calendar(session, CALENDAR)
    return recorder_on(database)


def recorder_on(database: Database) -> CaseRecorder:
    return CaseRecorder(database, CaseReader(database, lambda program, version: RULES))


def of(*moments: Moment) -> Unrecorded:
    lines = tuple(line for moment in moments for line in moment.events)
    return Unrecorded.of(moments[-1].case, lines)


def check(database: Database, story: Story) -> None:
    """Hold journal, read model and letters against what happened."""
    said = [(moment.case, line) for moment in story.requests for line in moment.events]
    with database.reading() as session:
        rows, row = read_journal(session, CASE), find_case(session, CASE)
        assert row is not None
        assert [read_line(each) for each in rows] == [line for _, line in said]
        assert verify_chain(rows, row.version) is None
        assert row.head == rows[-1].hash
        assert CaseReader(database, lambda *_: RULES).case(row, session) == story.case
        # Nobody spoke in these stories, so that letters to authors reach nobody.
        due = {
            (n.slug, n.seq)
            for case, line in said
            for n in notices_for(case, line)
            if n.recipient != AUTHORS
        }
        assert {(n.slug, n.seq) for n in notices_of_case(session, CASE)} == due


def count(database: Database) -> tuple[int | None, ...]:
    with database.reading() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(table))
            for table in (CaseRow, JournalRow, NoticeRow)
        )


def test_a_life_recorded_line_by_line_is_the_case_that_was_lived(
    database: Database, recorder: CaseRecorder
) -> None:
    """The row is all that the next fold has of the lines before."""
    story = Story().lead_to(Stage.REVIEW)
    for moment in story.requests:
        recorder.record(of(moment))
    check(database, story)


def test_a_life_recorded_at_once_is_the_same(database: Database, recorder: CaseRecorder) -> None:
    story = Story().lead_to(Stage.REVIEW)
    recorder.record(of(*story.requests))
    check(database, story)


def test_recording_twice_changes_nothing(database: Database, recorder: CaseRecorder) -> None:
    story = Story().lead_to(Stage.FEEDBACK)
    recorder.record(of(*story.requests))
    before = count(database)
    recorder.record(of(*story.requests))
    recorder.record(of(story.requests[1]))
    assert count(database) == before
    check(database, story)


def test_lines_that_are_partly_on_record_are_completed(
    database: Database, recorder: CaseRecorder
) -> None:
    story = Story().lead_to(Stage.INSPECTION)
    recorder.record(of(*story.requests[:1]))
    recorder.record(of(*story.requests))
    check(database, story)
    story.note()
    recorder.record(of(*story.requests[1:]))
    check(database, story)


def test_lines_whose_case_nobody_knows_are_refused(
    database: Database, recorder: CaseRecorder
) -> None:
    """Only the first line brings the terms, and without them there is nothing to fold from."""
    story = Story().lead_to(Stage.INSPECTION)
    first = of(story.requests[0])
    for lost in (first.model_copy(update={"terms": None}), of(story.requests[1])):
        with pytest.raises(JournalGap):
            recorder.record(lost)
    assert count(database) == (0, 0, 0)


def test_a_case_whose_calendar_nobody_kept_is_refused(database: Database) -> None:
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    with pytest.raises(CalendarUnknown):
        recorder_on(database).record(of(story.requests[0]))
    assert count(database) == (0, 0, 0)


def test_a_gap_is_refused(database: Database, recorder: CaseRecorder) -> None:
    story = Story().lead_to(Stage.FEEDBACK)
    recorder.record(of(story.requests[0]))
    before = count(database)
    with pytest.raises(JournalGap):
        recorder.record(of(story.requests[2]))
    assert count(database) == before


@pytest.mark.parametrize("goes_on", [False, True])
def test_another_line_under_the_same_number_is_refused(
    database: Database, recorder: CaseRecorder, goes_on: bool
) -> None:
    """Whether it comes alone or with a line that would follow."""
    story, other = Story().lead_to(Stage.INSPECTION), Story().lead_to(Stage.APPLICATION_REVIEW)
    recorder.record(of(*story.requests))
    before = count(database)
    different = [other.note() for _ in range(3 if goes_on else 1)]
    with pytest.raises(JournalDifference):
        recorder.record(of(*different))
    assert count(database) == before


def test_nothing_to_record_needs_no_statement(database: Database, recorder: CaseRecorder) -> None:
    with counted(database.engine) as sent:
        recorder.record(Unrecorded(case_id=CASE))
    assert sent.statements == 0, sent


def test_a_row_that_was_read_before_spares_a_statement_and_an_old_one_does_no_harm(
    database: Database, recorder: CaseRecorder
) -> None:
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    recorder.record(of(*story.requests))
    with database.reading() as session:
        row = find_case(session, CASE)
    with counted(database.engine) as with_row:
        recorder.record(of(story.note()), row=row)
    with counted(database.engine) as without:
        recorder.record(of(story.note()))
    assert with_row.statements == without.statements - 1, with_row
    recorder.record(of(story.note()), row=row)
    check(database, story)


def test_the_intent_goes_with_the_record_and_stays_without_it(
    database: Database, recorder: CaseRecorder
) -> None:
    story = Story().lead_to(Stage.INSPECTION)
    with database.writing() as session:
        intend(session, "u-1", CASE, "SubmitApplication", NOW)

    def left() -> list[str]:
        with database.reading() as session:
            return [row.update_id for row in unsettled(session, NOW.replace(year=2027), 10)]

    with pytest.raises(JournalGap):
        recorder.record(of(story.requests[1]), ("u-1",))
    assert left() == ["u-1"]
    recorder.record(of(story.requests[0]), ("u-1",))
    assert left() == []


@pytest.mark.parametrize("first", [0, 1])
def test_two_that_record_the_same_at_once_write_it_once(
    database: Database, recorder: CaseRecorder, first: int
) -> None:
    """The API with its answer, and the activity of a case that was poked."""
    story = Story().lead_to(Stage.INSPECTION)
    for moment in story.requests[:first]:
        recorder.record(of(moment))
    together = threading.Barrier(2)
    failures: list[Exception] = []

    def record_next() -> None:
        own = recorder_on(database)
        together.wait()
        try:
            own.record(of(*story.requests[first:]))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=record_next) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    check(database, story)


def test_two_histories_at_once_do_not_mix(database: Database, recorder: CaseRecorder) -> None:
    stories = [Story().lead_to(Stage.APPLICATION_REVIEW) for _ in range(2)]
    recorder.record(of(*stories[0].requests))
    moments = [
        story.act(a.AddNote(note=text), OFFICER)
        for story, text in zip(stories, ("One.", "Another."), strict=True)
    ]
    together = threading.Barrier(2)
    failures: list[Exception] = []

    def tell(moment: Moment) -> None:
        own = recorder_on(database)
        together.wait()
        try:
            own.record(of(moment))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=tell, args=(moment,)) for moment in moments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(failure) for failure in failures] == [JournalDifference]
    assert count(database)[:2] == (1, 2)
