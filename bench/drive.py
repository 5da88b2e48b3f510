"""Open a case for every member of the network by one drive, while officers go on working.

Run it with ``make bench-drive``. Prints times, processor seconds and SQL statements; ends with 1 when a row
has no case, or more than one.
"""

import asyncio
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import psutil
import temporalio
from cyclopts import run
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from bench.officers import PER_SECOND, Answered, Latencies, OfficeCase, Officers
from bench.plants import ALL, Plant, list_of, offices_own, plants
from bench.temporal_on_postgres import (
    CASEWORK,
    NAMESPACE,
    TEMPORAL,
    VERSION,
    VISIBILITY,
    NotBuilt,
    Postgres,
    TemporalOnPostgres,
)
from casework.contracts import enrollment
from casework.domain.actors import ActorKind
from casework.drives.client import DriveClient
from casework.identity.tokens import issue_token
from casework.processes.exit import exit_process
from casework.processes.servers import LOOPBACK, ManagedProcess, free_port, is_free
from casework.settings import Settings
from casework.store.database import Database

OFFICE_CASES = 32
IDLE_SECONDS = 60.0
MOST_SECONDS = 600
"""The bar: all cases are open within ten minutes on two cores."""

MOST_TIMES_IDLE = 2
"""The bar: 95 of 100 answers to officers come within twice the time they take without a drive."""

_VISIBLE_SECONDS = 30.0
_WORKER = Path(__file__).parents[1] / "worker.py"
_NICE = {"bulk-worker": 10, "mail": 10}
"""Who gives way when processors are short, as `cpu_shares` has it in the compose file; the mail server, which would
be on another machine, does so, too."""

_DRIVE: dict[str, Any] = {"program": "eco-network", "title": "Seminar of all members"}


class System:
    """Casework as it is deployed: PostgreSQL, Temporal, mail, workers and API, each a process of its own."""

    def __init__(self, folder: Path, postgres: Postgres, workers: int) -> None:
        """Describe the processes that need a PostgreSQL; nothing is started yet."""
        self.postgres = postgres
        self.temporal = TemporalOnPostgres(postgres, folder)
        self.url = f"http://{LOOPBACK}:{(port := free_port())}"
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            state_folder=folder,
            database_url=postgres.casework_url,
            temporal_address=self.temporal.target,
            temporal_namespace=NAMESPACE,
        )
        self._folder = folder
        self._smtp_port = free_port()
        sink = ["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink"]
        self.mail = self._process("mail", *sink, "-l", f"{LOOPBACK}:{self._smtp_port}")
        self.workers = [
            self._process(f"worker-{number}", str(_WORKER), "cases") for number in range(workers)
        ]
        self.bulk = self._process("bulk-worker", str(_WORKER), "notices", "drives")
        self.api = self._process("api", "-m", "casework.cli.app", "serve", "--port", str(port))

    def start(self, stack: ExitStack) -> None:
        """Start everything; the stack ends it."""
        database = Database(self.settings.database)
        database.migrate()
        database.close()
        for process in (self.temporal, self.mail, *self.workers, self.bulk, self.api):
            stack.enter_context(process)

    def _process(self, name: str, *arguments: str) -> ManagedProcess:
        ready = {"api": self._api_answers, "mail": lambda: not is_free(self._smtp_port)}
        return ManagedProcess(
            f"the {name}",
            ["nice", "-n", str(_NICE.get(name, 0)), sys.executable, *arguments],
            log=self._folder / f"{name}.log",
            env={
                "CASEWORK_STATE_FOLDER": str(self._folder),
                "CASEWORK_DATABASE_URL": self.settings.database,
                "CASEWORK_TEMPORAL_ADDRESS": self.temporal.target,
                "CASEWORK_TEMPORAL_NAMESPACE": NAMESPACE,
                "CASEWORK_PUBLIC_URL": self.url,
                "CASEWORK_SMTP_URL": f"smtp://{LOOPBACK}:{self._smtp_port}",
            },
            # Away from the folder of the project: its .env is for another system.
            cwd=self._folder,
            is_ready=ready.get(name),
            stop_seconds=40.0,
        )

    def _api_answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/readyz", timeout=5.0).is_success
        except httpx2.HTTPError:
            return False

    def client(self) -> DriveClient:
        """Return a client of somebody who runs drives everywhere."""
        officer = ("officer-drives", (ActorKind.OFFICER,))
        return DriveClient(self.url, issue_token(self.settings, *officer, provinces="*"))

    def read(self) -> "Reading":
        """Return what everything has used so far."""
        cpu = {
            "Temporal": _cpu_of(self.temporal.pid),
            "PostgreSQL": _cpu_of(self.postgres.pid),
            "workers of cases": sum(_cpu_of(worker.pid) for worker in self.workers),
            "worker of notices and drives": _cpu_of(self.bulk.pid),
            "API": _cpu_of(self.api.pid),
            "mail server": _cpu_of(self.mail.pid),
            "this benchmark": sum(os.times()[:2]),
        }
        return Reading(time.monotonic(), Counter(cpu), self.postgres.statements())


