"""One attempt at a page of a drive: a window of cases that are being opened, at a set pace."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from casework.contracts.drive import OpenPageRequest
from casework.domain.case import Terms
from casework.domain.drives import RowOutcome, Why
from casework.store.drives.run import Reserved, RowEnd

TRIES_OF_ONE = 5
"""After so many attempts a case that never answers is given up, if others answer."""

TRIES_OF_ALL = 30
"""After so many attempts, about a quarter of an hour, cases are given up even if none answers."""

A_FEW = 8
"""Fewer cases than this without an answer are a matter of these cases, and the page goes on."""

MARK_EVERY_SECONDS = 1.0
"""How often outcomes are written, all that have come in one transaction: how far the progress that people see
may lag behind."""


class CaseOpener(Protocol):
    """What a page needs: SQL in blocking calls, and Temporal."""

    def reserve(self, request: OpenPageRequest) -> list[Reserved]:
        """Reserve the cases of the next rows."""
        ...

    def terms(self, drive_id: str, reserved: list[Reserved]) -> dict[str, Terms]:
        """Return the terms of the cases, by case."""
        ...

    async def invite(self, drive_id: str, case: Reserved, terms: Terms) -> RowEnd | None:
        """Open a case; None if nobody knows whether it is open."""
        ...

    def mark(self, drive_id: str, ends: list[RowEnd]) -> None:
        """Note what came of rows."""
        ...


class DrivePage:
    """One attempt at a page of rows: a window of cases that are being opened, at a set pace."""

    def __init__(self, opener: CaseOpener, request: OpenPageRequest, halt: asyncio.Event) -> None:
        self._opener = opener
        self._request = request
        self._halt = halt
        self._slots = asyncio.Semaphore(request.window)
        self._all_ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[RowEnd] = []
        self._unanswered: list[Reserved] = []
        self._answered = 0

    def count(self) -> int:
        """Say how many cases have answered."""
        return self._answered

    async def run(self) -> None:
        """Open the cases of the page; what is known is noted whatever happens to the rest."""
        drive_id = self._request.drive
        reserved = await asyncio.to_thread(self._opener.reserve, self._request)
        if not reserved:
            return
        terms = await asyncio.to_thread(self._opener.terms, drive_id, reserved)
        marking = asyncio.create_task(self._mark_as_they_come())
        try:
            await self._begin_all(reserved, terms)
        finally:
            # Only now: what befalls one case must not break off the opening of another.
            ended = await asyncio.gather(*self._tasks, return_exceptions=True)
            self._all_ended.set()
            ended += await asyncio.gather(marking, return_exceptions=True)
        faults = [end for end in ended if isinstance(end, BaseException)]
        if faults:
            raise faults[0]
        if self._unanswered:
            await self._give_up_or_try_again()

    async def _begin_all(self, reserved: list[Reserved], terms: dict[str, Terms]) -> None:
        between = 60 / self._request.pace if self._request.pace else 0.0
        begun = asyncio.get_running_loop().time()
        for number, case in enumerate(reserved):
            await self._wait_until(begun + number * between)
            await self._slots.acquire()
            if self._halt.is_set():
                return
            self._tasks.append(asyncio.create_task(self._open(case, terms[case.case_id])))
        # The first case of the next page keeps its distance from the last one of this.
        await self._wait_until(begun + len(reserved) * between)

    async def _wait_until(self, instant: float) -> None:
        left = instant - asyncio.get_running_loop().time()
        if left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._halt.wait(), left)

    async def _open(self, case: Reserved, terms: Terms) -> None:
        try:
            end = await self._opener.invite(self._request.drive, case, terms)
        finally:
            self._slots.release()
        if end is None:
            self._unanswered.append(case)
            if len(self._unanswered) >= max(self._request.window, A_FEW):
                # Nobody answers any more: do not run through the whole page to learn it.
                self._halt.set()
        else:
            self._answered += 1
            self._ends.append(end)

    async def _mark_as_they_come(self) -> None:
        """Note outcomes while other cases are under way, and those of the last ones at the end."""
        try:
            while not self._all_ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._all_ended.wait(), MARK_EVERY_SECONDS)
                await self._mark()
            # The last ones may have ended while those before them were written.
            await self._mark()
        except Exception:
            # What cannot be noted need not be begun.
            self._halt.set()
            raise

    async def _mark(self) -> None:
        ends, self._ends = self._ends, []
        if ends:
            await asyncio.to_thread(self._opener.mark, self._request.drive, ends)

    async def _give_up_or_try_again(self) -> None:
        attempt = activity.info().attempt
        if attempt >= TRIES_OF_ALL or (attempt >= TRIES_OF_ONE and self._answered):
            self._ends = [failed(case, Why.NO_ANSWER) for case in self._unanswered]
            await self._mark()
            return
        raise ApplicationError(f"{len(self._unanswered)} cases gave no answer.", type="NoAnswer")


@asynccontextmanager
async def signs_of_life(
    seconds: float, count: Callable[[], int], halt: asyncio.Event
) -> AsyncGenerator[None]:
    """Heartbeat while a page is under way, and halt it when the worker shuts down."""

    async def beat() -> None:
        while True:
            activity.heartbeat(count())
            await asyncio.sleep(seconds)

    async def watch() -> None:
        await activity.wait_for_worker_shutdown()
        halt.set()

    tasks = [asyncio.create_task(beat()), asyncio.create_task(watch())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def failed(case: Reserved, why: Why, about: str | None = None) -> RowEnd:
    """Say that a case could not be opened; it can be tried again in another run."""
    return RowEnd(
        line=case.line, outcome=RowOutcome.FAILED, why=why, about=about, case_id=case.case_id
    )
