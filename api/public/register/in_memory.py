"""The register in memory: read from SQL when an entry was added, served from here otherwise."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import structlog
from anyio import to_thread
from cachetools import LRUCache

from api.pages.cache import Rendered, page_cache
from api.pages.site import Clock
from api.public.register.collation import sort_key
from casework.domain.calendar import Language, local_date
from casework.domain.register import RegisterStatus
from casework.register.records import NumberedEntry, PublicRecord, fold, next_expiry
from casework.store.database import Database
from casework.store.register import entries_after
from casework.store.search import searchable

ReadEntries = Callable[[int], Sequence[NumberedEntry]]
"""Reads the entries with a higher number, in order, by one SQL statement."""

CHECK_EVERY = timedelta(seconds=1)
_AT_ONCE = 5000

_log = structlog.get_logger()


def read_entries(database: Database, after: int) -> Sequence[NumberedEntry]:
    """Return the entries with a higher number, in order. One statement for each 5,000 of them."""
    entries: list[NumberedEntry] = []
    with database.reading() as session:
        while rows := entries_after(session, after, limit=_AT_ONCE):
            entries += map(NumberedEntry.of, rows)
            after = rows[-1].number
            session.expunge_all()
            if len(rows) < _AT_ONCE:
                break
    return entries


@dataclass(frozen=True)
class Listed:
    """A record as lists need it: its status today, and what it is searched and sorted by."""

    record: PublicRecord
    status: RegisterStatus
    text: str
    keys: Mapping[Language, str]

    @classmethod
    def of(cls, record: PublicRecord, status: RegisterStatus) -> "Listed":
        """Prepare a record."""
        body = record.current.body
        return cls(
            record=record,
            status=status,
            text=searchable(body.name_th, body.name_en, record.public_id),
            keys={
                "th": sort_key(body.name_th or body.name_en or ""),
                "en": sort_key(body.name_en or body.name_th or ""),
            },
        )


@dataclass(frozen=True)
class RegisterAt:
    """The register after its entry ``number``, as it stands until ``expires_at``, and its pages."""

    number: int
    listed: Mapping[str, Listed]
    updated_at: datetime | None
    expires_at: datetime | None
    pages: LRUCache[str, Rendered] = field(default_factory=page_cache)

    @cached_property
    def by_name(self) -> Mapping[Language, tuple[Listed, ...]]:
        """All records in the order of their names, in each language."""
        rows = self.listed.values()
        return {
            "th": tuple(sorted(rows, key=lambda row: row.keys["th"])),
            "en": tuple(sorted(rows, key=lambda row: row.keys["en"])),
        }


class RegisterInMemory:
    """Keep the register in memory and look for new entries at most once per second.

    Between two looks no statement is executed, and a look is one statement that reads what is new.
    While the database is down the last state is served. It owns no thread: looks happen when
    somebody asks, and only the first asker waits for them.
    """

    def __init__(self, read_entries: ReadEntries, clock: Clock) -> None:
        self._read_entries = read_entries
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at: datetime | None = None
        self._records: Mapping[str, PublicRecord] = {}
        self._now: RegisterAt | None = None

    async def current(self) -> RegisterAt:
        """Return the register as it stands.

        Raises:
            Exception: what went wrong while it was read, if it never was before.
        """
        register = self._now
        if register is not None and (self._is_fresh(self._clock()) or self._lock.locked()):
            return register
        return await to_thread.run_sync(self._look)

    def _is_fresh(self, now: datetime) -> bool:
        register, looked_at = self._now, self._looked_at
        return (
            register is not None
            and looked_at is not None
            and looked_at <= now < looked_at + CHECK_EVERY
            and (register.expires_at is None or now < register.expires_at)
        )

    def _look(self) -> RegisterAt:
        with self._lock:
            now = self._clock()
            if self._now is not None and self._is_fresh(now):
                return self._now
            self._looked_at = now
            after = self._now.number if self._now else 0
            try:
                entries = self._read_entries(after)
            except Exception as error:
                _log.error("register_not_read", error=type(error).__name__, after=after)
                if self._now is None:
                    raise
                # A register that is some seconds old is better than none.
                entries = ()
            if entries or self._now is None or self._has_expired(now):
                self._records = fold(self._records, entries)
                newest = entries[-1] if entries else None
                self._now = _at(self._records, newest, now, self._now)
            return self._now

    def _has_expired(self, now: datetime) -> bool:
        at = self._now.expires_at if self._now else None
        return at is not None and at <= now


def _at(
    records: Mapping[str, PublicRecord],
    newest: NumberedEntry | None,
    now: datetime,
    before: RegisterAt | None,
) -> RegisterAt:
    """Prepare the records that changed; the others are taken over from before."""
    today = local_date(now)
    kept: Mapping[str, Listed] = before.listed if before else {}
    listed: dict[str, Listed] = {}
    for public_id, record in records.items():
        status = record.status_on(today)
        known = kept.get(public_id)
        is_same = known is not None and known.record is record and known.status is status
        listed[public_id] = known if known is not None and is_same else Listed.of(record, status)
    return RegisterAt(
        number=newest.number if newest else before.number if before else 0,
        listed=listed,
        updated_at=newest.published_at if newest else before.updated_at if before else None,
        expires_at=next_expiry(records.values(), now),
    )
