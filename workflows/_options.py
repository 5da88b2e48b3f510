"""Every timeout and retry policy of the workflows, by name, with the reason for its numbers."""

from datetime import timedelta

from temporalio.common import RetryPolicy

RECORD_TIMEOUT = timedelta(seconds=30)
"""One attempt at one SQL transaction: milliseconds, or as long as a lock held by another writer."""

RECORD_RETRY = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=1),
)
"""Forever: what was accepted must be recorded, however long the database is away. Even a gap in the journal is
tried again, because a case that waits for a repair is better than a case that has failed."""

RECORD_LOCALLY_UP_TO = timedelta(seconds=5)
"""A longer pause between attempts becomes a timer, so that an outage does not hold a workflow task open."""

PUBLISH_TIMEOUT = timedelta(minutes=1)
"""One attempt at a register entry: a read of one journal and one insert."""

PUBLISH_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(minutes=5),
)
"""Forever: a granted certification is published without anyone's hand, if need be when the database is back."""

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
