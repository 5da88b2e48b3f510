"""Fixtures of the API's tests: an application on a database of its own, and a desk to use it from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from tests.api.desk import Desk, SetClock

NOBODY_LISTENS = "127.0.0.1:1"


@pytest.fixture(scope="session")
def catalog() -> ProgramCatalog:
    """Read the programs once."""
    return ProgramCatalog.load()


@pytest.fixture
def clock() -> SetClock:
    """Stand at the time of the sample case."""
    return SetClock()


def settings_for(database: Database, folder: Path, temporal: str = NOBODY_LISTENS) -> Settings:
    """Return settings that use nothing of this machine's environment."""
    return Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        state_folder=folder / "state",
        database_url=database.engine.url.render_as_string(hide_password=False),
        temporal_address=temporal,
        public_url="https://cases.example",
        evidence_most_bytes=4096,
    )


@pytest.fixture
def settings(sqlite_database: Database, tmp_path: Path) -> Settings:
    """Say where everything is; there is no Temporal anywhere near."""
    return settings_for(sqlite_database, tmp_path)


@pytest.fixture
def desk(settings: Settings, clock: SetClock, catalog: ProgramCatalog) -> Iterator[Desk]:
    """Sit at a desk, with the API on SQLite and Temporal away."""
    app = create_app(settings, now=clock, catalog=catalog)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield Desk(client, settings, clock)


@pytest.fixture
def desk_on_both(
    database: Database, tmp_path: Path, clock: SetClock, catalog: ProgramCatalog
) -> Iterator[Desk]:
    """Sit at the same desk with SQLite, and again with PostgreSQL."""
    settings = settings_for(database, tmp_path)
    app = create_app(settings, now=clock, catalog=catalog)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
        yield Desk(client, settings, clock)
