"""Count the SQL statements that Temporal itself needs for a case and for a bare workflow.

Run it with ``make bench-statements``. Prints counts and ratios; gates nothing.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import temporalio
from cyclopts import run
from rich.console import Console
from rich.table import Table
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from bench.bare import bare_worker, walk_bare
from bench.temporal_on_postgres import (
    NAMESPACE,
    TEMPORAL,
    VERSION,
    VISIBILITY,
    NotBuilt,
    Postgres,
    TemporalOnPostgres,
)
from bench.walk import Bell, Walk
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts import enrollment
from casework.processes.exit import exit_process
from casework.store.cases.calendars import keep_calendar
from casework.store.database import Database
from tests.sample_case import CALENDAR, TERMS
from tests.workflows.office import case_worker, sample_rules, seed_establishment
from worker import RUNNER

ROUNDS = 3
CASES_A_ROUND = 20
AT_ONCE = 2
IDLE_SECONDS = 20.0
FEEDBACK_SECONDS = 1
MOST_TIMES_BARE = 1.15
"""The bar: so many times the statements of the bare workflow."""

BARE, GOES_ON, CASE = "bare", "bare, goes on", "case"

_WARM_UP_SECONDS = 75.0
"""A minute after their first use, all task queues write down for the first time how far they have come."""

_QUIET_SECONDS = 10.0
_QUIET_TIMES_IDLE = 2

_WORTH_A_LINE = 0.3
_LINE = 50

_CALLS = """
SELECT query, sum(calls)::bigint FROM pg_stat_statements
JOIN pg_database ON pg_database.oid = dbid WHERE datname = ANY(%s) GROUP BY query
"""

OneWalk = Callable[[], Awaitable[str]]
"""Walk one case or bare workflow, and return the id of its workflow."""


class Reading(NamedTuple):
    """How often each statement was called in Temporal's databases, those that begin and end transactions too."""

    at: float
    calls: Counter[str]

    def since(self, before: "Reading") -> "Reading":
        """Return what came between two readings."""
        return Reading(self.at - before.at, self.calls - before.calls)

    @property
    def rate(self) -> float:
        """Statements a second between two readings."""
        return self.calls.total() / self.at


class Cost(NamedTuple):
    """What one of the walks of a round cost."""

    calls: dict[str, float]
    """By the text of the statement."""

    events: float
    size: float
    """Bytes of history."""

    def count(self, *words: str) -> float:
        """Count the statements that begin with one of these words, or all."""
        return sum(n for text, n in self.calls.items() if not words or _word(text) in words)


def _word(text: str) -> str:
    return text.split(maxsplit=1)[0].upper()


class Meter:
    """Measures rounds of walks on one Temporal server."""

    def __init__(self, postgres: Postgres, client: Client) -> None:
        self._postgres = postgres
        self._client = client

    def read(self) -> Reading:
        """Read how many statements there were so far."""
        with self._postgres.connect("postgres") as connection:
            rows = connection.execute(_CALLS, [[TEMPORAL, VISIBILITY]]).fetchall()
        return Reading(time.monotonic(), Counter(dict(rows)))

    async def idle(self, seconds: float) -> Reading:
        """Return what is sent while nothing happens."""
        begun = self.read()
        await asyncio.sleep(seconds)
        return self.read().since(begun)

    async def measure(self, walk: OneWalk, idle: Reading) -> Cost:
        """Walk a round, wait until Temporal is done with it, and take off what idles."""
        begun = self.read()
        places = asyncio.Semaphore(AT_ONCE)

        async def one() -> str:
            async with places:
                return await walk()

        walked = await asyncio.gather(*(one() for _ in range(CASES_A_ROUND)))
        while (await self.idle(_QUIET_SECONDS)).rate > idle.rate * _QUIET_TIMES_IDLE:
            pass
        used = self.read().since(begun)
        calls = {
            text: (used.calls[text] - idle.calls[text] / idle.at * used.at) / CASES_A_ROUND
            for text in used.calls | idle.calls
        }
        histories = [await self._history(workflow_id) for workflow_id in walked]
        return Cost(calls, *(statistics.mean(figures) for figures in zip(*histories, strict=True)))

    async def _history(self, workflow_id: str) -> tuple[int, int]:
        """Return events and bytes of the first run."""
        last = await self._client.get_workflow_handle(workflow_id).describe()
        run_id = last.raw_description.workflow_execution_info.first_run_id
        first = await self._client.get_workflow_handle(workflow_id, run_id=run_id).describe()
        info = first.raw_description.workflow_execution_info
        return info.history_length, info.history_size_bytes


