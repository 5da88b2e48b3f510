"""How long personal data is kept after the end of its case or drive: periods as data, and what happens at their end."""

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from pydantic import PositiveInt, TypeAdapter
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.people._erasing import Erasure, Kind, erase
from casework.store.drives.tables import Drive, DriveRow
from casework.store.tables import CaseRow, Community, Contact, Representation, TextRow

EVERYBODY = "everybody"
HOUSEKEEPING = "housekeeping"

_DAYS_OF_A_MONTH = 31
"""Rather some days later than one too soon."""

_FILE = files("casework.people") / "data" / "retention.toml"


@cache
def retention_months() -> Mapping[Kind, int]:
    """Return for how many months each kind is kept; what is not listed is kept until somebody has it erased."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return TypeAdapter(dict[Kind, PositiveInt]).validate_python(content["months"])


def erase_expired(
    session: Session, now: datetime, months: Mapping[Kind, int] | None = None
) -> dict[Kind, int]:
    """Erase what has been kept for its time; return how many rows of each kind. Safe to repeat.

    Of a case that is not closed, and of a drive that has not ended, nothing is erased.
    """
    months = retention_months() if months is None else months
    erased: dict[Kind, int] = {}
    for kind, period in months.items():
        over = _over(kind, now - timedelta(days=period * _DAYS_OF_A_MONTH))
        reason = f"Kept for {period} months."
        erasure = Erasure(subject=EVERYBODY, reason=reason, by=HOUSEKEEPING, at=now)
        erased[kind] = erase(session, kind, over, erasure)
    return erased


def _over(kind: Kind, before: datetime) -> ColumnElement[bool]:
    closed = and_(col(CaseRow.is_closed), col(CaseRow.changed_at) < before)
    cases = select(col(CaseRow.case_id)).where(closed)
    drives = select(col(Drive.id)).where(col(Drive.ended_at) < before)
    match kind:
        case Kind.TEXTS:
            return or_(col(TextRow.subject).in_(cases), col(TextRow.subject).in_(drives))
        case Kind.REPRESENTATIONS:
            return col(Representation.case_id).in_(cases)
        case Kind.COMMUNITIES:
            return col(Community.case_id).in_(cases)
        case Kind.DRIVE_ROWS:
            return col(DriveRow.drive_id).in_(drives)
        case Kind.CONTACTS:
            own = col(CaseRow.establishment_id) == col(Contact.establishment_id)
            return and_(col(Contact.created_at) < before, ~exists().where(own, ~closed))
        case Kind.STAFF:
            raise ValueError("who works here is kept until somebody takes them off the directory")
