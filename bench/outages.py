"""A drill: parts of the system go away under load, and nothing may be recorded that Temporal does not hold.

``python -m bench.outages --outages 60 --seed 1``; every outage is drawn from the seed. Processes are real and on
PostgreSQL; :mod:`bench.checker`, which shares no code with the engine, compares SQL with Temporal's histories.
"""

import asyncio
import json
import math
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2
import psutil
import psycopg
from cyclopts import run
from rich.console import Console
from rich.table import Table
from temporalio.client import Client, RPCTimeoutOrCancelledError
from temporalio.service import RPCError

from bench.checker import (
    Histories,
    Record,
    Violation,
    ahead_of_history,
    behind_history,
    read_record,
)
from bench.people import PROVINCE, Person, Tally, Town
from bench.temporal_on_postgres import CASEWORK, Postgres
from casework.demo.mail import MailServer
from casework.demo.people import staff_of
from casework.people.directory import put_members
from casework.processes.exit import exit_process
from casework.processes.servers import ManagedProcess, TemporalDevServer, free_port
from casework.processes.waiting import wait_until
from casework.programs.provinces import provinces
from casework.settings import Settings
from casework.store.database import Database

_WORKER = Path(__file__).parents[1] / "worker.py"
_PEOPLE = 6
_BETWEEN_SECONDS = 2.0
_LOOK_SECONDS = 15.0
SETTLED_WITHIN_SECONDS = 30.0
"""How long after everything is back an accepted act may be without a record."""

VOID_WITHIN_SECONDS = 90.0
"""How long after its last attempt an act that Temporal never got may be unsettled: it is void after a minute, and was
never accepted, so that nobody waits for its record."""

LONGEST_UNCLEAR_SECONDS = 60.0
"""How long after everything is back somebody may ask until the answer is clear."""

PARTS = ("temporal", "worker", "api", "postgres")