def _cpu_of(pid: int) -> float:
    """Return the processor seconds of a process, its children and those it had."""
    process = psutil.Process(pid)
    total = sum(process.cpu_times()[:4])
    for child in process.children():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:2])
    return total


class Reading(NamedTuple):
    """What was used: processor seconds by kind of process, and SQL statements by database."""

    at: float
    cpu: Counter[str]
    statements: Counter[str]

    def since(self, before: "Reading") -> "Reading":
        """Return what was used between two readings."""
        return Reading(
            self.at - before.at,
            Counter({kind: used - before.cpu[kind] for kind, used in self.cpu.items()}),
            Counter({name: n - before.statements[name] for name, n in self.statements.items()}),
        )


class Run(NamedTuple):
    """One drive from its list to its end, in seconds."""

    drive: str
    uploaded: float
    judged: float
    accepted: float
    progress: list[tuple[float, int]]
    """Seconds since the start was asked for, and how many cases were open then."""

    @property
    def lasted(self) -> float:
        """From asking for the start to the end of the drive."""
        return self.progress[-1][0]

    def until(self, opened: float) -> float:
        """Return when so many cases were open."""
        return next((at for at, done in self.progress if done >= opened), self.lasted)


def run_drive(system: System, lines: Iterable[Plant], file: Path) -> Run:
    """Upload a list, try it out, start the drive and follow it to its end."""
    file.write_bytes(list_of(lines))
    with system.client() as client:
        drive = client.add_drive(_DRIVE)
        times = [time.monotonic()]
        listed = client.upload(drive, file)
        times.append(time.monotonic())
        client.try_out(drive, listed["fields"])
        times.append(time.monotonic())
        client.start(drive)
        times.append(time.monotonic())
        progress = [
            (time.monotonic() - times[2], int(status["progress"]["opened"]))
            for status in client.progress(drive)
        ]
    uploaded, judged, accepted = (b - a for a, b in pairwise(times))
    return Run(drive, uploaded, judged, accepted, progress)


class Measured(NamedTuple):
    """All that a run of the benchmark brought."""

    run: Run
    idle: list[Answered]
    during: list[Answered]
    idle_use: Reading
    use: Reading


async def measure(system: System, rows: int, folder: Path) -> Measured:
    """Have officers work without a drive, and then with one."""
    own = await asyncio.to_thread(
        run_drive, system, offices_own(OFFICE_CASES), folder / "offices.csv"
    )
    async with Officers(system.url, _cases_of(system, own.drive)) as officers:
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(IDLE_SECONDS, over.set)
        begun = system.read()
        idle = await officers.work_until(over)
        idle_use = system.read().since(begun)

        over = asyncio.Event()
        begun = system.read()
        work = asyncio.create_task(officers.work_until(over))
        try:
            done = await asyncio.to_thread(run_drive, system, plants(rows), folder / "members.csv")
            use = system.read().since(begun)
        finally:
            over.set()
            during = await work
    return Measured(done, idle, during, idle_use, use)


