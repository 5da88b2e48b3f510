"""Nobody alters a journal unnoticed."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from casework.store.cases.casebook import ChainBreak, read_journal, verify_chain
from casework.store.database import Database
from casework.store.tables import JournalRow
from tests.sample_case import TERMS
from tests.store.story import Story, put, recorded

CASE = TERMS.case_id
OTHER = "eco-othercase001"

ALTERED: dict[str, Callable[[JournalRow], object]] = {
    "at": lambda row: row.at + timedelta(seconds=1),
    "type": lambda row: f"{row.type}Not",
    "actor_person": lambda row: "somebody-else",
    "actor_kind": lambda row: ActorKind.ADMINISTRATOR,
    "body": lambda row: row.body.replace("{", "{ ", 1),
    "previous_hash": lambda row: "0" * 64,
    "hash": lambda row: "0" * 64,
}


def verify(
    database: Database, case_id: str = CASE, version: int | None = None
) -> ChainBreak | None:
    with database.reading() as session:
        return verify_chain(read_journal(session, case_id), version)


def test_every_column_of_a_row_is_covered() -> None:
    assert set(ALTERED) | {"case_id", "seq"} == set(JournalRow.model_fields)


@pytest.mark.parametrize("column", ALTERED)
def test_a_row_that_was_altered_breaks_the_chain_there(database: Database, column: str) -> None:
    version = recorded(database, Stage.CERTIFIED).case.version
    assert verify(database, version=version) is None
    for seq in range(1, version + 1):
        with database.writing() as session:
            row = session.get_one(JournalRow, (CASE, seq))
            setattr(row, column, ALTERED[column](row))
            session.flush()
            found = verify_chain(read_journal(session, CASE))
            session.rollback()
        assert found is not None
        assert found.seq == seq


def test_a_forged_row_with_a_fitting_hash_breaks_the_chain_at_the_next(
    database: Database,
) -> None:
    recorded(database, Stage.CERTIFIED)
    with database.writing() as session:
        row = session.get_one(JournalRow, (CASE, 3))
        row.body = row.body.replace('"officer-21"', '"officer-99"')
        row.actor_person = "officer-99"
        row.hash = hashlib.sha256((row.previous_hash + row.body).encode()).hexdigest()
    found = verify(database)
    assert found == ChainBreak(seq=4, reason="it does not follow the event before it")


def test_a_row_that_was_taken_out_is_missed(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    with database.writing() as session:
        session.execute(delete(JournalRow).where(col(JournalRow.seq) == 4))
    assert verify(database) == ChainBreak(seq=4, reason="event 4 is missing")


def test_an_end_that_was_cut_off_is_missed_beside_the_read_model(database: Database) -> None:
    version = recorded(database, Stage.CERTIFIED).case.version
    with database.writing() as session:
        session.execute(delete(JournalRow).where(col(JournalRow.seq) > 6))
    assert verify(database) is None
    assert verify(database, version=version) == ChainBreak(
        seq=7, reason=f"the case is at version {version}"
    )


def test_a_journal_does_not_fit_another_case(database: Database) -> None:
    recorded(database, Stage.INSPECTION)
    put(database, Story(OTHER).lead_to(Stage.INSPECTION))
    with database.writing() as session:
        session.execute(delete(JournalRow).where(col(JournalRow.case_id) == OTHER))
        session.execute(update(JournalRow).values(case_id=OTHER))
    found = verify(database, OTHER)
    assert found is not None
    assert found.seq == 1
