"""Transactions, and what surfaces when there is no database."""

import os
import socket
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError
from sqlmodel import col

from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from casework.store.database import Database
from casework.store.people import StaffMember, find_person, put_people
from casework.store.tables import CaseRow, Contact, JournalRow
from tests.sample_case import NOW
from tests.statements import counted
from tests.store.story import Story, recorded

SOMCHAI = StaffMember(
    person="officer-21", name="สมชาย", email="s@example.org", kinds=(ActorKind.OFFICER,)
)


def test_what_is_written_is_there_for_the_next_to_read(database: Database) -> None:
    with counted(database.engine) as sent, database.writing() as session:
        put_people(session, [SOMCHAI])
    assert (sent.statements, sent.commits) == (1, 1)
    with counted(database.engine) as sent, database.reading() as session:
        person = find_person(session, "officer-21")
    assert (sent.statements, sent.commits) == (1, 0)
    # Rows stay readable after the transaction they came with.
    assert person is not None
    assert person.name == "สมชาย"


@pytest.mark.parametrize("was_open_to_all", [False, True])
def test_only_the_owner_reads_a_sqlite_database(tmp_path: Path, was_open_to_all: bool) -> None:
    folder = tmp_path / "state"
    file = folder / "casework.db"
    if was_open_to_all:
        folder.mkdir(mode=0o700)
        file.touch()
        file.chmod(0o644)
    before = os.umask(0o022)
    try:
        database = Database(f"sqlite:///{file}")
        database.migrate()
        with database.writing() as session:
            put_people(session, [SOMCHAI])
        modes = {it.name: it.stat().st_mode & 0o777 for it in (folder, *folder.iterdir())}
        database.close()
    finally:
        os.umask(before)
    assert modes == {
        "state": 0o700,
        "casework.db": 0o600,
        "casework.db-wal": 0o600,
        "casework.db-shm": 0o600,
    }


def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    def fail() -> None:
        with database.writing() as session:
            put_people(session, [SOMCHAI])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with database.reading() as session:
        assert find_person(session, "officer-21") is None


def test_what_a_reader_changes_is_never_kept(database: Database) -> None:
    with database.writing() as session:
        put_people(session, [SOMCHAI])
    with database.reading() as session:
        person = find_person(session, "officer-21")
        assert person is not None
        person.name = "changed"
    with database.reading() as session:
        person = find_person(session, "officer-21")
        assert person is not None
        assert person.name == "สมชาย"


def test_a_reader_sees_one_moment_while_others_write(sqlite_database: Database) -> None:
    with sqlite_database.reading() as reader:
        assert find_person(reader, "officer-21") is None
        with sqlite_database.writing() as writer:
            put_people(writer, [SOMCHAI])
        assert find_person(reader, "officer-21") is None


def test_sqlite_is_set_up_for_several_processes_and_crashes(sqlite_database: Database) -> None:
    with sqlite_database.engine.connect() as connection:
        told = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert told == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_writers_that_read_first_wait_for_one_another(database: Database) -> None:
    """Two that both read and then write would otherwise fail on SQLite, wait as they may."""
    recorded(database, Stage.APPLICATION_REVIEW)
    together = threading.Barrier(2)
    failures: list[Exception] = []

    def count_up() -> None:
        try:
            together.wait()
            for _ in range(20):
                with database.writing() as session:
                    row = session.scalars(select(CaseRow).with_for_update()).one()
                    row.register_entry = (row.register_entry or 0) + 1
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with database.reading() as session:
        assert session.scalars(select(CaseRow)).one().register_entry == 40


def test_a_row_refers_to_a_case_that_is_there(database: Database) -> None:
    row = JournalRow(
        case_id="eco-nosuchcase00",
        seq=1,
        at=NOW,
        type="NoteAdded",
        actor_person="officer-21",
        actor_kind=ActorKind.OFFICER,
        body="{}",
        previous_hash="",
        hash="",
    )
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(row)


def test_instants_come_back_in_utc_to_the_microsecond(database: Database) -> None:
    at = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=7)))
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    recorded(database, Stage.APPLICATION_REVIEW)
    with database.writing() as session:
        row = session.get_one(CaseRow, story.case.case_id)
        row.due_at = at
    with database.reading() as session:
        due_at = session.get_one(CaseRow, story.case.case_id).due_at
        assert due_at is not None
        assert (due_at, due_at.tzinfo) == (at, UTC)
        found = select(CaseRow).where(col(CaseRow.due_at) <= at, col(CaseRow.due_at) >= at)
        assert session.scalars(found).one()


def test_an_instant_without_a_zone_is_a_defect(database: Database) -> None:
    recorded(database, Stage.APPLICATION_REVIEW)
    wall = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001
    with pytest.raises(StatementError, match="zone"), database.writing() as session:
        session.execute(update(CaseRow).values(due_at=wall))


def test_an_error_tells_nothing_personal(database: Database) -> None:
    row = Contact(
        id="con-1",
        establishment_id="est-nowhere",
        name="สมหญิง",
        email="somying@example.org",
        language="th",
        created_at=NOW,
    )
    with pytest.raises(IntegrityError) as failed, database.writing() as session:
        session.add(row)
    assert "somying" not in str(failed.value)
    assert "สมหญิง" not in str(failed.value)


def test_a_character_that_postgresql_does_not_take_is_replaced(database: Database) -> None:
    nul = SOMCHAI.model_copy(update={"name": "a\x00b"})
    with database.writing() as session:
        put_people(session, [nul])
    with database.reading() as session:
        person = find_person(session, "officer-21")
        assert person is not None
        assert person.name == "a\ufffdb"
        assert find_person(session, "officer-21\x00") is None


def test_a_database_that_answers_is_well(database: Database) -> None:
    database.ping()


def test_a_server_that_is_down_surfaces_as_an_operational_error() -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody else gets the port, and nobody answers.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{port}/none")
        with pytest.raises(OperationalError):
            database.ping()
        with pytest.raises(OperationalError), database.reading() as session:
            find_person(session, "officer-21")
        with pytest.raises(OperationalError), database.writing() as session:
            put_people(session, [SOMCHAI])
        database.close()


def test_a_folder_that_is_gone_surfaces_as_an_operational_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'gone' / 'casework.db'}")
    with pytest.raises(OperationalError):
        database.ping()


@pytest.mark.postgres
def test_a_connection_that_the_server_cut_is_replaced(postgresql_database: Database) -> None:
    url = postgresql_database.engine.url.render_as_string(hide_password=False)
    database = Database(url, pool_size=1)
    with database.engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with postgresql_database.engine.connect() as other:
        cut = text("SELECT pg_terminate_backend(:pid, 5000)")
        assert other.execute(cut, {"pid": pid}).scalar_one()
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid
    database.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://x", "mysql://x"])
def test_a_url_that_would_not_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"SQLite needs a file|a URL that starts with"):
        Database(url)
