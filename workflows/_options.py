"""Every timeout and retry policy of the workflows, by name, with the reason for its numbers."""

from datetime import timedelta

from temporalio.common import RetryPolicy

from casework.contracts.casebook import NOT_PUBLISHABLE, RECORD_BEHIND

RECORD_TIMEOUT = timedelta(seconds=30)
"""One attempt at one SQL transaction: milliseconds, or as long as a lock held by another writer."""

RECORD_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=1),
    non_retryable_error_types=[RECORD_BEHIND, NOT_PUBLISHABLE],
)
"""Forever: what was accepted must be recorded, however long the database is away, and attempts leave no events. Even a
gap in the journal is tried again, because a case that waits for a repair is better than a case that has failed."""


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failed publications: from 10 seconds to an hour, doubling.

    Each costs nine events, so that a defect of the data fills a history no faster than in weeks.
    """
    return min(timedelta(seconds=10) * 2 ** min(failures, 10), timedelta(hours=1))


DRAIN_ROUND = timedelta(minutes=10)
"""How long one drain of the outbox works before it reports: six history events for each round."""

DRAIN_TIMEOUT = timedelta(minutes=15)
"""A round and the longest message it may have begun at its end."""

DRAIN_HEARTBEAT = timedelta(seconds=30)
"""A drain that says nothing for so long is dead, and another takes its place."""

DRAIN_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""Forever, and soon: mail must leave again within half a minute of a worker's return."""

DRAIN_ROUNDS_PER_RUN = 100
"""Continue as new after so many rounds: under 1,000 history events, about once in 17 hours."""

HOUSEKEEPING_TIMEOUT = timedelta(minutes=10)
"""One sweep or export of at most a few hundred cases."""

HOUSEKEEPING_RETRY = RetryPolicy(maximum_attempts=3)
"""Three times: the schedule comes again anyway."""

DRIVE_PAGE_SECONDS = 15
"""A drive with a set pace has pages of about this long, so that progress shows and history stays short."""

DRIVE_PAGE_TIMEOUT = timedelta(minutes=10)
"""One attempt at a page; the rows it got done are done, and another attempt takes the rest."""

DRIVE_HEARTBEAT = timedelta(seconds=20)
"""A page that says nothing for so long has lost its worker."""

DRIVE_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
)
"""Forever: a drive waits for Temporal and the database to come back, and officers can pause or stop it
meanwhile. A program without an open version is not tried again: the drive pauses and says so."""

DRIVE_NOTE_TIMEOUT = timedelta(seconds=30)
"""One attempt at writing down a drive's state: a statement or two, with a stop one for all pending rows."""
