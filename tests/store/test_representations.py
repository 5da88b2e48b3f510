"""The community speaks while the period runs: each representation is in the closed set or refused."""

import itertools
import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from casework.contracts.casebook import ClosedFeedback
from casework.domain import acts as a
from casework.domain.numbers import Numbers
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.store import representations
from casework.store.cases.casebook import find_case
from casework.store.database import Database
from casework.store.keys import KeyReused
from casework.store.representations import (
    FeedbackFull,
    FeedbackNotOpen,
    FeedbackPeriodUnknown,
    NewRepresentation,
    close_feedback,
    find_by_receipt,
    representations_of_case,
    submit,
)
from casework.store.tables import Representation
from tests.sample_case import NOW, OFFICER, SUPERVISOR, TERMS, act_of
from tests.statements import counted
from tests.store.story import Story, put, recorded

CASE = TERMS.case_id
_numbers = itertools.count(1)


def said(key: str, **more: object) -> NewRepresentation:
    return NewRepresentation.model_validate(
        {
            "stance": Stance.OBJECTION,
            "text": "น้ำในคลองมีกลิ่น",
            "language": "th",
            "update_key": key,
            "digest": "d",
            **more,
        }
    )


def closes_at(story: Story) -> datetime:
    assert story.case.running is not None
    return story.case.running.due_at


def speak(database: Database, key: str, now: datetime = NOW, **more: object) -> Representation:
    with database.writing() as session:
        return submit(session, CASE, said(key, **more), now)


def test_representations_are_numbered_from_one_on_each_case(database: Database) -> None:
    recorded(database, Stage.FEEDBACK)
    put(database, Story("eco-othercase001").lead_to(Stage.FEEDBACK))
    assert [speak(database, f"k{n}").number for n in range(3)] == [1, 2, 3]
    with database.writing() as session:
        assert submit(session, "eco-othercase001", said("k9"), NOW).number == 1
    with database.reading() as session:
        rows = representations_of_case(session, CASE, after=1, limit=1)
        assert [(row.number, row.text, row.accepted) for row in rows] == [(2, "น้ำในคลองมีกลิ่น", True)]


def test_a_representation_takes_four_statements_and_one_commit(database: Database) -> None:
    recorded(database, Stage.FEEDBACK)
    with counted(database.engine) as sent:
        speak(database, "k1")
    assert (sent.statements, sent.commits) == (4, 1), sent


def test_the_author_finds_the_representation_by_its_receipt(database: Database) -> None:
    recorded(database, Stage.FEEDBACK)
    row = speak(database, "k1")
    with database.reading() as session:
        found = find_by_receipt(session, row.receipt)
        assert found is not None
        assert (found.case_id, found.number) == (CASE, 1)
        assert find_by_receipt(session, "rep-0000000000000000") is None


