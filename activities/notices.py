"""Drain the outbox: claim what is due, make messages of it, send them, and note what became of each.

What became of a notice that was claimed is known to its sender alone. So while the database is away the
sender keeps it in memory and writes it down as soon as it can; only a sender that died leaves a notice
``sending``.
"""

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from enum import StrEnum
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from casework.contracts.notice_delivery import DRAIN, DrainReport, DrainRequest
from casework.notices.composing import Addressed, NoticeComposer
from casework.notices.faults import NotComposable
from casework.notices.mailer import Delivery, Mailer, Permanent, Sent, Temporary, Unknown
from casework.notices.pace import Pace, seconds_between
from casework.store import outbox
from casework.store.database import DATABASE_AWAY, Database
from casework.store.tables import NoticeRow

DELAYS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240, 240, 240, 240, 240, 240))
"""Waits after the first, the second ... attempt that failed for a time: a day and 4 hours in all.

A mail server that is down over a night and a morning costs no notice. After the last the notice has
failed, and staff see it.
"""

_Made = TypeVar("_Made")

_BETWEEN_LOOKS_FOR_STALE = timedelta(minutes=1)


class Clock(Protocol):
    """The time, and waiting for it to pass."""

    def now(self) -> datetime:
        """Return the present instant (UTC)."""
        ...

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds, or at once when the worker shuts down."""
        ...


class WorkerClock:
    """The system's clock, as an activity of a worker should use it."""

    def now(self) -> datetime:
        """Return the present instant (UTC)."""
        return datetime.now(UTC)

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds, or at once when the worker shuts down."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(activity.wait_for_worker_shutdown(), seconds)


class _NotTried:
    """What becomes of a notice that could not be read because the database was away."""


class _End(StrEnum):
    """How one notice left the hands of the drain; the values are the fields of the report."""

    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DEFERRED = "deferred"


