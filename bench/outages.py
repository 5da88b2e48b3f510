"""A drill: parts of the system go away under load, and nothing may be recorded that Temporal does not hold.

``python -m bench.outages --outages 60 --seed 1``; every outage is drawn from the seed. Processes are real and on
PostgreSQL; :mod:`bench.checker`, which shares no code with the engine, compares SQL with Temporal's histories.
"""

import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
from cyclopts import run
from rich.console import Console
from rich.table import Table
from temporalio.client import Client
from temporalio.service import RPCError

from bench.checker import (
    Acknowledged,
    ahead_of_history,
    behind_history,
    read_histories,
    read_record,
)
from bench.temporal_on_postgres import CASEWORK, Postgres
from casework.domain.actors import ActorKind
from casework.identity.tokens import issue_token
from casework.processes.exit import exit_process
from casework.processes.servers import ManagedProcess, TemporalDevServer, free_port
from casework.processes.waiting import wait_until
from casework.settings import Settings
from casework.store.database import Database

_WORKER = Path(__file__).parents[1] / "worker.py"
_PEOPLE = 6
_PAUSE_SECONDS = 0.1
_UNCLEAR = {429, 502, 503, 504}
SETTLED_WITHIN_SECONDS = 30.0
"""How long after everything is back an accepted act may be without a record."""

PARTS = ("temporal", "worker", "api", "postgres")


