"""The schema: up, down, and the same as the tables in the code."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from casework.store.database import Database
from casework.store.migrations import downgrade, in_the_code, upgrade
from casework.store.tables import Row


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'casework.db'}"
    make: Callable[[], str] = request.getfixturevalue("fresh_postgres_database")
    return make()


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"include_object": in_the_code, "compare_type": True}
    )
    return compare_metadata(context, Row.metadata)


def test_up_down_and_up_again_ends_where_it_began(empty_url: str) -> None:
    database = Database(empty_url)
    database.migrate()
    with database.engine.begin() as connection:
        assert set(Row.metadata.tables) <= tables(connection)
        downgrade(connection)
        assert tables(connection) == {"alembic_version"}
        upgrade(connection)
        assert differences(connection) == []
    database.close()


def test_migrations_build_the_tables_of_the_code(database: Database) -> None:
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_a_table_that_only_the_code_has_would_be_noticed(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE stray (id INTEGER PRIMARY KEY)"))
        found = differences(connection)
        connection.execute(text("DROP TABLE stray"))
    assert [kind for kind, _ in found] == ["remove_table"]


def test_the_package_carries_one_line_of_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "casework.store:migrations")
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_processes_that_migrate_together_wait_for_one_another(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(3)]
    together = threading.Barrier(3)
    failures: list[Exception] = []

    def migrate(database: Database) -> None:
        together.wait()
        try:
            database.migrate()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with databases[0].engine.connect() as connection:
        assert differences(connection) == []
    for database in databases:
        database.close()


def test_the_trigrams_survive_a_vacuum(sqlite_database: Database) -> None:
    """The hidden row numbers of a table may change in a vacuum; the search must not rest on them."""
    add = text(
        "INSERT INTO establishments (id, registration_no, address, province, search_text,"
        " created_at, updated_at) VALUES (:id, :id, '', '21', :words, '', '')"
    )
    with sqlite_database.engine.begin() as connection:
        for number in range(9):
            connection.execute(add, {"id": f"est-{number}", "words": f"factory number{number}"})
        connection.execute(text("DELETE FROM establishments WHERE id < 'est-5'"))
        connection.execute(
            text("UPDATE establishments SET search_text = 'mill' WHERE id = 'est-6'")
        )
    sqlite_database.close()
    file = sqlite3.connect(str(sqlite_database.engine.url.database))
    file.execute("VACUUM")
    file.close()
    find = text(
        "SELECT establishment_id FROM establishment_trigrams t"
        " JOIN establishment_trigram_rows r ON r.number = t.rowid"
        " WHERE establishment_trigrams MATCH :words ORDER BY 1"
    )
    with sqlite_database.engine.connect() as connection:
        found = {
            words: connection.scalars(find, {"words": f'"{words}"'}).all()
            for words in ("factory", "mill", "number6", "number1")
        }
    assert found == {
        "factory": ["est-5", "est-7", "est-8"],
        "mill": ["est-6"],
        "number6": [],
        "number1": [],
    }
