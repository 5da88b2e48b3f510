"""What is kept about one person: given to them as JSON, and erased.

A person is the reference that tokens and acts have (``officer-21``), the id of a contact, or an e-mail address. No
two of them are taken for the same: a colleague may read a shared mailbox.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.people._erasing import Erasure, Kind, erase
from casework.store.drives.tables import DriveRow
from casework.store.tables import (
    Community,
    Contact,
    Enrollment,
    EvidenceFile,
    JournalRow,
    Person,
    RefusalRow,
    Representation,
    Row,
    TextRow,
)

_Table = TypeVar("_Table", bound=Row)
_Where = ColumnElement[bool]

Kept = Mapping[str, list[dict[str, Any]]]
"""Rows by what they are, as JSON values."""

_ADDRESS = "e-mail"


def kept_about(session: Session, person: str) -> Kept:
    """Return all that a person wrote, and all rows about them."""
    erasable = _erasable(person)
    return {
        "texts": _rows(session, TextRow, erasable[Kind.TEXTS], "salt"),
        "representations": _rows(
            session, Representation, erasable[Kind.REPRESENTATIONS], "digest", "update_key"
        ),
        "contacts": _rows(session, Contact, erasable[Kind.CONTACTS]),
        "communities": _rows(session, Community, erasable[Kind.COMMUNITIES]),
        "rows of lists": _rows(session, DriveRow, erasable[Kind.DRIVE_ROWS]),
        "staff directory": _rows(session, Person, erasable[Kind.STAFF]),
        "applications": _rows(
            session, Enrollment, col(Enrollment.applicant) == person, "digest", "update_id"
        ),
        "events": _rows(
            session, JournalRow, col(JournalRow.actor_person) == person, "body", "previous_hash"
        ),
        "refusals": _rows(session, RefusalRow, col(RefusalRow.person) == person),
        "evidence": _rows(session, EvidenceFile, col(EvidenceFile.uploaded_by) == person),
    }


def erase_person(
    session: Session, person: str, reason: str, by: str, now: datetime
) -> dict[Kind, int]:
    """Erase what a person wrote and what says who they are; return how many rows of each kind.

    Ids, hashes, times and the lines of journals stay: who did what is the record of the office.
    """
    subject = _ADDRESS if _is_address(person) else person
    erasure = Erasure(subject=subject, reason=reason, by=by, at=now)
    return {kind: erase(session, kind, where, erasure) for kind, where in _erasable(person).items()}


def _erasable(person: str) -> dict[Kind, _Where]:
    if _is_address(person):
        address = person.strip().lower()

        def at(column: Any) -> _Where:
            return func.lower(col(column)) == address

        return {
            Kind.TEXTS: false(),
            Kind.REPRESENTATIONS: at(Representation.author_email),
            Kind.CONTACTS: at(Contact.email),
            Kind.COMMUNITIES: at(Community.email),
            Kind.DRIVE_ROWS: at(DriveRow.email),
            Kind.STAFF: at(Person.email),
        }
    own = select(col(Enrollment.contact_id)).where(col(Enrollment.applicant) == person)
    return {
        Kind.TEXTS: col(TextRow.author) == person,
        Kind.REPRESENTATIONS: false(),
        Kind.CONTACTS: or_(col(Contact.id) == person, col(Contact.id).in_(own)),
        Kind.COMMUNITIES: false(),
        Kind.DRIVE_ROWS: false(),
        Kind.STAFF: col(Person.person) == person,
    }


def _is_address(person: str) -> bool:
    # No reference has one: see REF_PATTERN.
    return "@" in person


def _rows(
    session: Session, table: type[_Table], where: _Where, *without: str
) -> list[dict[str, Any]]:
    found = session.scalars(select(table).where(where))
    return [row.model_dump(mode="json", exclude=set(without)) for row in found]