class System:
    """All parts of a small system, each of which can be stopped and killed. A part may be several processes."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        """Describe the parts; nothing but Temporal is started yet."""
        self.postgres = postgres
        self.temporal = TemporalDevServer(folder / "temporal", ui=False)
        self.temporal.start()
        self.mail = MailServer(folder / "mail", free_port())
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            state_folder=folder,
            database_url=postgres.casework_url,
            temporal_address=self.temporal.target,
            public_url=self.url,
        )
        self._folder = folder
        self._workers = tuple(
            self._process(f"{queue}-worker", str(_WORKER), queue) for queue in ("cases", "notices")
        )
        self._api = self._process("api", "-m", "casework.cli.app", "serve", "--port", str(port))
        parts = ((self.temporal,), self._workers, (self._api,), (postgres,))
        self.parts: dict[str, tuple[ManagedProcess, ...]] = dict(zip(PARTS, parts, strict=True))

    def _process(self, name: str, *arguments: str) -> ManagedProcess:
        return ManagedProcess(
            f"the {name}",
            [sys.executable, *arguments],
            log=self._folder / f"{name}.log",
            env={
                "CASEWORK_STATE_FOLDER": str(self._folder),
                "CASEWORK_DATABASE_URL": self.settings.database,
                "CASEWORK_TEMPORAL_ADDRESS": self.temporal.target,
                "CASEWORK_PUBLIC_URL": self.url,
                "CASEWORK_SMTP_URL": self.mail.url,
                "CASEWORK_MAIL_PACE": "6000/minute",
                "CASEWORK_MAIL_PACE_IN_ALL": "6000/minute",
                # Their feedback period is over in seconds, so that cases are published during the drill.
                "CASEWORK_SAMPLE_PROGRAMS": "true",
            },
            cwd=self._folder,
            is_ready=self._answers if name == "api" else None,
        )

    def start(self, stack: ExitStack) -> None:
        """Start what is not running; the stack ends everything."""
        stack.callback(self.temporal.stop)
        database = Database(self.settings.database)
        database.migrate()
        put_members(database, staff_of([provinces()[PROVINCE]]))
        database.close()
        self.mail.start()
        stack.callback(self.mail.stop)
        for process in (*self._workers, self._api):
            stack.enter_context(process)

    def start_again(self) -> list[str]:
        """Start what does not run, as a service manager does, and name it. Those that others need come first."""
        gone = [
            process
            for part in ("postgres", *PARTS)
            for process in self.parts[part]
            if not process.alive
        ]
        for process in gone:
            process.start()
        return list(dict.fromkeys(process.name for process in gone))

    def works(self) -> bool:
        """Say whether the API has all that it needs."""
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/readyz", timeout=15.0).is_success
        return False

    def record(self) -> Record:
        """Read what SQL says and what mail has left."""
        return read_record(str(self.postgres.folder), CASEWORK, self.mail.folder)

    def _answers(self) -> bool:
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/healthz", timeout=2.0).is_success
        return False


@dataclass(frozen=True)
class Outage:
    """Parts that go away at the same time, each by being stopped or killed, and for how long."""

    parts: tuple[tuple[str, str], ...]
    seconds: float

    def __str__(self) -> str:
        """Name the parts."""
        return " and ".join(f"{part} {how}" for part, how in self.parts)


def drawn(seed: int, outages: int, longest: float) -> list[Outage]:
    """Draw outages, single ones and pairs; the same seed draws the same."""
    draw = random.Random(seed)
    found: list[Outage] = []
    for number in range(outages):
        # The gravest first: Temporal stands still while acts are in flight.
        parts = ("temporal",) if number == 0 else draw.sample(PARTS, 1 if number % 3 else 2)
        how = tuple(
            (part, "stopped" if number == 0 else draw.choice(("stopped", "killed")))
            for part in parts
        )
        found.append(Outage(how, max(draw.uniform(1.0, longest), 4.0 if number == 0 else 1.0)))
    return found


@dataclass
class Report:
    """What the drill found."""

    outages: list[Outage]
    tally: Tally = field(default_factory=Tally)
    samples: int = 0
    wrong: list[Violation] = field(default_factory=list[Violation])
    settled_after: float = 0.0
    restarted: list[str] = field(default_factory=list[str])
    back_at: list[float] = field(default_factory=list[float])

    def recovery(self) -> list[tuple[float, str]]:
        """Return how long after each return an act asked for after it was acknowledged, the shortest first."""
        acts = self.tally.asked_and_answered
        found: list[tuple[float, str]] = []
        for outage, back in zip(self.outages, self.back_at, strict=False):
            waits = [answered - back for asked, answered in acts if asked > back]
            if waits:
                found.append((min(waits), str(outage)))
        return sorted(found)

    @property
    def is_good(self) -> bool:
        """Say whether nothing is wrong."""
        return not (self.wrong or self.tally.faults or self.tally.never_clear)

    def as_json(self) -> str:
        """Return everything for machines."""
        tally = self.tally
        return json.dumps(
            {
                "acts": {
                    "acknowledged": len(tally.acknowledged),
                    "by_act": Counter(act.act for act in tally.acknowledged),
                    "refused": len(tally.refused),
                    "unclear": tally.unclear,
                    "never_clear": tally.never_clear,
                    "faults": tally.faults,
                    "statuses": {str(status): n for status, n in tally.statuses.items()},
                },
                "outages": Counter(map(str, self.outages)),
                "restarted": self.restarted,
                "comparisons": self.samples,
                "recovery_seconds": {
                    f"p{percent}": percentile([wait for wait, _ in self.recovery()], percent)
                    for percent in (50, 99)
                },
                "slowest_recoveries": self.recovery()[-5:],
                "settled_after_seconds": self.settled_after,
                "violations": [asdict(violation) for violation in self.wrong],
            },
            indent=2,
        )


def percentile(rising: list[float], percent: float) -> float | None:
    """Return the value that so many of a hundred do not exceed; None of nothing."""
    return rising[max(math.ceil(len(rising) * percent / 100) - 1, 0)] if rising else None


async def drill(system: System, outages: list[Outage], seed: int) -> Report:
    """Have people work while the outages come one after another, and compare whenever everything answers."""
    report, histories, over = Report(outages), Histories(), asyncio.Event()
    async with httpx2.AsyncClient(base_url=system.url, timeout=15.0) as client:
        town = Town(client, system.settings)
        await town.upload()
        people = [
            asyncio.create_task(Person(f"p{n}", town, report.tally, f"{seed}-{n}").work(over))
            for n in range(_PEOPLE)
        ]
        await asyncio.sleep(_BETWEEN_SECONDS)
        for outage in outages:
            await asyncio.to_thread(_take_away, system, outage)
            try:
                report.samples += await _look(system, report, histories, during=True)
                await asyncio.sleep(outage.seconds)
            finally:
                # PostgreSQL's processes are in groups of their own: stopped, they would outlive it and the drill.
                report.restarted += await asyncio.to_thread(_bring_back, system, outage)
            report.back_at.append(time.monotonic())
            report.restarted += await asyncio.to_thread(_until_all_work, system)
            await _until_acts_go_on(report.tally, report.back_at[-1])
            await asyncio.sleep(_BETWEEN_SECONDS)
            report.samples += await _look(system, report, histories)
        over.set()
        back_at = time.monotonic()
        _, unclear = await asyncio.wait(people, timeout=LONGEST_UNCLEAR_SECONDS)
        for person in unclear:
            person.cancel()
        for ended in await asyncio.gather(*people, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
    await _rest(system, report, histories, back_at)
    return report


async def _until_acts_go_on(tally: Tally, back_at: float) -> None:
    """Wait until somebody's act is acknowledged again, so that each outage meets a system at work."""

    def look() -> bool | None:
        return any(asked > back_at for asked, _ in tally.asked_and_answered) or None

    await asyncio.to_thread(wait_until, "an act to be acknowledged", look)