def test_the_same_key_gives_the_same_representation(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    first = speak(database, "k1")
    assert speak(database, "k1").receipt == first.receipt
    # Also when the period is over by then: the answer got lost, not the representation.
    assert speak(database, "k1", closes_at(story)).number == 1
    with database.reading() as session:
        assert len(representations_of_case(session, CASE)) == 1


def test_the_same_key_with_another_content_is_refused(database: Database) -> None:
    recorded(database, Stage.FEEDBACK)
    put(database, Story("eco-othercase001").lead_to(Stage.FEEDBACK))
    speak(database, "k1")
    with pytest.raises(KeyReused):
        speak(database, "k1", digest="other")
    with pytest.raises(KeyReused), database.writing() as session:
        submit(session, "eco-othercase001", said("k1"), NOW)


@pytest.mark.parametrize(
    "stage", [Stage.INSPECTION, Stage.ANSWERING, Stage.REVIEW, Stage.CERTIFIED]
)
def test_nobody_speaks_at_another_stage(database: Database, stage: Stage) -> None:
    recorded(database, stage)
    with pytest.raises(FeedbackNotOpen):
        speak(database, "k1")


def test_nobody_speaks_on_a_case_that_is_not_there(database: Database) -> None:
    with pytest.raises(FeedbackNotOpen):
        speak(database, "k1")


def test_the_period_ends_to_the_microsecond(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    speak(database, "k1", closes_at(story) - timedelta(microseconds=1))
    with pytest.raises(FeedbackNotOpen):
        speak(database, "k2", closes_at(story))


def test_an_extension_counts_as_soon_as_it_is_recorded(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    end = closes_at(story)
    extended = a.ExtendFeedback(days=7, reason="A holiday fell into it.")
    story.act(extended, SUPERVISOR)
    put(database, story, since=len(story.requests) - 1)
    speak(database, "k1", end)


def test_a_case_takes_ten_thousand_and_no_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert representations.MOST_REPRESENTATIONS == 10_000
    monkeypatch.setattr(representations, "MOST_REPRESENTATIONS", 2)
    recorded(database, Stage.FEEDBACK)
    speak(database, "k1")
    speak(database, "k2")
    with pytest.raises(FeedbackFull):
        speak(database, "k3")


def test_closing_returns_what_waits_for_an_answer_and_how_it_stands(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    for n, stance in enumerate([Stance.SUPPORT, Stance.OBJECTION, Stance.OBJECTION]):
        speak(database, f"k{n}", stance=stance)
    with database.writing() as session:
        session.get_one(Representation, (CASE, 2)).accepted = False
    expected = ClosedFeedback(representations=Numbers.of([1, 3]), support=1, objection=1)
    for statements in (3, 2):
        with counted(database.engine) as sent, database.writing() as session:
            assert close_feedback(session, CASE, closes_at(story)) == expected
        assert (sent.statements, sent.commits) == (statements, 1), sent
    with pytest.raises(FeedbackNotOpen):
        speak(database, "k9")


def test_a_closed_period_with_thousands_is_read_in_one_go(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    rows = [
        {
            "case_id": CASE,
            "number": n,
            "receipt": f"rep-{n}",
            "received_at": NOW,
            **said(f"k{n}").model_dump(),
        }
        for n in range(1, 2001)
    ]
    with database.writing() as session:
        session.execute(insert(Representation), rows)
    with database.writing() as session:
        closed = close_feedback(session, CASE, closes_at(story))
    assert closed == ClosedFeedback(representations=Numbers(ranges=((1, 2000),)), objection=2000)
    story.close_feedback(closed.representations)
    story.act(act_of(a.DisposeRepresentations, story.case), OFFICER)
    put(database, story, since=len(story.requests) - 2)
    with database.reading() as session:
        answered = representations_of_case(session, CASE, limit=5000)
        assert {row.answer for row in answered} == {"Thank you; the plant has been asked."}


def test_a_late_attempt_for_an_earlier_period_ends_nothing(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    earlier = closes_at(story) - timedelta(days=1)
    with pytest.raises(FeedbackPeriodUnknown), database.writing() as session:
        close_feedback(session, CASE, earlier)
    with pytest.raises(FeedbackPeriodUnknown), database.writing() as session:
        close_feedback(session, "eco-nosuchcase00", earlier)
    speak(database, "k1")


def test_a_repetition_after_the_stage_has_changed_is_harmless(database: Database) -> None:
    story = recorded(database, Stage.FEEDBACK)
    end = closes_at(story)
    speak(database, "k1")
    with database.writing() as session:
        first = close_feedback(session, CASE, end)
    story.close_feedback(first.representations)
    put(database, story, since=len(story.requests) - 1)
    with database.writing() as session:
        assert close_feedback(session, CASE, end) == first
    with database.reading() as session:
        case = find_case(session, CASE)
        assert case is not None
        assert case.stage is Stage.ANSWERING


@pytest.mark.parametrize("attempt", range(3))
def test_each_representation_is_in_the_closed_set_or_was_refused(
    database: Database, attempt: int
) -> None:
    """Two threads speak while a third closes; nothing falls in between."""
    story = recorded(database, Stage.FEEDBACK)
    speakers, each = 2, 25
    together = threading.Barrier(speakers + 1)
    some_are_in = threading.Event()
    outcomes: dict[str, int | None] = {}
    failures: list[Exception] = []
    closed: list[ClosedFeedback] = []

    def speak_often(name: str) -> None:
        together.wait()
        for n in range(each):
            key = f"{name}-{n}"
            try:
                outcomes[key] = speak(database, key).number
            except FeedbackNotOpen:
                outcomes[key] = None
            except Exception as error:
                failures.append(error)
            if n == 5 + attempt:
                some_are_in.set()

    def close() -> None:
        together.wait()
        some_are_in.wait()
        with database.writing() as session:
            closed.append(close_feedback(session, CASE, closes_at(story)))

    threads = [threading.Thread(target=speak_often, args=(f"s{n}",)) for n in range(speakers)]
    threads.append(threading.Thread(target=close))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    taken = sorted(number for number in outcomes.values() if number is not None)
    assert taken == list(closed[0].representations) == list(range(1, len(taken) + 1))
    assert len(outcomes) == speakers * each
    assert len(taken) > 5
    with database.reading() as session:
        assert len(representations_of_case(session, CASE, limit=1000)) == len(taken)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stances=st.lists(st.sampled_from(Stance), max_size=8), data=st.data())
def test_counts_are_of_the_accepted_ones_without_an_answer(
    database: Database, stances: list[Stance], data: st.DataObject
) -> None:
    # Not drawn: examples share the database.
    case_id = f"eco-counted{next(_numbers):05}"
    story = put(database, Story(case_id).lead_to(Stage.FEEDBACK))
    accepted: list[tuple[int, Stance]] = []
    with database.writing() as session:
        for number, stance in enumerate(stances, start=1):
            row = submit(session, case_id, said(f"{case_id}-{number}", stance=stance), NOW)
            row.accepted = data.draw(st.booleans())
            if row.accepted:
                accepted.append((number, stance))
    with database.writing() as session:
        closed = close_feedback(session, case_id, closes_at(story))
    counts = Counter(stance for _, stance in accepted)
    assert list(closed.representations) == [number for number, _ in accepted]
    assert (closed.support, closed.neutral, closed.objection) == (
        counts[Stance.SUPPORT],
        counts[Stance.NEUTRAL],
        counts[Stance.OBJECTION],
    )
