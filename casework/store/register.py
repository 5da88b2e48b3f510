"""The public register: append-only entries, and the current record of each establishment.

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
from casework.store._statements import upsert
from casework.store.search import like, searchable
from casework.store.tables import RegisterEntry, RegisterRecord, RegisterStatus


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

    Numbers count from 1 without a gap. The current record changes only if this state is newer than
    the one it shows. Sends at most 4 statements.
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
    public_id = public_id_of(entry.program, entry.establishment_id)
    body = _body(entry, number, public_id, now)
    session.add(
        RegisterEntry(
            number=number,
            case_id=entry.case_id,
            version=entry.version,
            establishment_id=entry.establishment_id,
            program=entry.program,
            status=entry.status,
            body=body,
            at=now,
        )
    )
    session.flush()
    _show(session, entry, number, public_id, body)
    return number


def records(
    session: Session,
    *,
    program: str | None = None,
    province: str | None = None,
    status: RegisterStatus | None = None,
    text: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[RegisterRecord]:
    """Return current records by public id, from the one that follows ``after``."""
    rows = select(RegisterRecord).where(col(RegisterRecord.public_id) > after)
    if program is not None:
        rows = rows.where(col(RegisterRecord.program) == program)
    if province is not None:
        rows = rows.where(col(RegisterRecord.province) == province)
    if status is not None:
        rows = rows.where(col(RegisterRecord.status) == status)
    for word in searchable(text).split():
        rows = rows.where(like(col(RegisterRecord.search_text), word))
    return list(session.scalars(rows.order_by(col(RegisterRecord.public_id)).limit(limit)))


def find_record(session: Session, public_id: str) -> RegisterRecord | None:
    """Return the current record under a public id."""
    return session.scalar(select(RegisterRecord).where(col(RegisterRecord.public_id) == public_id))


def entries_of(session: Session, establishment_id: str, program: str) -> list[RegisterEntry]:
    """Return all entries of an establishment in a program, the oldest first."""
    rows = (
        select(RegisterEntry)
        .where(
            col(RegisterEntry.establishment_id) == establishment_id,
            col(RegisterEntry.program) == program,
        )
        .order_by(col(RegisterEntry.number))
    )
    return list(session.scalars(rows))


def entries_after(session: Session, number: int, limit: int = 1000) -> list[RegisterEntry]:
    """Return the entries that follow a number, in order: what a feed or a copy has yet to read."""
    rows = (
        select(RegisterEntry)
        .where(col(RegisterEntry.number) > number)
        .order_by(col(RegisterEntry.number))
        .limit(limit)
    )
    return list(session.scalars(rows))


def last_entry_number(session: Session) -> int:
    """Return the number of the latest entry, 0 for an empty register."""
    return session.scalar(select(func.max(col(RegisterEntry.number)))) or 0


def _body(entry: PublicEntry, number: int, public_id: str, now: datetime) -> str:
    public = entry.model_dump(mode="json", exclude=_NOT_PUBLIC)
    public |= {"entry": number, "id": public_id, "published_at": now.isoformat()}
    return json.dumps(public, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _show(session: Session, entry: PublicEntry, number: int, public_id: str, body: str) -> None:
    shown = {
        "entry": number,
        "case_id": entry.case_id,
        "version": entry.version,
        "effective_at": entry.effective_at,
        "status": entry.status,
        "province": entry.province,
        "level": entry.level,
        "granted_on": entry.granted_on,
        "valid_until": entry.valid_until,
        "name_th": entry.name_th,
        "name_en": entry.name_en,
        "search_text": searchable(entry.name_th, entry.name_en, public_id),
        "body": body,
    }
    older = (col(RegisterRecord.effective_at) < entry.effective_at) | (
        (col(RegisterRecord.effective_at) == entry.effective_at)
        & (col(RegisterRecord.version) < entry.version)
    )
    session.execute(
        upsert(session, RegisterRecord)
        .values(
            establishment_id=entry.establishment_id,
            program=entry.program,
            public_id=public_id,
            **shown,
        )
        .on_conflict_do_update(
            index_elements=["establishment_id", "program"], set_=shown, where=older
        )
    )