@asynccontextmanager
async def workers(
    client: Client, database: Database, recorder: CaseRecorder, bell: Bell
) -> AsyncGenerator[None]:
    """Have a worker for bare workflows and one for cases, with the same options."""
    cases = case_worker(client, enrollment.TASK_QUEUE, database, recorder, (bell,), RUNNER)
    async with bare_worker(client), cases:
        yield


async def compare(postgres: Postgres, target: str) -> dict[str, list[Cost]]:
    """Measure all arms one after the other, round by round."""
    client = await Client.connect(
        target, namespace=NAMESPACE, data_converter=pydantic_data_converter
    )
    database = Database(postgres.casework_url)
    database.migrate()
    seed_establishment(database)
    with database.writing() as session:
        keep_calendar(session, CALENDAR)
    rules = sample_rules(FEEDBACK_SECONDS)
    recorder = CaseRecorder(database, CaseReader(database, lambda program, version: rules))
    bell = Bell()
    walk = Walk(client, bell, recorder)
    terms = TERMS.model_copy(update={"rules": rules, "calendar": CALENDAR})
    arms: dict[str, OneWalk] = {
        BARE: lambda: walk_bare(client, FEEDBACK_SECONDS),
        GOES_ON: lambda: walk_bare(client, FEEDBACK_SECONDS, goes_on=True),
        CASE: lambda: walk.one_case(terms, enrollment.TASK_QUEUE),
    }
    meter = Meter(postgres, client)
    costs: dict[str, list[Cost]] = {arm: [] for arm in arms}
    async with workers(client, database, recorder, bell):
        for one in arms.values():
            await one()
        await asyncio.sleep(_WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            idle = await meter.idle(IDLE_SECONDS)
            for arm, one in arms.items():
                costs[arm].append(await meter.measure(one, idle))
    database.close()
    return costs


def figures(costs: dict[str, list[Cost]]) -> Table:
    """Tabulate what each arm costs, and how many times the bare workflow that is."""
    table = Table("one", "SQL", "writes", "COMMIT", "events", "bytes", "times", "from", "to")
    table.title = f"Temporal's own SQL statements, medians of {ROUNDS} rounds of {CASES_A_ROUND}"
    table.caption = f"The bar for a case: at most {MOST_TIMES_BARE} times the bare workflow"
    for arm, rounds in costs.items():
        counts = (
            statistics.median(c.count() for c in rounds),
            statistics.median(c.count("INSERT", "UPDATE", "DELETE") for c in rounds),
            statistics.median(c.count("COMMIT") for c in rounds),
            statistics.median(c.events for c in rounds),
        )
        size = statistics.median(c.size for c in rounds)
        times = [c.count() / bare.count() for c, bare in zip(rounds, costs[BARE], strict=True)]
        spread = (statistics.median(times), min(times), max(times))
        table.add_row(
            arm, *(f"{n:.1f}" for n in counts), f"{size:,.0f}", *(f"{n:.2f}" for n in spread)
        )
    return table


def differences(costs: dict[str, list[Cost]]) -> Table:
    """Tabulate the statements of which a case needs more or fewer than a bare workflow."""
    table = Table(*costs, "statement", title="Where they differ", box=None)
    each = {
        text: [statistics.median(c.calls.get(text, 0) for c in rounds) for rounds in costs.values()]
        for text in {text for rounds in costs.values() for c in rounds for text in c.calls}
    }
    for text, counts in sorted(each.items(), key=lambda item: item[1][0] - item[1][-1]):
        if abs(counts[-1] - counts[0]) >= _WORTH_A_LINE:
            table.add_row(*(f"{n:.1f}" for n in counts), " ".join(text.split())[:_LINE])
    return table


def main(*, texts: bool = False) -> int:
    """Run the comparison.

    Args:
        texts: Print the statements that make the difference, too.
    """
    console = Console()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(Postgres())
        try:
            temporal = stack.enter_context(TemporalOnPostgres(postgres, folder))
        except NotBuilt as error:
            print(error, file=sys.stderr)
            return 1
        console.print(
            f"Temporal server {VERSION}, SDK {temporalio.__version__}, "
            f"PostgreSQL {postgres.version()}"
        )
        costs = asyncio.run(compare(postgres, temporal.target))
    console.print(figures(costs))
    if texts:
        console.print(differences(costs))
    return 0


if __name__ == "__main__":
    exit_process(run(main, result_action="return_value") or 0)
