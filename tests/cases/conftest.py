"""Fixtures of the tests of recording."""

from tests.databases import (
    database,
    migrated_postgres,
    migrated_sqlite_file,
    postgresql_database,
    sqlite_database,
)

__all__ = [
    "database",
    "migrated_postgres",
    "migrated_sqlite_file",
    "postgresql_database",
    "sqlite_database",
]
