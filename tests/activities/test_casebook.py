"""What a case asks of its casebook: each thing is done and recorded in one transaction, once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.casebook import CasebookActivities
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import casebook as contract
from casework.contracts.casebook import (
    CloseFeedbackRequest,
    PublishRequest,
    RecordRequest,
    Unrecorded,
)
from casework.domain import events as e
from casework.domain.acts import Decide
from casework.domain.case import evolve
from casework.domain.register import RegisterStatus
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import FeedbackCounts
from casework.register.records import NumberedEntry, fold
from casework.store.cases.calendars import keep_calendar
from casework.store.cases.casebook import (
    JournalDifference,
    JournalGap,
    find_case,
    read_journal,
    read_line,
    verify_chain,
)
from casework.store.cases.sweeping import runs_of_case
from casework.store.database import Database
from casework.store.register import entries_after, public_id_of
from casework.store.representations import NewRepresentation, submit
from casework.store.tables import NoticeRow, RegisterEntry
from tests.api.public.sample_register import sites, tell
from tests.sample_case import DECIDER, NOW, TERMS, act_of
from tests.statements import counted
from tests.store.story import Moment, Story

CASE = TERMS.case_id
PUBLISHED_AT = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def catalog() -> ProgramCatalog:
    return ProgramCatalog.load()


@pytest.fixture
def activities(database: Database, catalog: ProgramCatalog) -> CasebookActivities:
    with database.writing() as session:
        session.add(sites()[0])
    recorder = CaseRecorder(database, CaseReader.of(database, catalog))
    return CasebookActivities(database, recorder, catalog, now=lambda: PUBLISHED_AT)


def story_of(catalog: ProgramCatalog) -> Story:
    site = sites()[0]
    rules = catalog.get("eco-network", "1").rules()
    return Story(establishment=site.id, province=site.province, rules=rules)


def certified(database: Database, catalog: ProgramCatalog) -> Story:
    return tell(database, story_of(catalog).lead_to(Stage.CERTIFIED))


def of(moment: Moment) -> Unrecorded:
    return Unrecorded.of(moment.case, moment.events)


def publication(
    story: Story, version: int | None = None, seq: int | None = None, run_ends: str | None = None
) -> PublishRequest:
    """Ask for the publication of a case whose grant is on record, as its next line."""
    return PublishRequest(
        unrecorded=Unrecorded(case_id=story.case.case_id),
        seq=seq or story.case.version + 1,
        at=PUBLISHED_AT,
        version=version or story.case.version,
        run_ends=run_ends,
    )


def publish(activities: CasebookActivities, story: Story) -> PublishRequest:
    """Publish a story as it stands, let it know, and return what was asked."""
    request = publication(story)
    story.case = evolve(story.case, request.line(activities.publish(request)))
    return request


def lines(database: Database) -> list[e.Recorded]:
    """Return the journal, after checking its chain against the read model."""
    with database.reading() as session:
        rows, case = read_journal(session, CASE), find_case(session, CASE)
        assert verify_chain(rows, case.version if case else 0) is None
        return [read_line(row) for row in rows]


def rows_in(database: Database, table: type[RegisterEntry | NoticeRow]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def current(database: Database, story: Story) -> NumberedEntry:
    """Return what the register shows of the establishment."""
    with database.reading() as session:
        records = fold({}, map(NumberedEntry.of, entries_after(session, 0)))
    return records[public_id_of("eco-network", story.terms.establishment)].current


def test_the_activities_have_the_names_of_their_contract() -> None:
    for method, name in (
        (CasebookActivities.record, "casebook.record"),
        (CasebookActivities.close_feedback, "casebook.close_feedback"),
        (CasebookActivities.publish, "casebook.publish"),
    ):
        assert method.__dict__["__temporal_activity_definition"].name == name


# --- Recording ------------------------------------------------------------------------------------


def test_recording_twice_writes_lines_letters_and_the_end_of_the_run_once(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    """A worker can end between the commit and the answer."""
    story = story_of(catalog).lead_to(Stage.APPLICATION_REVIEW)
    with database.writing() as session:
        keep_calendar(session, story.terms.calendar)
    request = RecordRequest(unrecorded=of(story.requests[0]), run_ends="run-1")
    for _ in range(2):
        ActivityEnvironment().run(activities.record, request)
    assert lines(database) == list(story.requests[0].events)
    assert rows_in(database, NoticeRow) > 0
    letters = rows_in(database, NoticeRow)
    activities.record(request)
    assert rows_in(database, NoticeRow) == letters
    with database.reading() as session:
        assert [run.run_id for run in runs_of_case(session, CASE)] == ["run-1"]


def test_the_end_of_a_run_is_noted_without_lines_too(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    certified(database, catalog)
    activities.record(RecordRequest(unrecorded=Unrecorded(case_id=CASE), run_ends="run-1"))
    with database.reading() as session:
        assert [run.run_id for run in runs_of_case(session, CASE)] == ["run-1"]


def test_lines_after_a_gap_write_nothing(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.APPLICATION_REVIEW))
    story.note()
    request = RecordRequest(unrecorded=of(story.note()), run_ends="run-1")
    with pytest.raises(JournalGap):
        activities.record(request)
    assert len(lines(database)) == 1
    with database.reading() as session:
        assert runs_of_case(session, CASE) == []


def test_another_line_under_the_same_number_writes_nothing(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.INSPECTION))
    other = story_of(catalog).lead_to(Stage.APPLICATION_REVIEW)
    with pytest.raises(JournalDifference):
        activities.record(RecordRequest(unrecorded=of(other.note())))
    assert len(lines(database)) == story.case.version


# --- The end of the feedback period ---------------------------------------------------------------


def speak(database: Database, count: int) -> None:
    with database.writing() as session:
        for n in range(count):
            new = NewRepresentation(
                stance=Stance.OBJECTION if n else Stance.SUPPORT,
                text="เสียงดังตอนกลางคืน",
                language="th",
                update_key=f"k-{n}",
                digest="d",
            )
            submit(session, CASE, new, NOW)


def end_of_feedback(story: Story) -> CloseFeedbackRequest:
    assert story.case.running is not None
    due_at = story.case.running.due_at
    return CloseFeedbackRequest(
        case_id=CASE, seq=story.case.version + 1, at=due_at, closes_at=due_at
    )


def test_the_feedback_period_ends_once_and_takes_the_same_representations(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    """The second attempt finds the first one's commit, whose answer was lost, and answers the same."""
    story = tell(database, story_of(catalog).lead_to(Stage.FEEDBACK))
    speak(database, 3)
    request = end_of_feedback(story)
    with counted(database.engine) as sent:
        first = activities.close_feedback(request)
    assert sent.commits == 1
    assert activities.close_feedback(request) == first
    assert (first.support, first.objection, len(first.representations)) == (1, 2, 3)
    assert lines(database)[-1] == request.line(first)
    assert len(lines(database)) == story.case.version + 1
    with database.reading() as session:
        row = find_case(session, CASE)
        assert row is not None
        assert (row.stage, row.feedback_closed) == (Stage.ANSWERING, True)


