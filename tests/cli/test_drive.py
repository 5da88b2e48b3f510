"""`casework drive` against a real API, worker and server; and what it shows where nobody looks on."""

import csv
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from joserfc.jwk import ECKey, KeySet
from rich.console import Console

from api.app import create_app
from casework.drives.screen import DriveScreen
from casework.processes.servers import TemporalDevServer, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS, wait_until
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from tests.api.conftest import catalog, settings_for
from tests.api.engine.workers import workers_at_work
from tests.api.seminar_desk import csv_of, line

__all__ = ["catalog"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def settings(
    sqlite_database: Database, tmp_path: Path, temporal_server: TemporalDevServer
) -> Settings:
    return settings_for(sqlite_database, tmp_path, temporal_server.target)


@pytest.fixture
def casework(settings: Settings, catalog: ProgramCatalog, tmp_path: Path) -> Iterator[Run]:
    """Serve the API, have workers at work, and give the command that is run beside them."""
    port = free_port()
    config = uvicorn.Config(
        create_app(settings, catalog=catalog), port=port, log_level="error", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "casework.cli.app", "drive", *arguments]
        return subprocess.run(
            [*command, "--url", f"http://127.0.0.1:{port}"],
            env={"PATH": os.defpath, "CASEWORK_STATE_FOLDER": str(settings.state_folder), **more},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT_SECONDS,
            check=False,
        )

    def check() -> None:
        assert thread.is_alive(), "the API has ended by itself"

    with workers_at_work(settings, catalog):
        thread.start()
        try:
            wait_until("the API to listen", lambda: server.started or None, check=check)
            yield run
        finally:
            server.should_exit = True
            thread.join(LONGEST_WAIT_SECONDS)


PROGRAM = ("--program", "eco-network", "--seminar", "สัมมนา")


def test_a_list_becomes_cases_and_what_could_not_be_used_comes_back(
    casework: Run, tmp_path: Path
) -> None:
    """Lines without a terminal: the mapping, the dry run, the progress, the summary, the forecast."""
    file = tmp_path / "list.csv"
    file.write_bytes(csv_of([line(1), line(2), line(3, email="")]))
    done = casework("run", str(file), *PROGRAM, "--province", "21", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "registration_no\tทะเบียนโรงงาน" in said
    assert "Not used: หมายเหตุ" in said
    assert "new\t2" in said
    assert "finished: 3 of 3 rows, 2 opened, 1 skipped" in said
    assert "21 Rayong\t3\t2\t0\t1\t0\t0" in said
    assert "No forecast yet" in said
    rows = list(
        csv.reader(io.StringIO((tmp_path / "list.csv.problems.csv").read_text("utf-8-sig")))
    )
    assert [row[0] for row in rows[1:]] == ["3-00003"]
    drive = next(word for word in said.split() if word.startswith("drv-"))
    status = casework("status", drive)
    assert status.returncode == 0
    assert "finished" in status.stdout


def test_without_a_yes_nothing_is_started(casework: Run, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(csv_of([line(1)], ("a", "b", "c", "d", "e", "f")))
    columns = [
        part
        for field, column in (("registration_no", "a"), ("name_th", "b"), ("province", "c"))
        for part in ("--column", f"{field}={column}")
    ]
    done = casework("run", str(file), *PROGRAM, *columns, "--column", "email=e")
    assert done.returncode == 1
    assert "new\t1" in done.stdout
    assert "Not started" in done.stdout
    drive = next(word for word in done.stdout.split() if word.startswith("drv-"))
    assert "ready" in casework("status", drive).stdout


def test_what_cannot_be_done_is_said_in_a_line(casework: Run, tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty.csv", tmp_path / "broken.csv"
    empty.write_bytes(b"")
    broken.write_bytes(csv_of([line(1, email="wrong")]))
    for arguments, told in (
        (("run", str(empty), *PROGRAM), "The list cannot be read. There is nothing in the file."),
        (("run", str(broken), *PROGRAM), "Nothing was started."),
        (("run", str(broken), *PROGRAM, "--column", "email"), "write field=column"),
        (("run", str(broken), "--program", "gold", "--seminar", "S"), "No such program."),
        (("status", "drv-nothing"), "Not found."),
    ):
        done = casework(*arguments)
        assert done.returncode == 1, done.stdout
        assert told in done.stdout
        assert "Traceback" not in done.stderr
    keys = KeySet([ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)])
    (tmp_path / "keys.json").write_text(json.dumps(keys.as_dict(private=False)), encoding="utf-8")
    by_provider = casework("status", "drv-1", CASEWORK_TOKEN_KEYS=str(tmp_path / "keys.json"))
    assert "--token or CASEWORK_TOKEN" in by_provider.stdout, by_provider.stderr


def test_no_api_is_said_in_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "casework.cli.app", "drive", "status", "drv-1"]
    done = subprocess.run(
        [*command, "--url", "http://127.0.0.1:9"],
        env={"PATH": os.defpath, "CASEWORK_STATE_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "The API does not answer" in done.stdout


def test_a_terminal_gets_tables_and_a_bar() -> None:
    """The words of a list are shown as they are, whatever they look like."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=100, markup=False, highlight=False
    )
    screen = DriveScreen(console)
    taken: dict[str, Any] = {
        "rows": 2,
        "sheet": None,
        "encoding": "utf-8",
        "delimiter": ";",
        "columns": ["[red]no[/red]", "b"],
        "unmapped": ["b"],
        "noted": 2,
        "notes": [{"code": "n", "text": "Something."}],
    }
    screen.show_list(taken, {"registration_no": "[red]no[/red]"})
    progress = {"pending": 1, "opened": 1, "joined": 0, "skipped": 0, "failed": 0, "total": 2}
    done = {**progress, "pending": 0, "opened": 2}
    last = screen.follow(
        [{"state": "running", "progress": progress}, {"state": "finished", "progress": done}]
    )
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert last["state"] == "finished"
    for words in ("[red]no[/red]", "Not used: b", "Note: Something.", "2/2", "2 opened"):
        assert words in shown
