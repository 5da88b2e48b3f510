"""How each kind of personal data is emptied: the row stays with its ids, what it says of somebody goes."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain._model import Frozen
from casework.store._statements import rows_changed
from casework.store.drives.tables import DriveRow
from casework.store.tables import (
    Community,
    Contact,
    Enrollment,
    ErasureRow,
    NoticeRow,
    Person,
    Representation,
    TextRow,
)

_Where = ColumnElement[bool]


class Kind(StrEnum):
    """What can be erased."""

    TEXTS = "texts"
    REPRESENTATIONS = "representations"
    CONTACTS = "contacts"
    COMMUNITIES = "communities"
    DRIVE_ROWS = "drive-rows"
    STAFF = "staff"


class Erasure(Frozen):
    """Whose data is erased, why, and who does it."""

    subject: str
    reason: str
    by: str
    at: datetime


def erase(session: Session, kind: Kind, where: _Where, erasure: Erasure) -> int:
    """Empty the rows of one kind that still say something, add the line that tells of it, and return how many."""
    count = _EMPTY[kind](session, where, erasure.at)
    if count:
        session.add(ErasureRow(kind=kind, count=count, **erasure.model_dump()))
    return count


def _empty_texts(session: Session, where: _Where, at: datetime) -> int:
    statement = update(TextRow).where(where, col(TextRow.erased_at).is_(None))
    return rows_changed(session, statement.values(text=None, salt=None, erased_at=at))


def _empty_representations(session: Session, where: _Where, _: datetime) -> int:
    said = col(Representation.text) != ""
    _forget_failures(
        session, session.scalars(select(col(Representation.author_email)).where(where))
    )
    statement = update(Representation).where(where, said)
    empty = statement.values(text="", author_name=None, author_email=None, digest=_no_digest())
    return rows_changed(session, empty)


def _empty_contacts(session: Session, where: _Where, _: datetime) -> int:
    known = col(Contact.email) != ""
    ids = list(session.scalars(select(col(Contact.id)).where(where, known)))
    _forget_failures(session, session.scalars(select(col(Contact.email)).where(where, known)))
    applied = update(Enrollment).where(col(Enrollment.contact_id).in_(ids))
    # The digest of an application is one of everything that it said.
    rows_changed(session, applied.values(digest=_no_digest()))
    empty = update(Contact).where(col(Contact.id).in_(ids))
    return rows_changed(session, empty.values(name="", email="", phone=None))


def _empty_communities(session: Session, where: _Where, _: datetime) -> int:
    _forget_failures(session, session.scalars(select(col(Community.email)).where(where)))
    return rows_changed(session, delete(Community).where(where))


def _empty_drive_rows(session: Session, where: _Where, _: datetime) -> int:
    statement = update(DriveRow).where(where, col(DriveRow.cells) != "[]")
    empty = statement.values(
        cells="[]", problems="[]", notes="[]", contact_name=None, email=None, phone=None
    )
    return rows_changed(session, empty)


def _empty_staff(session: Session, where: _Where, _: datetime) -> int:
    return rows_changed(session, delete(Person).where(where))


_EMPTY = {
    Kind.TEXTS: _empty_texts,
    Kind.REPRESENTATIONS: _empty_representations,
    Kind.CONTACTS: _empty_contacts,
    Kind.COMMUNITIES: _empty_communities,
    Kind.DRIVE_ROWS: _empty_drive_rows,
    Kind.STAFF: _empty_staff,
}


def _forget_failures(session: Session, addresses: Iterable[str | None]) -> None:
    """Empty what mail servers said of a notice where it names one of the addresses."""
    for address in set(addresses):
        if address:
            said = func.lower(col(NoticeRow.failure)).contains(address.lower(), autoescape=True)
            rows_changed(session, update(NoticeRow).where(said).values(failure=None))


def _no_digest() -> str:
    """Return what no request can have: a digest of what was erased would let it be guessed."""
    return secrets.token_hex(8)