class Town:
    """All parts of a small system, each of which can be stopped and killed."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        """Describe the parts; nothing is started yet."""
        self.postgres = postgres
        self.temporal = TemporalDevServer(folder / "temporal", ui=False)
        self.temporal.start()
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            state_folder=folder,
            database_url=postgres.casework_url,
            temporal_address=self.temporal.target,
            public_url=self.url,
        )
        env = {
            "CASEWORK_STATE_FOLDER": str(folder),
            "CASEWORK_DATABASE_URL": self.settings.database,
            "CASEWORK_TEMPORAL_ADDRESS": self.temporal.target,
            "CASEWORK_PUBLIC_URL": self.url,
        }
        self.worker = ManagedProcess(
            "the worker",
            [sys.executable, _WORKER, "cases"],
            log=folder / "worker.log",
            env=env,
            cwd=folder,
        )
        self.api = ManagedProcess(
            "the API",
            [sys.executable, "-m", "casework.cli.app", "serve", "--port", str(port)],
            log=folder / "api.log",
            env=env,
            cwd=folder,
            is_ready=self._answers,
        )
        self.parts: dict[str, ManagedProcess] = dict(
            zip(PARTS, (self.temporal, self.worker, self.api, postgres), strict=True)
        )

    def start(self, stack: ExitStack) -> None:
        """Start what is not running; the stack ends everything."""
        stack.callback(self.temporal.stop)
        database = Database(self.settings.database)
        database.migrate()
        database.close()
        stack.enter_context(self.worker)
        stack.enter_context(self.api)

    def works(self) -> bool:
        """Say whether the API is ready; start what ended because what it needs was away, as a service manager does."""
        for part in self.parts.values():
            if not part.alive:
                part.start()
        with suppress(httpx2.HTTPError):
            return httpx2.get(f"{self.url}/readyz", timeout=15.0).is_success
        return False

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
class Tally:
    """What people were told."""

    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    statuses: Counter[int] = field(default_factory=Counter[int])
    unclear: int = 0


class Person:
    """Apply for sites and act on their cases, and repeat under the same key what got no clear answer."""

    def __init__(self, name: str, town: Town, client: httpx2.AsyncClient, tally: Tally) -> None:
        """Sign the tokens."""
        self._name, self._client, self._tally = name, client, tally
        applicant = issue_token(town.settings, f"{name}-site", (ActorKind.APPLICANT,))
        officer = issue_token(town.settings, f"{name}-officer", (ActorKind.OFFICER,), provinces="*")
        self._applicant = {"Authorization": f"Bearer {applicant}"}
        self._officer = {"Authorization": f"Bearer {officer}"}

    async def work(self) -> None:
        """Work until canceled."""
        for number in count(1):
            case_id = await self._apply(number)
            if case_id is None:
                continue
            for act, body in (
                ("accept-application", {}),
                *(("add-note", {"note": f"Note {n}."}) for n in range(4)),
            ):
                await self._act(case_id, act, body)

    async def _apply(self, number: int) -> str | None:
        body = {
            "program": "eco-network",
            "establishment": {
                "registration_no": f"{self._name.upper()}-{number}",
                "name_en": f"Works {number} of {self._name}",
                "address": "1 Moo 1",
                "province": "21",
            },
            "contact": {"name": "Somying", "email": "somying@sample.example"},
        }
        key = f"apply-{number}"
        answer = await self._until_clear(
            lambda: self._post(
                "/api/v1/applications", body, {**self._applicant, "Idempotency-Key": key}
            )
        )
        if answer.status_code not in {201, 202}:
            return None
        told = answer.json()
        self._tally.acknowledged.append(Acknowledged(told["case"], told["version"]))
        return str(told["case"])

    async def _act(self, case_id: str, act: str, body: dict[str, Any]) -> None:
        path = f"/api/v1/cases/{case_id}"
        seen = await self._until_clear(lambda: self._client.get(path, headers=self._officer))
        if seen.status_code != 200:
            return
        headers = {
            **self._officer,
            "If-Match": seen.headers["etag"],
            "Idempotency-Key": f"{act}-{seen.headers['etag']}",
        }
        answer = await self._until_clear(lambda: self._post(f"{path}/acts/{act}", body, headers))
        if answer.status_code in {200, 202}:
            self._tally.acknowledged.append(Acknowledged(case_id, answer.json()["version"]))

    async def _post(self, path: str, body: object, headers: dict[str, str]) -> httpx2.Response:
        return await self._client.post(path, json=body, headers=headers)

    async def _until_clear(self, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                answer = await ask()
            except httpx2.HTTPError:
                self._tally.unclear += 1
                continue
            self._tally.statuses[answer.status_code] += 1
            if answer.status_code not in _UNCLEAR:
                return answer
            self._tally.unclear += 1


@dataclass
class Report:
    """What the drill found."""

    tally: Tally
    outages: list[Outage]
    samples: int = 0
    wrong: list[str] = field(default_factory=list[str])
    settled_after: float = 0.0


async def drill(town: Town, outages: list[Outage]) -> Report:
    """Have people work while the outages come one after another, and compare whenever everything answers."""
    tally = Tally()
    report = Report(tally, outages)
    async with httpx2.AsyncClient(base_url=town.url, timeout=15.0) as client:
        people = [
            asyncio.create_task(Person(f"p{number}", town, client, tally).work())
            for number in range(_PEOPLE)
        ]
        await asyncio.sleep(2.0)
        for outage in outages:
            await asyncio.to_thread(_take_away, town, outage)
            report.samples += await _look(town, report, during=True)
            await asyncio.sleep(outage.seconds)
            await asyncio.to_thread(_bring_back, town, outage)
            await asyncio.sleep(2.0)
            report.samples += await _look(town, report)
        for person in people:
            person.cancel()
        for ended in await asyncio.gather(*people, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
    back_at = time.monotonic()
    while True:
        record = await asyncio.to_thread(read_record, str(town.postgres.folder), CASEWORK)
        temporal = await Client.connect(town.temporal.target)
        cases = (
            {act.case_id for act in tally.acknowledged} | set(record.versions) | set(record.intents)
        )
        lines = await read_histories(temporal, cases)
        late = behind_history(record, lines, tally.acknowledged)
        report.settled_after = time.monotonic() - back_at
        if not late or report.settled_after > SETTLED_WITHIN_SECONDS:
            break
        await asyncio.sleep(1.0)
    report.wrong += [*ahead_of_history(record, lines), *late]
    return report


async def _look(town: Town, report: Report, *, during: bool = False) -> int:
    """Hold SQL against the histories if both answer; return 1 if they did."""
    try:
        async with asyncio.timeout(10.0):
            record = await asyncio.to_thread(read_record, str(town.postgres.folder), CASEWORK)
            temporal = await Client.connect(town.temporal.target)
            lines = await read_histories(temporal, record.versions)
    except (psycopg.Error, RPCError, RuntimeError, TimeoutError):
        if not during:
            Console().print("[dim]a part did not answer yet; it is compared after the next outage")
        return 0
    report.wrong += ahead_of_history(record, lines)
    return 1


def _take_away(town: Town, outage: Outage) -> None:
    for part, how in outage.parts:
        process = town.parts[part]
        if how == "killed":
            process.kill()
        else:
            _signal(process, signal.SIGSTOP)


def _bring_back(town: Town, outage: Outage) -> None:
    for part, how in outage.parts:
        process = town.parts[part]
        if how == "stopped":
            _signal(process, signal.SIGCONT)
    # Those that others need come first, in the order of PARTS but SQL before all.
    for part in ("postgres", *PARTS):
        if (part, "killed") in outage.parts and not town.parts[part].alive:
            town.parts[part].start()
    wait_until("all parts to work together again", lambda: town.works() or None)


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
    table = Table("figure", "value")
    table.add_row("acts acknowledged", str(len(report.tally.acknowledged)))
    table.add_row("answers by status", str(dict(sorted(report.tally.statuses.items()))))
    table.add_row("unclear answers, repeated", str(report.tally.unclear))
    table.add_row("comparisons of SQL with histories", str(report.samples + 1))
    table.add_row(
        "all recorded after", f"{report.settled_after:.1f} s (bar {SETTLED_WITHIN_SECONDS:.0f})"
    )
    table.add_row("violations", str(len(report.wrong)))
    console.print(table)
    for wrong in report.wrong[:50]:
        console.print(f"[red]{wrong}")


def run_drill(folder: Path, outages: int, seed: int, longest: float) -> Report:
    """Start everything, drill, and end everything."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        town = Town(folder, postgres)
        town.start(stack)
        wait_until("the API", lambda: True if town.api.alive else None)
        return asyncio.run(drill(town, drawn(seed, outages, longest)))


def main(
    *, outages: int = 60, seed: int = 1, longest: float = 20.0, logs: Path | None = None
) -> int:
    """Run the drill.

    Args:
        outages: How many there are.
        seed: What they are drawn from.
        longest: The longest of them, in seconds.
        logs: Where logs stay; without it, they are removed.
    """
    with ExitStack() as stack:
        folder = logs or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        report = run_drill(folder.resolve(), outages, seed, longest)
    show(Console(), report)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    exit_process(run(main, result_action="return_value") or 0)