def _cases_of(system: System, drive: str) -> list[OfficeCase]:
    query = "SELECT case_id, province FROM cases JOIN drive_rows USING (case_id, province) WHERE drive_id = %s"
    with system.postgres.connect(CASEWORK) as connection:
        found = connection.execute(query, [drive]).fetchall()
    return [OfficeCase(case_id, province, system.settings) for case_id, province in found]


# --- What must be true ----------------------------------------------------------------------------

_COUNTS = """
SELECT count(*), count(*) FILTER (WHERE outcome = 'opened'), count(DISTINCT case_id),
       count(cases), count(DISTINCT cases.establishment_id), sum(journals.events),
       (SELECT count(*) FROM cases)
FROM drive_rows
LEFT JOIN cases USING (case_id)
LEFT JOIN (SELECT case_id, count(*) AS events FROM journal GROUP BY case_id) AS journals
    USING (case_id)
WHERE drive_id = %s
"""


async def count(system: System, drive: str, rows: int) -> list[tuple[str, int, int]]:
    """Return what was counted, how many there are and how many there should be."""
    with system.postgres.connect(CASEWORK) as connection:
        (found,) = connection.execute(_COUNTS, [drive]).fetchall()
    lines, opened, different, recorded, establishments, events, all_cases = found
    every = rows + OFFICE_CASES
    return [
        ("rows of the list", lines, rows),
        ("rows whose outcome is opened", opened, rows),
        ("different cases of these rows", different, rows),
        ("cases on record", recorded, rows),
        ("different establishments of these cases", establishments, rows),
        ("events in their journals", int(events), rows),
        ("all cases on record, the officers' too", all_cases, every),
        ("workflows of cases in Temporal", await _workflows(system, every), every),
    ]


async def _workflows(system: System, expected: int) -> int:
    """Count the workflows; Temporal makes them visible a little after their start."""
    client = await Client.connect(system.temporal.target, namespace=NAMESPACE)
    until = time.monotonic() + _VISIBLE_SECONDS
    while True:
        found = await client.count_workflows(f"WorkflowType = '{enrollment.WORKFLOW}'")
        if found.count >= expected or time.monotonic() > until:
            return found.count
        await asyncio.sleep(1.0)


def invitations(system: System) -> dict[str, int]:
    """Return how many notices are in which state."""
    with system.postgres.connect(CASEWORK) as connection:
        return dict(
            connection.execute("SELECT state, count(*) FROM notices GROUP BY state").fetchall()
        )


# --- What is printed ------------------------------------------------------------------------------


def show(console: Console, measured: Measured, rows: int) -> None:
    """Print times, answers, processor seconds and statements."""
    console.print(_times(measured.run, rows))
    console.print(_answers(measured))
    console.print(_use(measured, rows))


def _times(done: Run, rows: int) -> Table:
    table = Table("from the list to open cases", "seconds", "bar", title=f"A drive of {rows:,}")
    accepted = done.uploaded + done.judged + done.accepted
    quarter = rows / 4
    last = rows - 3 * quarter
    for what, seconds, bar in (
        ("the list is read", done.uploaded, ""),
        ("the dry run is made", done.judged, ""),
        ("the start is accepted (202)", done.accepted, ""),
        ("all of this: the drive is accepted", accepted, ""),
        ("all cases are open, after the start", done.lasted, f"at most {MOST_SECONDS} for {ALL:,}"),
    ):
        table.add_row(what, f"{seconds:.1f}", bar)
    first_rate = quarter / done.until(quarter)
    last_rate = last / max(done.lasted - done.until(3 * quarter), 0.001)
    table.add_section()
    table.add_row("cases a second", f"{rows / done.lasted:.1f}", "")
    table.add_row("of the first quarter, of the last", f"{first_rate:.1f}, {last_rate:.1f}", "")
    return table


