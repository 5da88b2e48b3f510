"""The register as the sum of its entries: the current record of each establishment in a program."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from types import MappingProxyType

from casework.domain._model import Frozen, Instant
from casework.domain.calendar import end_of_day, local_date
from casework.domain.register import RegisterStatus
from casework.register.entry import CertificationEntry
from casework.store.tables import RegisterEntry


class NumberedEntry(Frozen):
    """One entry of the register: the number counts from 1 over the whole register, without a gap."""

    number: int
    public_id: str
    published_at: Instant
    body: CertificationEntry

    @classmethod
    def of(cls, row: RegisterEntry) -> "NumberedEntry":
        """Read an entry back as it was published."""
        told = json.loads(row.body)
        number, public_id, published_at = (
            told.pop(name) for name in ("entry", "id", "published_at")
        )
        body = CertificationEntry(
            case_id=row.case_id,
            version=row.version,
            establishment_id=row.establishment_id,
            **told,
        )
        return cls(number=number, public_id=public_id, published_at=published_at, body=body)

    @property
    def age(self) -> tuple[datetime, int, int]:
        """What tells a newer state from an older one, whichever was published first."""
        return self.body.effective_at, self.body.version, self.number


class PublicRecord(Frozen):
    """One establishment in one program: the state that counts, and all entries, the newest first."""

    current: NumberedEntry
    entries: tuple[NumberedEntry, ...]

    @property
    def public_id(self) -> str:
        """The id the record is found under, for ever."""
        return self.current.public_id

    def status_on(self, day: date) -> RegisterStatus:
        """Return the status on a Bangkok day.

        A certification whose last day is over is expired, even while the engine that would say so
        in an entry of its own is down.
        """
        body = self.current.body
        over = body.valid_until is not None and body.valid_until < day
        if body.status is RegisterStatus.ACTIVE and over:
            return RegisterStatus.EXPIRED
        return body.status


def fold(
    records: Mapping[str, PublicRecord], entries: Iterable[NumberedEntry]
) -> Mapping[str, PublicRecord]:
    """Return the records, by public id, after more entries, in whatever order they come."""
    changed = dict(records)
    for entry in entries:
        before = changed.get(entry.public_id)
        known = before.entries if before else ()
        history = tuple(sorted((entry, *known), key=lambda e: e.age, reverse=True))
        changed[entry.public_id] = PublicRecord(current=_current(history), entries=history)
    return MappingProxyType(changed)


def _current(entries: Iterable[NumberedEntry]) -> NumberedEntry:
    """Return the newest state of the newest active certification, or of the newest where none is active.

    A renewal takes the record over, and stays when the certification before it ends.
    """
    latest: dict[str, NumberedEntry] = {}
    for entry in sorted(entries, key=lambda e: e.body.version):
        latest[entry.body.case_id] = entry
    return max(latest.values(), key=_precedence)


def _precedence(entry: NumberedEntry) -> tuple[bool, date, tuple[datetime, int, int]]:
    is_active = entry.body.status is RegisterStatus.ACTIVE
    return is_active, entry.body.granted_on, entry.age


def next_expiry(records: Iterable[PublicRecord], now: datetime) -> datetime | None:
    """Return the next moment (UTC) at which a status changes by itself, or None."""
    today = local_date(now)
    days = [
        record.current.body.valid_until
        for record in records
        if record.current.body.valid_until is not None
        and record.status_on(today) is RegisterStatus.ACTIVE
    ]
    return end_of_day(min(days)) if days else None
