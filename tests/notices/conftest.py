"""Fixtures of the tests of notices."""

import pytest

from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from tests.notices.tale import composer_of


@pytest.fixture(scope="session")
def catalog() -> ProgramCatalog:
    """Load the programs that ship."""
    return ProgramCatalog.load()


@pytest.fixture
def composer(sqlite_database: Database, catalog: ProgramCatalog) -> NoticeComposer:
    """Compose notices out of the SQLite database."""
    return composer_of(sqlite_database, catalog)
