"""Fixtures of the tests of the audit."""

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