async def _rest(system: System, report: Report, histories: Histories, back_at: float) -> None:
    """Wait until nothing is missing, at most as long as that may take, and compare for the last time."""
    tally = report.tally
    while True:
        waited = time.monotonic() - back_at
        record = await asyncio.to_thread(system.record)
        temporal = await Client.connect(system.temporal.target)
        cases = record.all_cases() | {act.case_id for act in tally.acknowledged}
        held = await histories.read(temporal, cases)
        late = behind_history(
            record, held, tally.acknowledged, tally.refused, oldest_intent=VOID_WITHIN_SECONDS
        )
        report.settled_after = time.monotonic() - back_at
        if not late or waited > SETTLED_WITHIN_SECONDS:
            break
        await asyncio.sleep(1.0)
    report.samples += 1
    report.wrong += [*ahead_of_history(record, held), *late]


async def _look(
    system: System, report: Report, histories: Histories, *, during: bool = False
) -> int:
    """Hold SQL against the histories if both answer; return 1 if they did."""
    try:
        async with asyncio.timeout(_LOOK_SECONDS):
            record = await asyncio.to_thread(system.record)
            temporal = await Client.connect(system.temporal.target)
            held = await histories.read(temporal, record.all_cases())
    except (psycopg.Error, RPCError, RPCTimeoutOrCancelledError, RuntimeError, TimeoutError):
        if not during:
            Console().print("[dim]a part did not answer yet; it is compared after the next outage")
        return 0
    report.wrong += ahead_of_history(record, held)
    return 1


def _take_away(system: System, outage: Outage) -> None:
    for part, how in outage.parts:
        for process in system.parts[part]:
            if how == "killed":
                process.kill()
            else:
                _signal(process, signal.SIGSTOP)


def _bring_back(system: System, outage: Outage) -> list[str]:
    """Bring back what went away, and return the names of processes that had ended by themselves."""
    taken: set[str] = set()
    for part, how in outage.parts:
        for process in system.parts[part]:
            if how == "killed":
                taken.add(process.name)
            else:
                _signal(process, signal.SIGCONT)
    return [name for name in system.start_again() if name not in taken]


def _until_all_work(system: System) -> list[str]:
    restarted: list[str] = []

    def look() -> bool | None:
        restarted.extend(system.start_again())
        return system.works() or None

    wait_until("all parts to work together again", look)
    return restarted


def _signal(process: ManagedProcess, what: signal.Signals) -> None:
    parent = psutil.Process(process.pid)
    # A postmaster's children are in groups of their own.
    for each in (parent, *parent.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            each.send_signal(what)


def show(console: Console, report: Report) -> None:
    """Print what was found."""
    table = Table("outage", "times")
    for what, times in sorted(Counter(str(outage) for outage in report.outages).items()):
        table.add_row(what, str(times))
    console.print(table)
    tally, recovery = report.tally, [wait for wait, _ in report.recovery()]
    table = Table("figure", "value")
    for figure, value in (
        ("acts acknowledged", len(tally.acknowledged)),
        ("acts refused", len(tally.refused)),
        ("unclear answers, repeated", tally.unclear),
        ("never answered clearly", len(tally.never_clear)),
        ("answers that nothing explains", len(tally.faults)),
        ("answers by status", dict(sorted(tally.statuses.items()))),
        ("ended by itself and was started again", dict(Counter(report.restarted))),
        ("comparisons of SQL with histories", report.samples),
        ("first act after a part is back, p50 and p99", _seconds(recovery, 50, 99)),
        ("all recorded after", f"{report.settled_after:.1f} s (bar {SETTLED_WITHIN_SECONDS:.0f})"),
        ("violations", len(report.wrong)),
    ):
        table.add_row(figure, str(value))
    console.print(table)
    for wrong in (*report.wrong, *tally.faults, *tally.never_clear)[:50]:
        console.print(f"[red]{wrong}")


def _seconds(rising: list[float], *percents: float) -> str:
    values = (percentile(rising, percent) for percent in percents)
    return ", ".join("none" if value is None else f"{value:.1f} s" for value in values)


def run_drill(folder: Path, outages: int, seed: int, longest: float) -> Report:
    """Start everything, drill, and end everything."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        system = System(folder, postgres)
        system.start(stack)
        wait_until("the system to work", lambda: system.works() or None)
        return asyncio.run(drill(system, drawn(seed, outages, longest), seed))


def main(
    *,
    outages: int = 60,
    seed: int = 1,
    longest: float = 20.0,
    logs: Path | None = None,
    report: Path | None = None,
) -> int:
    """Run the drill; ends with 1 when anything is wrong.

    Args:
        outages: How many there are.
        seed: What they are drawn from.
        longest: The longest of them, in seconds.
        logs: Where logs stay; without it, they are removed.
        report: The file the report is written to as JSON, beside what is printed.
    """
    with ExitStack() as stack:
        folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        found = run_drill(folder.resolve(), outages, seed, longest)
    show(Console(), found)
    if report is not None:
        report.write_text(found.as_json(), encoding="utf-8")
    return 0 if found.is_good else 1


if __name__ == "__main__":
    exit_process(run(main, result_action="return_value") or 0)
