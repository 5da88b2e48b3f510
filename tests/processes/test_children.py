"""No process outlives what started it: each kind of server is left alone in every way in which a run can end."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from casework.processes.servers import ManagedProcess
from casework.processes.waiting import wait_until

ROOT = Path(__file__).parents[2]

LONG = """
    Path({flag!r}).touch()
    threading.Event().wait()
"""

POSTGRES = """
import signal
import threading
from pathlib import Path

# A run in the background of a shell inherits that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def test(postgres_url):
"""

EACH_KIND = """
import asyncio
import threading
from pathlib import Path
from tests.journeys.town import town_at

async def test(time_skipping_server, postgres_url, page, tmp_path):
    await asyncio.to_thread(live, tmp_path)

def live(folder):
    with town_at(folder):
        await_the_end()

def await_the_end():
"""


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended; nobody may have asked for its exit code yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def await_end(processes: list[psutil.Process]) -> None:
    """Wait until none of them runs."""

    def left() -> bool | None:
        return True if all(is_gone(process) for process in processes) else None

    wait_until(f"the end of {processes}", left)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Have a folder for temporary files that PostgreSQL can use: open to others, and with a short path."""
    with tempfile.TemporaryDirectory(prefix="casework-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def run_pytest(folder: Path, short_folder: Path, test: str, *options: str) -> ManagedProcess:
    """Run a test that never ends by itself, and return when it has its servers."""
    file, flag = folder / "test_long.py", folder / "it-has-begun"
    file.write_text(test + LONG.format(flag=str(flag)))
    files = ["--basetemp", str(folder / "files"), "-p", "no:cacheprovider", str(file)]
    configuration = ["-c", str(ROOT / "pyproject.toml"), "-p", "tests.servers"]
    run = ManagedProcess(
        "pytest",
        [sys.executable, "-m", "pytest", *configuration, *files, *options],
        log=folder / "pytest.log",
        env={"TMPDIR": str(short_folder)},
        cwd=ROOT,
        is_ready=flag.exists,
    )
    run.start()
    return run


def below(process: ManagedProcess) -> list[psutil.Process]:
    """Return what a process has started, and what that has started in turn."""
    return psutil.Process(process.pid).children(recursive=True)


def names_of(processes: list[psutil.Process]) -> str:
    return "\n".join(" ".join(process.cmdline()) for process in processes)


@pytest.mark.browser
@pytest.mark.postgres
def test_a_killed_run_leaves_no_server_of_any_kind(tmp_path: Path, short_folder: Path) -> None:
    """SIGKILL, as when memory runs out: neither pytest nor a fixture can do anything more."""
    run = run_pytest(tmp_path, short_folder, EACH_KIND)
    started = below(run)
    names = names_of(started)
    for kind in (
        "_watchdog.py",
        "temporal server start-dev",
        "temporal-test-server",
        "bin/postgres -D",
        "-m worker",
        "-m api.server",
        "chrom",
    ):
        assert kind in names, names
    os.kill(run.pid, signal.SIGKILL)
    await_end(started)
    run.stop()


@pytest.mark.postgres
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_leaves_nothing(
    how: signal.Signals, tmp_path: Path, short_folder: Path
) -> None:
    run = run_pytest(tmp_path, short_folder, POSTGRES)
    started = below(run)
    assert "bin/postgres -D" in names_of(started)
    os.kill(run.pid, how)
    await_end(started)
    run.stop()


@pytest.mark.postgres
@pytest.mark.parametrize("victim", ["the controller", "the worker"])
def test_a_run_of_several_processes_leaves_nothing_when_one_is_killed(
    victim: str, tmp_path: Path, short_folder: Path
) -> None:
    """The servers of a test process end with it, and the test process ends with the one that sends it tests."""
    run = run_pytest(
        tmp_path, short_folder, POSTGRES, "--numprocesses", "1", "--max-worker-restart=0"
    )
    (worker,) = psutil.Process(run.pid).children()
    started = [worker, *worker.children(recursive=True)]
    assert "bin/postgres -D" in names_of(started)
    os.kill(worker.pid if victim == "the worker" else run.pid, signal.SIGKILL)
    await_end(started)
    run.stop()


# --- The means ------------------------------------------------------------------------------------

SLEEP = '["sleep", "600"]'


def run_script(folder: Path, script: str) -> ManagedProcess:
    """Run a script with a process of its own, and return when it says that it is done."""
    head = "import os, signal, time\nfrom casework.processes import children\n"
    tail = "\nprint('done'); time.sleep(600)"
    run = ManagedProcess(
        "a script",
        [sys.executable, "-u", "-c", head + script + tail],
        log=folder / "script.log",
        is_ready=lambda: "done" in run.log_tail(),
    )
    return run


def test_a_watchdog_that_is_gone_is_replaced_with_the_next_child(tmp_path: Path) -> None:
    """The new one knows the children of the old one, too."""
    run = run_script(
        tmp_path,
        f"""
children.start_child({SLEEP})
os.kill(children._watchdog._process.pid, signal.SIGKILL)
children._watchdog._process.wait()
children.start_child({SLEEP})
""",
    )
    run.start()
    started = below(run)
    assert names_of(started).count("sleep 600") == 2
    run.kill()
    await_end(started)


def test_a_child_that_nobody_watches_yet_does_not_begin(tmp_path: Path) -> None:
    """The parent is killed after the child was made and before the watchdog has heard of it."""
    trace = tmp_path / "trace"
    run = run_script(
        tmp_path,
        f"""
def die(group):
    print(f"child {{group}}")
    os.kill(os.getpid(), signal.SIGKILL)

children._watchdog.watch = die
children.start_child(["touch", {str(trace)!r}])
""",
    )
    with pytest.raises(RuntimeError, match=r"code -9(?s:.)*child"):
        run.start()
    child = int(run.log_tail().split()[1])
    wait_until("the child to end", lambda: not psutil.pid_exists(child) or None)
    assert not trace.exists()


def test_what_a_child_has_started_ends_with_it(tmp_path: Path) -> None:
    """Ended or crashed: nothing of its group is left when it is stopped."""
    run = run_script(tmp_path, 'import subprocess; subprocess.Popen(["sleep", "600"])')
    run.start()
    (grandchild,) = below(run)
    os.kill(run.pid, signal.SIGKILL)
    assert not is_gone(grandchild)
    run.stop()
    await_end([grandchild])
