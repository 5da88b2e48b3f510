"""The establishments of a drive's rows: those on file as they are, and the new ones added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.drives import provisional_number
from casework.store._statements import upsert
from casework.store.drives.knowledge import establishments_of
from casework.store.drives.tables import DriveRow
from casework.store.keys import new_id
from casework.store.search import searchable
from casework.store.tables import Establishment


@dataclass(frozen=True)
class SiteOnFile:
    """The establishment of a row as it is on file."""

    id: str
    province: str
    name: str


def keep_sites(session: Session, rows: Sequence[DriveRow], now: datetime) -> dict[int, SiteOnFile]:
    """Return by line the establishments of rows, locked, after adding those that are new.

    What is on file stays as it is: a list knows less of an establishment than its own application.
    """
    known = establishments_of(session, rows)
    new = {
        row.line: _new_establishment(row, now)
        for row in rows
        if row.line not in known and row.province and (row.name_th or row.name_en)
    }
    numbers = sorted({str(values["registration_no"]) for values in new.values()})
    if new:
        # In one order everywhere, so that two drives over the same sites do not wait for each other.
        values = sorted(new.values(), key=lambda values: str(values["registration_no"]))
        session.execute(upsert(session, Establishment).values(values).on_conflict_do_nothing())
    locked = session.execute(
        select(
            col(Establishment.id),
            col(Establishment.registration_no),
            col(Establishment.province),
            col(Establishment.name_th),
            col(Establishment.name_en),
        )
        .where(
            or_(
                col(Establishment.id).in_(sorted(set(known.values()))),
                col(Establishment.registration_no).in_(numbers),
            )
        )
        .order_by(col(Establishment.registration_no))
        .with_for_update()
    )
    by_id: dict[str, SiteOnFile] = {}
    by_number: dict[str, SiteOnFile] = {}
    for establishment, number, province, name_th, name_en in locked:
        site = SiteOnFile(establishment, province, name_th or name_en or number)
        by_id[establishment] = by_number[number] = site
    return {line: by_id[establishment] for line, establishment in known.items()} | {
        line: by_number[str(values["registration_no"])] for line, values in new.items()
    }


def _new_establishment(row: DriveRow, now: datetime) -> dict[str, object]:
    name = row.name_key_th or row.name_key_en or ""
    number = row.registration_no or provisional_number(
        name, row.province or "", row.latitude, row.longitude
    )
    return {
        "id": new_id("est"),
        "registration_no": number,
        "name_th": row.name_th,
        "name_en": row.name_en,
        "address": row.address or "",
        "province": row.province,
        "latitude": row.latitude,
        "longitude": row.longitude,
        "search_text": searchable(number, row.name_th, row.name_en, row.address),
        "created_at": now,
        "updated_at": now,
    }
