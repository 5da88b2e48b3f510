"""Intents: each act is noted once before it is sent, and found again until what came of it is on record."""

from datetime import timedelta

from casework.store.cases.intents import intend, settle, unsettled
from casework.store.database import Database
from tests.sample_case import NOW, TERMS
from tests.statements import counted

CASE = TERMS.case_id
LATER = NOW + timedelta(seconds=1)


def note(database: Database, *update_ids: str) -> None:
    """Note intents, a second after one another."""
    with database.writing() as session:
        for n, update_id in enumerate(update_ids):
            intend(session, update_id, CASE, "AddNote", NOW + timedelta(seconds=n))


def found(database: Database, limit: int = 10, before: timedelta = timedelta(days=1)) -> list[str]:
    with database.reading() as session:
        return [row.update_id for row in unsettled(session, NOW + before, limit)]


def test_an_intent_says_which_act_was_sent_to_which_case_and_when(database: Database) -> None:
    note(database, "u-1")
    with database.reading() as session:
        (row,) = unsettled(session, LATER, 10)
    assert (row.update_id, row.case_id, row.act, row.at) == ("u-1", CASE, "AddNote", NOW)


def test_the_same_act_again_keeps_the_first_instant(database: Database) -> None:
    """A retry does not make a lost act younger, or nobody would ever look for it."""
    note(database, "u-1")
    with database.writing() as session:
        intend(session, "u-1", CASE, "AddNote", LATER)
    with database.reading() as session:
        assert [row.at for row in unsettled(session, NOW + timedelta(days=1), 10)] == [NOW]


def test_the_oldest_come_first_and_the_young_not_at_all(database: Database) -> None:
    note(database, "u-c", "u-a", "u-b")
    assert found(database) == ["u-c", "u-a", "u-b"]
    assert found(database, limit=2) == ["u-c", "u-a"]
    assert found(database, before=timedelta(seconds=2)) == ["u-c", "u-a"]
    assert found(database, before=timedelta()) == []


def test_what_is_settled_is_found_no_more(database: Database) -> None:
    note(database, "u-1", "u-2", "u-3")
    for _ in range(2):
        with database.writing() as session:
            settle(session, ("u-1", "u-3"))
        assert found(database) == ["u-2"]


def test_an_intent_that_is_rolled_back_with_its_record_is_found_again(database: Database) -> None:
    note(database, "u-1")
    with database.writing() as session:
        settle(session, ("u-1",))
        session.rollback()
    assert found(database) == ["u-1"]


def test_each_step_takes_one_statement(database: Database) -> None:
    with counted(database.engine) as sent:
        note(database, "u-1")
        found(database)
        with database.writing() as session:
            settle(session, ("u-1", "u-2"))
            settle(session, ())
    assert (sent.statements, sent.commits) == (3, 2), sent
