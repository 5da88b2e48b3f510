"""The application database: SQLite in WAL mode or PostgreSQL, behind one small class."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What is raised while the database does not answer, or has no connection free in time."""

_WRITES = "casework_writes"
_SECONDS_TO_CONNECT = 5
_SECONDS_TO_WAIT = 10
"""For a lock of SQLite, and for a connection of the pool."""


class Database:
    """Own the engine and hand out transactions; it knows nothing of what is in the tables.

    While the database is down, every method raises one of :data:`DATABASE_AWAY`.
    """

    def __init__(self, url: str, *, pool_size: int = 10, echo: bool = False) -> None:
        """Prepare the engine; nothing connects yet.

        Args:
            url: ``sqlite:///<file>`` or ``postgresql+psycopg://...``.
            pool_size: connections kept open; as many again may be opened for a short time.
            echo: log every statement.

        Raises:
            ValueError: the URL names another database, or SQLite in memory, where each thread
                would find a database of its own.
        """
        parsed = make_url(url)
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        options: dict[str, Any] = {
            "pool_timeout": _SECONDS_TO_WAIT,
            "echo": echo,
            # What an error says goes into logs and into Temporal's history, where names and
            # addresses have no place.
            "hide_parameters": True,
        }
        if self._is_sqlite:
            if parsed.database in {None, "", ":memory:"}:
                raise ValueError("SQLite needs a file: threads do not share a database in memory")
            self._file: Path | None = Path(str(parsed.database))
            options["connect_args"] = {"timeout": _SECONDS_TO_WAIT}
        elif parsed.drivername == "postgresql+psycopg":
            self._file = None
            options |= {
                # A connection that a restart of the server broke is replaced, not handed out.
                "pool_pre_ping": True,
                "pool_recycle": 1800,
                "connect_args": {
                    "connect_timeout": _SECONDS_TO_CONNECT,
                    "application_name": "casework",
                },
            }
        else:
            raise ValueError("a URL that starts with sqlite:/// or postgresql+psycopg://")
        self.engine: Engine = create_engine(
            parsed, pool_size=pool_size, max_overflow=pool_size, **options
        )
        if self._is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writers = self.engine.execution_options(**{_WRITES: True})
        self._readers = self.engine.execution_options(postgresql_readonly=True)

    @property
    def dialect(self) -> str:
        """Return ``sqlite`` or ``postgresql``."""
        return self.engine.dialect.name

    @contextmanager
    def reading(self) -> Generator[Session]:
        """Yield a session in one transaction that changes nothing and is never committed."""
        with Session(self._readers, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Generator[Session]:
        """Yield a session in one transaction: committed at the end, rolled back on any exception.

        On SQLite it takes the write lock at once, because a transaction that reads first and then
        writes fails as soon as another has written in between, however long it is ready to wait.
        """
        with Session(self._writers, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self) -> None:
        """Bring the schema up to date; processes that start together wait for one another."""
        from casework.store.migrations import upgrade

        if self._file is not None:
            _keep_private(self._file)
        with self._writers.begin() as connection:
            upgrade(connection)

    def ping(self) -> None:
        """Ask for nothing, to see whether the database answers (within 5 seconds)."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _keep_private(file: Path) -> None:
    """Let only the owner read a SQLite database, which holds names, addresses and letters.

    SQLite gives its companion files the mode of the database. Those that are there already are
    closed as well. A folder that exists is left as it is: it may hold what others need.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        # A companion file disappears when the last connection of another process closes.
        with suppress(FileNotFoundError):
            file.with_name(name).chmod(0o600)


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own idea of when to begin would leave out reads and schema changes.
    connection.isolation_level = None
    for pragma in (
        "busy_timeout = 10000",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
