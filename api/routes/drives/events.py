"""The progress of a drive as server-sent events, read from SQL.

An event's id says where the drive was: ``<when it came into its state>-<rows done>``. Both only grow, so a
client that comes back with ``Last-Event-ID`` is told of what has changed since and of nothing twice.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from fastapi.sse import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.routes.drives.views import DriveStatus
from casework.domain.drives import DriveState
from casework.store.database import Database
from casework.store.drives.drives import find_drive
from casework.store.drives.rows import progress_of
from casework.store.texts import read_texts

READ_EVERY = timedelta(seconds=1)
"""How often one stream asks SQL at most."""

LONGEST_STREAM = timedelta(minutes=5)
"""A stream ends then and the client comes back: with a token that is good, to a process that is up."""

COME_BACK_AFTER = timedelta(seconds=1)

PROGRESS = "progress"
ENDED = "ended"

_ENDED_STATES = frozenset({DriveState.STOPPED, DriveState.FINISHED})
_ID = re.compile(r"([0-9]{1,20})-([0-9]{1,9})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Place(NamedTuple):
    """Where a drive is: since when in its state (microseconds), and how many rows are done."""

    state_at: int
    done: int

    @classmethod
    def parse(cls, text: str | None) -> "Place | None":
        """Read the id of an event; one that is none of ours counts as no id."""
        found = _ID.fullmatch(text or "")
        return cls(int(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        """Write the id of an event."""
        return f"{self.state_at}-{self.done}"


async def events_of(
    database: Database, drive_id: str, last_event_id: str | None
) -> AsyncGenerator[ServerSentEvent]:
    """Yield an event for each change until the drive has ended; the last one is called ``ended``."""
    known = Place.parse(last_event_id)
    for _ in range(LONGEST_STREAM // READ_EVERY):
        found = await run_in_threadpool(_read, database, drive_id)
        if found is None:
            return
        place, status = found
        has_ended = status.state in _ENDED_STATES
        if known is None or place > known or has_ended:
            known = place
            yield ServerSentEvent(
                data=status,
                event=ENDED if has_ended else PROGRESS,
                id=str(place),
                retry=COME_BACK_AFTER // timedelta(milliseconds=1),
            )
        if has_ended:
            return
        await asyncio.sleep(READ_EVERY.total_seconds())


def _read(database: Database, drive_id: str) -> tuple[Place, DriveStatus] | None:
    with database.reading() as session:
        drive = find_drive(session, drive_id)
        if drive is None:
            return None
        progress = progress_of(session, drive_id)
        texts = read_texts(session, drive.state_reason)
    since = (drive.state_at - _EPOCH) // timedelta(microseconds=1)
    place = Place(since, progress.total - progress.pending)
    return place, DriveStatus.of(drive, progress, texts)
