"""Fixtures of the page tests: a clock to set, a register with sites, and a client that reads it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.public import public_pages
from api.routes.docs_page import docs_page
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from tests.api.desk import SetClock
from tests.api.public import sample_register


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """Pages ask the store's own functions, which are tested on both databases."""
    return sqlite_database


@pytest.fixture(scope="session")
def filled_file(
    migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory, catalog: ProgramCatalog
) -> Path:
    """Fill a register once and hand out copies."""
    file = tmp_path_factory.mktemp("register") / "filled.db"
    shutil.copyfile(migrated_sqlite_file, file)
    database = Database(f"sqlite:///{file}")
    sample_register.fill(database, catalog)
    database.close()
    return file


@pytest.fixture
def filled(database: Database, filled_file: Path) -> Database:
    """Hold 70 certified sites and one case the community is asked about."""
    shutil.copyfile(filled_file, str(database.engine.url.database))
    return database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Use no environment and no `.env` file."""
    return Settings.model_construct(
        state_folder=tmp_path,
        public_url="https://register.example",
        mail_from="Casework <no-reply@register.example>",
        sample_programs=False,
        outbox_page=True,
    )


@pytest.fixture
def application(
    settings: Settings, database: Database, catalog: ProgramCatalog, clock: SetClock
) -> FastAPI:
    """Serve the pages alone: there is no Temporal anywhere near."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(docs_page())
    app.include_router(public_pages(settings, database, catalog, clock))
    return app


@pytest.fixture
def client(application: FastAPI) -> Iterator[TestClient]:
    """Read pages as a program would, without following redirects."""
    with TestClient(application, follow_redirects=False) as client:
        yield client
