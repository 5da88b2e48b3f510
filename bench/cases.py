"""Compare whole cases with bare workflows, and an act over HTTP with a bare update.

Run it with ``make bench``. Prints ratios; gates nothing.
"""

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from bench.bare import QUEUE, UPDATES, WORKFLOW, bare_worker, walk_bare
from bench.walk import Bell, Walk
from casework.processes.servers import TemporalDevServer
from tests.journeys.town import Town, town_at
from tests.workflows.office import office_at_work, pydantic_client, sample_rules
from worker import RUNNER

ROUNDS = 5
CASES_A_ROUND = 12
AT_ONCE = 4
ACTS_A_ROUND = 40
FEEDBACK_SECONDS = 1


async def bare_case(client: Client) -> None:
    """Walk one bare workflow to its end."""
    workflow_id = await walk_bare(client, FEEDBACK_SECONDS)
    await client.get_workflow_handle(workflow_id).result()


async def timed(walk: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds that a round of cases takes, a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await walk()

    begin = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CASES_A_ROUND)))
    return time.perf_counter() - begin


async def whole_cases(folder: Path) -> list[float]:
    """Return, for each round, the throughput of the engine over that of the bare workflow."""
    ratios: list[float] = []
    with TemporalDevServer(folder / "temporal", ui=False) as server:
        client = await pydantic_client(server)
        bell = Bell()
        rules = sample_rules(FEEDBACK_SECONDS)
        office_of = office_at_work(
            server, folder, rules=rules, interceptors=(bell,), workflow_runner=RUNNER
        )
        async with bare_worker(client), office_of as office:
            walk = Walk(client, bell, office.recorder)
            await bare_case(client)
            await walk.one_case(office.terms, office.queue)
            for _ in range(ROUNDS):
                floor = await timed(lambda: bare_case(client))
                engine = await timed(lambda: walk.one_case(office.terms, office.queue))
                ratios.append(floor / engine)
    return ratios


def acts_over_http(folder: Path) -> list[float]:
    """Return, for each round, the median time of an act over HTTP over that of a bare update."""
    with town_at(folder) as town:
        town.apply()
        return asyncio.run(_acts(town))


async def _acts(town: Town) -> list[float]:
    client = await town.processes.temporal.connect()
    ratios: list[float] = []
    token = town.client.token(town.cast.officer)
    path = f"/api/v1/cases/{town.case_id}/acts/add-note"
    version = int(town.view()["version"])
    async with (
        bare_worker(client),
        httpx2.AsyncClient(base_url=town.client.url, timeout=30) as http,
    ):
        for _ in range(ROUNDS):
            handle = await client.start_workflow(
                WORKFLOW, 0.0, id=f"bare-{uuid.uuid4()}", task_queue=QUEUE
            )
            floor, over_http = [], []
            for n in range(ACTS_A_ROUND):
                begin = time.perf_counter()
                if n < UPDATES - 1:
                    await handle.execute_update("act", f"note {n}", result_type=int)
                    floor.append(time.perf_counter() - begin)
                begin = time.perf_counter()
                answer = await http.post(
                    path,
                    json={"note": f"Note {n}."},
                    headers={
                        "Authorization": f"Bearer {token}",
                        "If-Match": f'"{version}"',
                        "Idempotency-Key": uuid.uuid4().hex,
                    },
                )
                answer.raise_for_status()
                version = answer.json()["version"]
                over_http.append(time.perf_counter() - begin)
            await handle.terminate("measured")
            ratios.append(statistics.median(over_http) / statistics.median(floor))
    return ratios


def main() -> None:
    """Run both comparisons and print them."""
    console = Console()
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    console.print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {sys.version.split()[0]}, load {load}, {ROUNDS} rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        throughput = asyncio.run(whole_cases(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        latency = acts_over_http(Path(folder))
    table = Table("what", "bar", "median", "from", "to")
    for name, bar, ratios in (
        ("whole cases per second, engine / bare workflow", "at least 0.8", throughput),
        ("act over HTTP / bare update, median time", "at most 1.5", latency),
    ):
        figures = (statistics.median(ratios), min(ratios), max(ratios))
        table.add_row(name, bar, *(f"{x:.2f}" for x in figures))
    console.print(table)


if __name__ == "__main__":
    main()
