"""One PostgreSQL and a Temporal server on it, as processes of this machine.

PostgreSQL comes with the development dependencies. The Temporal server and its schema tool are built
from their Go modules the first time, into a folder that git ignores: the development server that
Casework's wheel brings knows SQLite only.
"""

import asyncio
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import yaml
from psycopg import sql
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from casework.processes.postgres import PostgresServer
from casework.processes.servers import LOOPBACK, ManagedProcess, is_free
from casework.processes.waiting import LONGEST_WAIT_SECONDS

VERSION = "1.32.0"
"""The version that docker-compose.yml runs."""

NAMESPACE = "casework"
RETENTION = timedelta(days=3)
CASEWORK, TEMPORAL, VISIBILITY = "casework", "temporal", "temporal_visibility"

_PROJECT = Path(__file__).parents[1]
_PROGRAMS = Path(__file__).parent / ".cache" / f"temporal-{VERSION}"
_DYNAMIC_CONFIG = _PROJECT / "deploy" / "temporal" / "dynamicconfig" / "casework.yaml"
_MODULE = "go.temporal.io/server"
_PACKAGES = {"server": "cmd/server", "sql": "cmd/tools/sql"}

_SHARDS = 4
"""History shards, each with queues of its own that are read all the time. Sixty-four, as the compose
file has them, are for years of growth; on two cores four are enough to keep writers apart."""

_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.max": "10000",
    # Each of the server's four services keeps 20 connections, each Casework process up to 20.
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
}
"""What an operator would set first. Durability is as PostgreSQL comes: fsync and synchronous_commit are on."""

_PORTS = range(20000, 32768)
"""Temporal keeps the ports of its members in a column of two bytes with a sign."""


class NotBuilt(Exception):
    """The Temporal server cannot be built here; the message says what is missing."""


class Postgres(PostgresServer):
    """PostgreSQL with empty databases for Casework and for Temporal, which counts its statements."""

    def __init__(self) -> None:
        """Describe the server; nothing is started yet."""
        # The path of a socket must be short, and the server's own user must be able to get there.
        folder = Path(tempfile.mkdtemp(prefix="casework-bench-"))
        super().__init__(folder, _SETTINGS, stop_seconds=60.0)

    def __enter__(self) -> Self:
        """Start it and make the databases."""
        super().__enter__()
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            for name in (CASEWORK, TEMPORAL, VISIBILITY):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                        sql.Identifier(name)
                    )
                )
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop it and remove what it wrote."""
        super().__exit__(*exc_info)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def casework_url(self) -> str:
        """The application database, as the setting has it."""
        return self.url(CASEWORK)

    def version(self) -> str:
        """Return the version of the server."""
        with self.connect() as connection:
            return str(connection.info.parameter_status("server_version"))

    def statements(self) -> Counter[str]:
        """Count all statements so far by database, those that begin and end transactions included."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT datname, sum(calls)::bigint FROM pg_stat_statements"
                " JOIN pg_database ON pg_database.oid = dbid GROUP BY datname"
            )
            return Counter(dict(rows.fetchall()))


