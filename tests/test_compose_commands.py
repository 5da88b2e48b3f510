"""Each command of the compose file that is ours exists and starts, and its health check tells the truth.

The commands are taken from the file itself and run here as processes, against a Temporal server of
their own and SQLite in a fresh folder.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from casework.processes.children import end_group, start_child
from casework.processes.servers import TemporalDevServer, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS, wait_until
from tests.test_compose import services

pytestmark = pytest.mark.xdist_group("compose-commands")


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalDevServer]:
    """Run a server for this module alone: the worker leaves its long-lived workflows behind."""
    with TemporalDevServer(tmp_path_factory.mktemp("temporal"), ui=False) as server:
        yield server


@pytest.fixture(scope="module")
def env(temporal: TemporalDevServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Give the settings that compose would give, but for what only containers have."""
    foreign = {name for name in os.environ if name.startswith("CASEWORK_")}
    return {
        **{name: value for name, value in os.environ.items() if name not in foreign},
        "CASEWORK_STATE_FOLDER": str(tmp_path_factory.mktemp("state")),
        "CASEWORK_TEMPORAL_ADDRESS": temporal.target,
    }


def command_of(service: str, changes: Mapping[str, str] | None = None) -> list[str]:
    words: list[str] = services()[service]["command"]
    return [_ours((changes or {}).get(word, word)) for word in words]


def health_check_of(service: str) -> list[str]:
    kind, *words = services()[service]["healthcheck"]["test"]
    assert kind == "CMD"
    return [_ours(word) for word in words]


def _ours(word: str) -> str:
    # The image has both on its PATH; here they are those of the environment the tests run in.
    scripts = Path(sys.executable).parent
    return {"python": sys.executable, "casework": str(scripts / "casework")}.get(word, word)


def run(command: list[str], env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=dict(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_SECONDS,
        check=False,
    )


@contextmanager
def healthy(
    command: list[str], check: list[str], env: Mapping[str, str], cwd: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server and ask its health check until it is content."""
    log = cwd / "log"
    with log.open("wb") as output:
        process = start_child(command, output=output, env=env, cwd=cwd)

    def alive() -> None:
        assert process.poll() is None, log.read_text()

    def content() -> bool | None:
        return run(check, env, cwd).returncode == 0 or None

    try:
        wait_until("the health check to be content", content, check=alive)
        yield process
    finally:
        end_group(process)


def test_the_migration_ends_well_and_can_be_repeated(env: Mapping[str, str], tmp_path: Path):
    for _ in range(2):
        done = run(command_of("migrate"), env, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert (Path(env["CASEWORK_STATE_FOLDER"]) / "casework.db").exists()


@pytest.mark.parametrize(
    ("service", "queues"),
    [("worker", ["casework-cases"]), ("bulk-worker", ["casework-notices", "casework-drives"])],
)
def test_a_worker_starts_and_ends_when_it_is_asked_to(
    service: str, queues: list[str], env: Mapping[str, str], tmp_path: Path
):
    """Its health check fails before, holds while it works, and SIGTERM is a clean end."""
    run(command_of("migrate"), env, tmp_path)
    check = health_check_of(service)
    before = run(check, env, tmp_path)
    assert before.returncode == 1
    assert [queue for queue in queues if f"nobody works on {queue}" in before.stdout] == queues

    with healthy(command_of(service), check, env, tmp_path) as worker:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LONGEST_WAIT_SECONDS) == 0


def test_the_api_starts_and_ends_when_it_is_asked_to(env: Mapping[str, str], tmp_path: Path):
    """It is healthy without a worker, because reading goes on without one."""
    run(command_of("migrate"), env, tmp_path)
    port = free_port()
    changes = {"--host=0.0.0.0": "--host=127.0.0.1", "--port=8000": f"--port={port}"}
    check = [*health_check_of("api"), "--url", f"http://127.0.0.1:{port}"]
    before = run(check, env, tmp_path)
    assert before.returncode == 1
    assert "casework serve" in before.stdout

    with healthy(command_of("api", changes), check, env, tmp_path) as api:
        assert run(check, env, tmp_path).stdout == "", "a quiet check says nothing when all is well"
        api.send_signal(signal.SIGTERM)
        # uvicorn finishes what it answers and then hands the signal on.
        assert api.wait(LONGEST_WAIT_SECONDS) in {0, -signal.SIGTERM}
    assert "Finished server process" in (tmp_path / "log").read_text()


def test_every_command_of_ours_is_among_these():
    """A new service with our image comes with a test that starts it."""
    ours = {name for name, service in services().items() if "build" in service}
    assert ours == {"migrate", "worker", "bulk-worker", "api"}
