"""How the schema came to be, step by step, and the two ways to walk: up and down."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.schema import SchemaItem

_LOCK = 0x6361736577  # "casew": taken by whoever migrates, so that processes wait for one another


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply the migrations up to ``revision`` within the connection's transaction."""
    command.upgrade(_configured(connection), revision)


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Take the migrations after ``revision`` back within the connection's transaction."""
    command.downgrade(_configured(connection), revision)


def in_the_code(
    schema_item: SchemaItem,
    name: str | None,
    type_: str,
    reflected: bool,
    compare_to: SchemaItem | None,
) -> bool:
    """Say whether Alembic finds this object among the tables of the code, or should not look.

    SQLite's trigrams are in the migration alone, and it has no use for PostgreSQL's index.
    """
    if type_ == "table" and name is not None:
        return not name.startswith("establishment_trigram")
    return name != "establishments_search"


def _configured(connection: Connection) -> Config:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", "casework.store:migrations")
    config.attributes["connection"] = connection
    return config
