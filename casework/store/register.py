"""The public register: append-only entries; what they add up to is in :mod:`casework.register.records`.

Only what :class:`PublicEntry` allows leaves the system; ``body`` holds it as JSON, and pages and
data files are made of nothing else.
"""

import base64
import hashlib
import json
from datetime import date, datetime
from typing import cast

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain._model import Frozen, Instant
from casework.domain.register import RegisterStatus
from casework.store.tables import RegisterEntry


class PublicEntry(Frozen):
    """The state of a certification at one version of its case.

    ``granted_on`` and ``valid_until`` are days in Bangkok, the last one included; ``effective_at``
    is the time of the event that made the state. All but ``case_id``, ``version`` and
    ``establishment_id`` is public.
    """

    case_id: str
    version: int
    establishment_id: str
    program: str
    program_version: str
    status: RegisterStatus
    province: str
    level: str | None
    granted_on: date
    valid_until: date | None
    effective_at: Instant
    name_th: str | None = None
    name_en: str | None = None
    river_basin: str | None = None
    latitude: float | None = None
    longitude: float | None = None


_NOT_PUBLIC = {"case_id", "version", "establishment_id"}


def public_id_of(program: str, establishment_id: str) -> str:
    """Return the id under which the public finds a record, for ever: ``/r/<id>``."""
    name = json.dumps(["register", program, establishment_id]).encode()
    return base64.b32encode(hashlib.sha256(name).digest()).decode().lower()[:12]


def add_entry(session: Session, entry: PublicEntry, now: datetime) -> int:
    """Publish a state and return the number of its entry; the same version only ever has one.

    Numbers count from 1 without a gap. Sends at most 3 statements.
    """
    if session.get_bind().dialect.name == "postgresql":
        # A sequence would leave gaps after rollbacks. Readers are not held up.
        session.execute(text("LOCK TABLE register_entries IN SHARE ROW EXCLUSIVE MODE"))
    this = (
        select(func.max(col(RegisterEntry.number)))
        .where(
            col(RegisterEntry.case_id) == entry.case_id,
            col(RegisterEntry.version) == entry.version,
        )
        .scalar_subquery()
    )
    found = session.execute(select(this, func.max(col(RegisterEntry.number)))).one()
    known, last = cast("tuple[int | None, int | None]", tuple(found))
    if known is not None:
        return known
    number = (last or 0) + 1
    session.add(
        RegisterEntry(
            number=number,
            case_id=entry.case_id,
            version=entry.version,
            establishment_id=entry.establishment_id,
            program=entry.program,
            status=entry.status,
            body=_body(entry, number, now),
            at=now,
        )
    )
    return number


def entries_after(session: Session, number: int, limit: int = 1000) -> list[RegisterEntry]:
    """Return the entries that follow a number, in order: what a feed or a copy has yet to read."""
    rows = (
        select(RegisterEntry)
        .where(col(RegisterEntry.number) > number)
        .order_by(col(RegisterEntry.number))
        .limit(limit)
    )
    return list(session.scalars(rows))


def _body(entry: PublicEntry, number: int, now: datetime) -> str:
    public = entry.model_dump(mode="json", exclude=_NOT_PUBLIC)
    public_id = public_id_of(entry.program, entry.establishment_id)
    public |= {"entry": number, "id": public_id, "published_at": now.isoformat()}
    return json.dumps(public, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