class TemporalOnPostgres(ManagedProcess):
    """The Temporal server, all its services in one process."""

    def __init__(self, postgres: Postgres, folder: Path) -> None:
        """Describe the server; its configuration and log go into the folder."""
        self._postgres = postgres
        self._config = folder / "temporal.yaml"
        self._programs = programs()
        self._ports = _free_ports()
        self.port = next(self._ports)
        self.target = f"{LOOPBACK}:{self.port}"
        command = [self._programs / "server", "--config-file", self._config]
        super().__init__(
            "the Temporal server",
            [*command, "--allow-no-auth", "start"],
            log=folder / "temporal.log",
            is_ready=self._answers,
            stop_seconds=30.0,
        )

    def start(self) -> None:
        """Bring the databases to their schema, start the server and register the namespace."""
        for database, schema in ((TEMPORAL, "temporal"), (VISIBILITY, "visibility")):
            self._sql_tool(database, "setup-schema", "--version", "0.0")
            name = f"postgresql/v12/{schema}"
            self._sql_tool(database, "update-schema", "--schema-name", name)
        self._config.write_text(yaml.safe_dump(self._configuration()), encoding="utf-8")
        super().start()
        asyncio.run(self._register())

    def _sql_tool(self, database: str, *arguments: str) -> None:
        command: list[str | Path] = [self._programs / "sql", "--plugin", "postgres12_pgx"]
        command += ["--endpoint", "localhost", "--port", "5432", "--user", "postgres"]
        command += ["--connect-attributes", f"host={self._postgres.folder}"]
        command += ["--database", database, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"temporal-sql-tool {arguments[0]}: {done.stderr or done.stdout}")

    def _configuration(self) -> dict[str, Any]:
        def store(database: str, connections: int) -> dict[str, Any]:
            return {
                "sql": {
                    "pluginName": "postgres12_pgx",
                    "databaseName": database,
                    # The socket among the attributes wins over this address.
                    "connectAddr": "localhost:5432",
                    "connectProtocol": "tcp",
                    "connectAttributes": {"host": str(self._postgres.folder)},
                    "user": "postgres",
                    "maxConns": connections,
                    "maxIdleConns": connections,
                    "maxConnLifetime": "1h",
                }
            }

        def service(port: int) -> dict[str, Any]:
            ports = {"grpcPort": port, "membershipPort": next(self._ports)}
            return {"rpc": {**ports, "bindOnIP": LOOPBACK}}

        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "default",
                "visibilityStore": "visibility",
                "numHistoryShards": _SHARDS,
                "datastores": {"default": store(TEMPORAL, 20), "visibility": store(VISIBILITY, 10)},
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": LOOPBACK}},
            "services": {
                "frontend": service(self.port),
                **{name: service(next(self._ports)) for name in ("history", "matching", "worker")},
            },
            "clusterMetadata": {
                "enableGlobalNamespace": False,
                "failoverVersionIncrement": 10,
                "masterClusterName": "active",
                "currentClusterName": "active",
                "clusterInformation": {
                    "active": {
                        "enabled": True,
                        "initialFailoverVersion": 1,
                        "rpcName": "frontend",
                        "rpcAddress": self.target,
                    }
                },
            },
            "dcRedirectionPolicy": {"policy": "noop"},
            "dynamicConfigClient": {"filepath": str(_DYNAMIC_CONFIG), "pollInterval": "60s"},
        }

    def _answers(self) -> bool:
        try:
            return asyncio.run(self._is_healthy())
        except (RPCError, RuntimeError):
            return False

    async def _is_healthy(self) -> bool:
        client = await Client.connect(self.target, namespace=NAMESPACE)
        return await client.service_client.check_health()

    async def _register(self) -> None:
        client = await Client.connect(self.target, namespace=NAMESPACE)
        request = RegisterNamespaceRequest(namespace=NAMESPACE)
        request.workflow_execution_retention_period.FromTimedelta(RETENTION)
        await client.workflow_service.register_namespace(request)
        # The server learns of a new namespace some seconds after it was registered.
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            self.check()
            try:
                await client.count_workflows()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND or time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)
            else:
                return


def _free_ports() -> Iterator[int]:
    return (port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))


def programs() -> Path:
    """Return the folder of the programs `server` and `sql`, built the first time.

    Raises:
        NotBuilt: there is no Go here, or it could not build them.
    """
    if all((_PROGRAMS / name).is_file() for name in _PACKAGES):
        return _PROGRAMS
    if shutil.which("go") is None:
        raise NotBuilt(
            f"The Temporal server {VERSION} has to be built once, and `go` is not installed: "
            "install Go 1.26.8 or newer (https://go.dev/doc/install) and run this again."
        )
    print(f"Building the Temporal server {VERSION}, once; this takes some minutes.", flush=True)
    _PROGRAMS.mkdir(parents=True, exist_ok=True)
    packages = [f"{_MODULE}/{path}@v{VERSION}" for path in _PACKAGES.values()]
    built = subprocess.run(
        ["go", "install", *packages], env={**os.environ, "GOBIN": str(_PROGRAMS)}, check=False
    )
    if built.returncode:
        raise NotBuilt(f"The Temporal server {VERSION} could not be built; see above.")
    return _PROGRAMS
