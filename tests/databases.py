"""Fixtures of the application database, migrated and empty: on SQLite, on PostgreSQL, on both."""

import shutil
import uuid
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from casework.store.database import Database
from casework.store.tables import Row


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """Run the test on SQLite and again on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_database")


@pytest.fixture
def sqlite_database(migrated_sqlite_file: Path, tmp_path: Path) -> Generator[Database]:
    """Give an empty SQLite database."""
    file = tmp_path / "casework.db"
    shutil.copyfile(migrated_sqlite_file, file)
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture
def postgresql_database(migrated_postgres: Database) -> Generator[Database]:
    """Give the PostgreSQL database of this process, empty."""
    yield migrated_postgres
    # For the few rows of a test that is many times faster than TRUNCATE, which makes new files.
    with migrated_postgres.engine.begin() as connection:
        for table in reversed(Row.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate once and hand out copies."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    # Closing the last connection empties the log into the file, which is then all there is.
    database.close()
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> Generator[Database]:
    """Migrate once and empty the tables after each test."""
    server = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    name = sql.Identifier(f"casework_store_{uuid.uuid4().hex}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name)
        )
    url = make_url(postgres_url).set(database=name.as_string().strip('"'))
    database = Database(url.render_as_string(False))
    database.migrate()
    yield database
    database.close()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