def test_a_feedback_period_that_has_gone_on_since_is_answered_as_it_ended(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.FEEDBACK))
    request = end_of_feedback(story)
    first = activities.close_feedback(request)
    story.case = evolve(story.case, request.line(first))
    done = len(story.requests)
    story.note()
    tell(database, story, since=done)
    assert activities.close_feedback(request) == first


def test_a_record_that_is_behind_ends_no_feedback_period(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.FEEDBACK))
    story.note()
    for request in (
        end_of_feedback(story),
        end_of_feedback(story).model_copy(update={"case_id": "eco-nosuchcase00"}),
    ):
        with pytest.raises(ApplicationError) as failure:
            activities.close_feedback(request)
        assert failure.value.type == contract.RECORD_BEHIND
        assert failure.value.non_retryable
    assert len(lines(database)) == story.case.version - 1


# --- Publishing -----------------------------------------------------------------------------------


def test_publishing_shows_the_establishment_as_certified(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = certified(database, catalog)
    receipt = ActivityEnvironment().run(activities.publish, publication(story))
    assert receipt.entry == 1
    shown = current(database, story)
    assert shown.body.status is RegisterStatus.ACTIVE
    assert shown.published_at == PUBLISHED_AT
    assert shown.body.feedback == FeedbackCounts()


def test_entry_line_and_end_of_run_are_written_in_one_transaction_and_once(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    """A worker can end between the commit and the answer: the next attempt answers the same."""
    story = certified(database, catalog)
    request = publication(story, run_ends="run-1")
    with counted(database.engine) as sent:
        first = activities.publish(request)
    assert sent.commits == 1
    assert sent.statements <= 11, sent
    assert activities.publish(request) == first
    assert rows_in(database, RegisterEntry) == 1
    assert lines(database)[-1] == request.line(first)
    assert len(lines(database)) == request.seq
    with database.reading() as session:
        row = find_case(session, CASE)
        assert row is not None
        assert row.register_entry == first.entry
        assert [run.run_id for run in runs_of_case(session, CASE)] == ["run-1"]


def test_a_grant_that_is_not_on_record_yet_is_recorded_with_its_publication(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.DECISION))
    grant = story.act(act_of(Decide, story.case), DECIDER)
    request = publication(story).model_copy(update={"unrecorded": of(grant)})
    with counted(database.engine) as sent:
        first = activities.publish(request)
    assert sent.commits == 1
    assert lines(database)[-len(grant.events) - 1 :] == [*grant.events, request.line(first)]
    assert activities.publish(request) == first
    assert rows_in(database, RegisterEntry) == 1


def test_an_entry_shows_the_case_at_its_version_and_not_later(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    """A publication that was held up says what was so then; the one after it says what is so now."""
    story = certified(database, catalog)
    granted = story.case.version
    assert story.case.valid_until is not None
    done = len(story.requests)
    story.happen([e.CertificationExpired()], now=story.case.valid_until)
    tell(database, story, since=done)

    receipt = activities.publish(request := publication(story, version=granted))
    story.case = evolve(story.case, request.line(receipt))
    activities.publish(publication(story))
    with database.reading() as session:
        states = [entry.status for entry in entries_after(session, 0)]
    assert states == [RegisterStatus.ACTIVE, RegisterStatus.EXPIRED]


def test_a_publication_ahead_of_the_record_is_told_that_the_record_is_behind(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = certified(database, catalog)
    unknown = publication(story).model_copy(
        update={"unrecorded": Unrecorded(case_id="eco-nosuchcase00")}
    )
    for ahead in (publication(story, seq=story.case.version + 2), unknown):
        with pytest.raises(ApplicationError) as failure:
            activities.publish(ahead)
        assert failure.value.type == contract.RECORD_BEHIND
        assert failure.value.non_retryable
    assert rows_in(database, RegisterEntry) == 0


def test_a_case_without_a_certification_is_not_publishable_and_nothing_is_written(
    database: Database, activities: CasebookActivities, catalog: ProgramCatalog
) -> None:
    story = tell(database, story_of(catalog).lead_to(Stage.INSPECTION))
    note = story.note()
    request = publication(story).model_copy(update={"unrecorded": of(note)})
    with pytest.raises(ApplicationError) as failure:
        activities.publish(request)
    assert failure.value.type == contract.NOT_PUBLISHABLE
    assert failure.value.non_retryable
    assert rows_in(database, RegisterEntry) == 0
    assert len(lines(database)) == story.case.version - 1