class NoticesActivities:
    """Deliver the notices of the outbox. What they say is the composer's, how they leave the mailer's.

    ``drain`` is an ``async def``, because a conversation with a mail server is mostly waiting and
    the library for it is asyncio's. Everything that blocks (SQL, rendering) runs in threads.
    """

    def __init__(
        self,
        database: Database,
        composer: NoticeComposer,
        mailer: Mailer | None,
        pace: str,
        pace_in_all: str,
        clock: Clock | None = None,
        *,
        at_once: int = 4,
        poll_seconds: float = 2.0,
        beat_seconds: float = 5.0,
        stale_after: timedelta = timedelta(minutes=15),
    ) -> None:
        """Keep the collaborators.

        Args:
            database: where the outbox is.
            composer: makes messages of rows.
            mailer: sends them. None leaves every notice in the outbox as ``created``, to be read
                there and sent once there is a mail server.
            pace: how many may leave for one mail domain, such as ``60/minute``.
            pace_in_all: how many may leave in all, such as ``1200/minute``. They are spread evenly: making
                messages is work, and in a burst it would slow down everybody else.
            clock: the system's, unless a test brings its own.
            at_once: notices claimed and sent at the same time; a crash makes no more than these
                unknown.
            poll_seconds: wait between two looks at an outbox with nothing due.
            beat_seconds: wait between heartbeats, also while a message is under way.
            stale_after: how long a notice may be ``sending``. Longer than any conversation takes,
                so that a slow sender is not mistaken for a dead one.
        """
        self._database = database
        self._composer = composer
        self._mailer = mailer
        self._pace = Pace(pace)
        self._seconds_between = seconds_between(pace_in_all)
        self._clock = clock or WorkerClock()
        self._at_once = at_once
        self._poll_seconds = poll_seconds
        self._beat_seconds = beat_seconds
        self._stale_after = stale_after

    @activity.defn(name=DRAIN)
    async def drain(self, request: DrainRequest) -> DrainReport:
        """Send what is due for about ``request.seconds``, or until the worker shuts down.

        A cancellation is heeded as soon as the messages in hand have been sent and noted, and so is the end:
        for as long as the database is away, the drain waits for it.
        """
        until = self._clock.now() + timedelta(seconds=request.seconds)
        look_for_stale_at = self._clock.now()
        ends: Counter[_End] = Counter()
        async with _heartbeats(self._beat_seconds):
            while (now := self._clock.now()) < until and not activity.is_worker_shutdown():
                activity.heartbeat()
                if now >= look_for_stale_at:
                    ends[_End.UNKNOWN] += await self._write_down(partial(self._abandon_stale, now))
                    look_for_stale_at = now + _BETWEEN_LOOKS_FOR_STALE
                done = await self._finish_what_is_begun(now)
                ends.update(done)
                rest = len(done) * self._seconds_between if done else self._poll_seconds
                next_at = min(now + timedelta(seconds=rest), until)
                left = (next_at - self._clock.now()).total_seconds()
                if left > 0:
                    await self._clock.pause(left)
        return DrainReport(**{end.value: ends[end] for end in _End})

    async def _finish_what_is_begun(self, now: datetime) -> list[_End]:
        """Deliver a few notices; a cancellation in between waits until they are noted."""
        if self._mailer is None:
            return []
        batch = asyncio.ensure_future(self._deliver_due(self._mailer, now))
        try:
            return await asyncio.shield(batch)
        except asyncio.CancelledError:
            await asyncio.wait([batch])
            raise

    async def _deliver_due(self, mailer: Mailer, now: datetime) -> list[_End]:
        claim, rows = await self._claim(now)
        ends = await asyncio.gather(
            *(self._deliver(mailer, row, claim) for row in rows), return_exceptions=True
        )
        # Only now: one failed notice must not interrupt the others.
        faults = [end for end in ends if isinstance(end, BaseException)]
        if faults:
            raise faults[0]
        return [end for end in ends if isinstance(end, _End)]

    async def _claim(self, now: datetime) -> tuple[str, list[NoticeRow]]:
        claim = uuid.uuid4().hex
        try:
            return claim, await asyncio.to_thread(self._claim_due, now, claim)
        except DATABASE_AWAY:
            # The database may have granted it all the same, and only its answer was lost.
            await self._write_down(partial(self._release, claim))
            return claim, []

    async def _deliver(self, mailer: Mailer, row: NoticeRow, claim: str) -> _End:
        composer = self._composer
        to = await self._compose(row, lambda: composer.address(row.key))
        if not isinstance(to, Addressed):
            return await self._note(row, claim, to)
        # Before it is written: in a drive many come back later, and some more than once.
        later = self._pace.admit(to.domains, self._clock.now())
        if later is not None:
            await self._write_down(partial(self._put_back, row, claim, later, None))
            return _End.DEFERRED
        message = await self._compose(row, lambda: composer.write(to))
        if not isinstance(message, EmailMessage):
            return await self._note(row, claim, message)
        try:
            delivery = await mailer.send(message)
        except Exception as fault:
            # Nobody knows how far it had come.
            delivery = Unknown(f"The mailer failed: {fault!r}")
        return await self._note(row, claim, delivery)

    async def _compose(
        self, row: NoticeRow, work: Callable[[], _Made]
    ) -> _Made | Delivery | _NotTried:
        """Return what was made of a notice, or why there is nothing: that must not stop the others."""
        try:
            return await asyncio.to_thread(work)
        except NotComposable as fault:
            return Permanent(str(fault))
        except DATABASE_AWAY:
            return _NotTried()
        except SQLAlchemyError as fault:
            return Temporary(f"The database did not answer: {type(fault).__name__}")
        except Exception as fault:
            activity.logger.exception("A notice cannot be composed: %s", row.key)
            return Permanent(f"The notice cannot be composed: {fault!r}")

    async def _note(self, row: NoticeRow, claim: str, delivery: Delivery | _NotTried) -> _End:
        # The time at which it left, not the one at which the database was back.
        now = self._clock.now()
        end, is_ours = await self._write_down(partial(self._mark, row, claim, delivery, now))
        if not is_ours:
            activity.logger.warning("Notice %s is no longer in this claim", row.key)
        if isinstance(delivery, Sent) and delivery.refused:
            activity.logger.warning("Notice %s: %d addresses refused", row.key, delivery.refused)
        if end in {_End.FAILED, _End.UNKNOWN}:
            # The reason may hold an address, so it stands in SQL and not in the log.
            activity.logger.warning("Notice %s is %s", row.key, end)
        return end

    async def _write_down(self, work: Callable[[], _Made]) -> _Made:
        """Write what became of a claim as soon as the database takes it, however long that lasts.

        Doing it twice does no harm: where the first answer was lost, the second write finds nothing to do.

        Raises:
            OperationalError, InterfaceError, TimeoutError: the worker shuts down, and the database is still away.
        """
        is_told = False
        while True:
            try:
                return await asyncio.to_thread(work)
            except DATABASE_AWAY as fault:
                if activity.is_worker_shutdown():
                    raise
                if not is_told:
                    reason = type(fault).__name__
                    activity.logger.warning("The outbox waits for the database: %s", reason)
                    is_told = True
            await self._clock.pause(self._poll_seconds)

    # --- What blocks, each in a transaction of its own ------------------------------------------

    def _abandon_stale(self, now: datetime) -> int:
        with self._database.writing() as session:
            return outbox.abandon_stale(session, now, self._stale_after)

    def _claim_due(self, now: datetime, claim: str) -> list[NoticeRow]:
        with self._database.writing() as session:
            return outbox.claim_due(session, now, self._at_once, claim)

    def _release(self, claim: str) -> int:
        with self._database.writing() as session:
            return outbox.release(session, claim)

    def _put_back(
        self, row: NoticeRow, claim: str, next_attempt_at: datetime, failure: str | None
    ) -> bool:
        with self._database.writing() as session:
            return outbox.put_back(session, row.key, claim, next_attempt_at, failure)

    def _mark(
        self, row: NoticeRow, claim: str, delivery: Delivery | _NotTried, now: datetime
    ) -> tuple[_End, bool]:
        key = row.key
        if isinstance(delivery, _NotTried):
            return _End.DEFERRED, self._put_back(row, claim, row.next_attempt_at, None)
        if isinstance(delivery, Temporary):
            # The attempt was counted when the notice was claimed.
            if row.attempts <= len(DELAYS):
                later = now + DELAYS[row.attempts - 1]
                return _End.DEFERRED, self._put_back(row, claim, later, delivery.reason)
            delivery = Permanent(f"Given up after {row.attempts} attempts. {delivery.reason}")
        with self._database.writing() as session:
            match delivery:
                case Sent(message_id=message_id):
                    return _End.SENT, outbox.mark_sent(session, key, claim, now, message_id)
                case Permanent(reason=reason):
                    return _End.FAILED, outbox.mark_failed(session, key, claim, now, reason)
                case Unknown(reason=reason):
                    return _End.UNKNOWN, outbox.mark_unknown(session, key, claim, now, reason)


@contextlib.asynccontextmanager
async def _heartbeats(seconds: float) -> AsyncGenerator[None]:
    """Say now and then that the drain lives, also while a mail server takes its time."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(seconds)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])
