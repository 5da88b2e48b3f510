"""One timer for whatever comes next, moved as rarely as can be."""

import asyncio
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from casework.domain.calendar import local_date


class Alarm:
    """Sleep until a deadline, or until somebody wakes the sleeper.

    A timer that would ring too early is left alone and costs nothing until it does; moving it with every act would
    double the events of a case.
    """

    def __init__(self) -> None:
        self._timer: asyncio.Task[None] | None = None
        self._rings_at: datetime | None = None
        self._is_woken = False

    def wake(self) -> None:
        """End the sleep."""
        self._is_woken = True

    def reset(self) -> None:
        """Sleep again with the next :meth:`wait`."""
        self._is_woken = False

    async def wait(self, deadline: datetime | None) -> None:
        """Sleep until the deadline (UTC), an earlier one that was set before, or :meth:`wake`."""
        if deadline is not None and not self._rings_by(deadline):
            if self._timer is not None:
                self._timer.cancel()
            self._rings_at = deadline
            self._timer = asyncio.create_task(self._ring(deadline))
        await workflow.wait_condition(lambda: self._is_woken)

    def _rings_by(self, deadline: datetime) -> bool:
        is_set = self._timer is not None and not self._timer.done()
        return is_set and self._rings_at is not None and self._rings_at <= deadline

    async def _ring(self, at: datetime) -> None:
        until = local_date(at)
        await workflow.sleep(
            max((at - workflow.now()).total_seconds(), 0), summary=f"Next deadline {until}"
        )
        self.wake()