def _answers(measured: Measured) -> Table:
    table = Table("officers", "without the drive", "during it", "p95 times", "bar")
    table.title = f"Officers, {PER_SECOND} requests a second: p50, p95 and longest in ms"
    for what, kinds in (("reads", {False}), ("acts", {True}), ("all", {False, True})):
        idle, during = (
            Latencies(a for a in answers if a.is_act in kinds)
            for answers in (measured.idle, measured.during)
        )
        times = during.percentile(95) / idle.percentile(95)
        table.add_row(what, _spread(idle), _spread(during), f"{times:.2f}", f"{MOST_TIMES_IDLE}")
    failed = (sum(a.status != 200 for a in answers) for answers in measured[1:3])
    table.add_row("not answered with 200", *map(str, failed), "", "0")
    return table


def _spread(latencies: Latencies) -> str:
    figures = (latencies.percentile(percent) for percent in (50, 95, 100))
    return f"{', '.join(f'{figure:.0f}' for figure in figures)} of {len(latencies)}"


def _use(measured: Measured, rows: int) -> Table:
    use, idle = measured.use, measured.idle_use
    table = Table("what was used", "in all", "per case")
    table.title = f"While the drive ran; per case without what {IDLE_SECONDS:.0f} idle seconds used"

    def per_case(during: float, before: float) -> float:
        return (during - before / idle.at * use.at) / rows

    for kind, seconds in use.cpu.items():
        each = per_case(seconds, idle.cpu[kind]) * 1000
        table.add_row(f"processor, {kind}", f"{seconds:.1f} s", f"{each:.1f} ms")
    everything = sum(use.cpu.values())
    each = per_case(everything, sum(idle.cpu.values())) * 1000
    cores = everything / use.at
    table.add_row(f"processor, all ({cores:.2f} cores)", f"{everything:.1f} s", f"{each:.1f} ms")
    table.add_section()
    for name, databases in (
        ("Temporal", (TEMPORAL, VISIBILITY)),
        ("Casework", (CASEWORK,)),
    ):
        during = sum(use.statements[database] for database in databases)
        each = per_case(during, sum(idle.statements[database] for database in databases))
        table.add_row(f"SQL statements, {name}", f"{during:,}", f"{each:.1f}")
    return table


def _machine(postgres: Postgres, workers: int) -> str:
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, load {load}; "
        f"Python {platform.python_version()}, SDK {temporalio.__version__}, Temporal server {VERSION}, "
        f"PostgreSQL {postgres.version()}; {workers} worker processes for cases and one for mail and drives"
    )


def main(*, rows: int = ALL, workers: int = 1, logs: Path | None = None) -> int:
    """Run the benchmark.

    Args:
        rows: How many of the source's sites the list has.
        workers: Worker processes for cases, beside the one for notices and drives.
        logs: Where logs and lists stay; without it, they are removed.
    """
    console = Console()
    with ExitStack() as stack:
        folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        postgres = stack.enter_context(Postgres())
        try:
            system = System(folder, postgres, workers)
        except NotBuilt as error:
            print(error, file=sys.stderr)
            return 1
        system.start(stack)
        console.print(_machine(postgres, workers))
        measured = asyncio.run(measure(system, rows, folder))
        show(console, measured, rows)
        counted = asyncio.run(count(system, measured.run.drive, rows))
        table = Table("one case for each row", "found", "expected")
        for what, found, expected in counted:
            table.add_row(what, f"{found:,}", f"{expected:,}")
        console.print(table)
        console.print(f"Notices by state: {invitations(system)}")
    if any(found != expected for _, found, expected in counted):
        console.print("[red]The counts do not add up.")
        return 1
    return 0


if __name__ == "__main__":
    exit_process(run(main, result_action="return_value") or 0)
