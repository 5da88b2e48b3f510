"""Whatever is recorded in whatever order: the journal stays one unbroken chain."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from casework.domain import events as e
from casework.domain.stages import Stage
from casework.store.cases.casebook import (
    JournalDifference,
    JournalGap,
    canonical,
    find_case,
    read_journal,
    restore,
    verify_chain,
)
from casework.store.database import Database
from casework.store.outbox import NewNotice, notices_of_case
from tests.sample_case import CALENDAR, RULES
from tests.store.story import Moment, Story, put, record

_numbers = itertools.count(1)


class Casebook(RuleBasedStateMachine):
    """A casebook that is told things once, twice, too early and differently."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.story = Story(f"eco-machine{next(_numbers):05}").lead_to(Stage.APPLICATION_REVIEW)
        put(database, self.story, [NewNotice("noted", 1, "con-1")])
        self.said = list(self.story.requests)

    def tell(self, request: Moment) -> None:
        notices = [NewNotice("noted", line.seq, "con-1") for line in request.events]
        with self.database.writing() as session:
            record(session, request, notices)

    @rule(texts=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=3))
    def go_on(self, texts: list[str]) -> None:
        request = self.story.happen([e.NoteAdded(note=text) for text in texts])
        self.tell(request)
        self.said.append(request)

    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        self.tell(data.draw(st.sampled_from(self.said)))

    @rule(data=st.data())
    def repeat_much_and_go_on(self, data: st.DataObject) -> None:
        first = data.draw(st.integers(0, len(self.said) - 1))
        new = self.story.happen([e.NoteAdded(note="And on.")])
        old = [line for request in self.said[first:] for line in request.events]
        self.tell(new._replace(events=(*old, *new.events)))
        self.said.append(new)

    @rule()
    def skip(self) -> None:
        case = self.story.case
        self.story.happen([e.NoteAdded(note="Never told.")])
        request = self.story.happen([e.NoteAdded(note="Too early.")])
        self.story.case = case
        with pytest.raises(JournalGap):
            self.tell(request)

    @rule(data=st.data())
    def differ(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(self.said))
        index = data.draw(st.integers(0, len(request.events) - 1))
        lines = list(request.events)
        lines[index] = lines[index].model_copy(
            update={"event": e.NoteAdded(note="Something else than was recorded.")}
        )
        with pytest.raises(JournalDifference):
            self.tell(request._replace(events=tuple(lines)))

    @invariant()
    def the_journal_is_what_was_said(self) -> None:
        lines = [line for request in self.said for line in request.events]
        case_id = self.story.terms.case_id
        with self.database.reading() as session:
            rows = read_journal(session, case_id)
            assert [row.body for row in rows] == [canonical(line) for line in lines]
            assert verify_chain(rows, version=len(lines)) is None
            case = find_case(session, case_id)
            assert case is not None
            assert restore(case, RULES, CALENDAR) == self.story.case
            notices = notices_of_case(session, case_id)
            assert [notice.seq for notice in notices] == [line.seq for line in lines]


def test_a_casebook_told_anything_keeps_one_unbroken_chain(database: Database) -> None:
    class OnThisDatabase(Casebook):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        OnThisDatabase, settings=settings(max_examples=15, stateful_step_count=12)
    )
