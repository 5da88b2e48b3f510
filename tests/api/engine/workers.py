"""The real workers of cases and drives, in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from casework.processes.engine import connect
from casework.processes.waiting import LONGEST_WAIT_SECONDS, wait_until
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from worker import THREADS, case_worker, drive_worker


@contextmanager
def workers_at_work(settings: Settings, catalog: ProgramCatalog) -> Iterator[None]:
    """Run the real workers of cases and drives in a thread of their own."""
    loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def work() -> None:
        database = Database(settings.database)
        with ThreadPoolExecutor(THREADS) as threads:
            client = await connect(settings)
            parts = (client, settings, database, catalog, threads)
            async with case_worker(*parts), drive_worker(*parts):
                started.set()
                await stop.wait()
        database.close()

    def check() -> None:
        assert thread.is_alive(), "the workers have ended by themselves"

    thread = threading.Thread(target=loop.run_until_complete, args=(work(),))
    thread.start()
    try:
        wait_until("the workers to start", lambda: started.is_set() or None, check=check)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(LONGEST_WAIT_SECONDS)
        loop.close()
