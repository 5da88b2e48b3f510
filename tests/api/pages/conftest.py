"""Fixtures of the tests of the page kit: those of the public pages."""

from tests.api.public.conftest import application, catalog, client, clock, database, settings
from tests.databases import migrated_sqlite_file, sqlite_database

__all__ = [
    "application",
    "catalog",
    "client",
    "clock",
    "database",
    "migrated_sqlite_file",
    "settings",
    "sqlite_database",
]
