"""Enrollments: who applies for what, and the one case that follows.

The unique row of program, establishment and cycle outlives Temporal's memory of closed workflow
ids. An enrollment is reserved before its case is started.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple, cast

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.enrollment import case_id_of
from casework.domain._model import Code, Frozen, Line, ProvinceCode, Ref
from casework.domain.email import Email
from casework.domain.renewal import leaves_room_for_the_next
from casework.domain.stages import Stage
from casework.store._statements import upsert
from casework.store.keys import KeyReused, new_id
from casework.store.search import searchable
from casework.store.tables import CaseRow, Contact, Enrollment, Establishment

GIVEN_UP_AFTER = timedelta(minutes=15)
"""A reservation whose case has not started by then holds nobody up: its maker will not come back."""


class CaseAlreadyOpen(Exception):
    """The establishment has an open case in this program and no end in sight: which case, and who applied for it."""

    def __init__(self, enrollment: Enrollment) -> None:
        super().__init__(f"{enrollment.case_id} is open")
        # The row itself is gone with its transaction.
        self.case_id = enrollment.case_id
        self.establishment_id = enrollment.establishment_id
        self.applicant = enrollment.applicant


class NewContact(Frozen):
    """How to reach somebody who speaks for the establishment."""

    name: Line
    email: Email
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Literal["th", "en"] = "th"


class NewEstablishment(Frozen):
    """An establishment as the application describes it."""

    registration_no: Annotated[str, Field(min_length=1, max_length=64)]
    name_th: Line | None = None
    name_en: Line | None = None
    address: Line
    province: ProvinceCode
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    river_basin: Code | None = None


class NewEnrollment(Frozen):
    """What is needed to reserve a case. ``prefix`` begins the ids of the program's cases."""

    program: str
    prefix: str
    program_version: str
    establishment: NewEstablishment
    contact: NewContact
    applicant: Ref
    update_id: Annotated[str, Field(min_length=1, max_length=255)]
    digest: str


class Opened(Frozen):
    """The reservation. ``is_new`` is False when the same request had made it before.

    ``establishment_is_new`` says that this very request was the first to describe the establishment.
    """

    case_id: str
    establishment_id: str
    contact_id: str
    program_version: str
    cycle: int
    is_new: bool
    establishment_is_new: bool


def open_enrollment(session: Session, new: NewEnrollment, now: datetime) -> Opened:
    """Reserve the case of an establishment in a program, and keep who applies.

    The first case is of cycle 1; when it is closed, or certified and near its end, the next application
    opens the next cycle.
    Sends 5 statements, for a repetition 1.

    Raises:
        CaseAlreadyOpen: the last case is open, or was reserved less than 15 minutes ago.
        KeyReused: the key reserved a case with other content.
    """
    known = session.scalar(select(Enrollment).where(col(Enrollment.update_id) == new.update_id))
    if known is not None:
        return _same(known, new)
    site = _keep_establishment(session, new.establishment, now)
    # From here on the row of the establishment is locked: whoever comes second sees the first.
    last = session.execute(
        select(Enrollment, col(CaseRow.is_closed), col(CaseRow.stage), col(CaseRow.valid_until))
        .outerjoin(CaseRow, col(CaseRow.case_id) == col(Enrollment.case_id))
        .where(
            col(Enrollment.program) == new.program,
            col(Enrollment.establishment_id) == site.id,
        )
        .order_by(col(Enrollment.cycle).desc())
        .limit(1)
    ).first()
    if last is None:
        return _reserve(session, new, site, 1, now)
    enrollment, is_closed, stage, valid_until = cast(
        "tuple[Enrollment, bool | None, Stage, datetime | None]", tuple(last)
    )
    if enrollment.update_id == new.update_id:
        return _same(enrollment, new)
    if is_closed or leaves_room_for_the_next(stage, valid_until, now):
        return _reserve(session, new, site, enrollment.cycle + 1, now)
    if is_closed is None and enrollment.created_at <= now - GIVEN_UP_AFTER:
        session.delete(enrollment)
        session.flush()
        return _reserve(session, new, site, enrollment.cycle, now)
    raise CaseAlreadyOpen(enrollment)


def add_contact(session: Session, establishment_id: str, new: NewContact, now: datetime) -> str:
    """Keep a contact and return its id."""
    row = Contact(
        id=new_id("con"), establishment_id=establishment_id, created_at=now, **new.model_dump()
    )
    session.add(row)
    session.flush()
    return row.id


def find_establishment(session: Session, establishment_id: str) -> Establishment | None:
    """Return an establishment."""
    return session.get(Establishment, establishment_id)


def find_contact(session: Session, contact_id: str) -> Contact | None:
    """Return a contact."""
    return session.get(Contact, contact_id)


def find_enrollment(session: Session, case_id: str) -> Enrollment | None:
    """Return the enrollment of a case, also before the case has started."""
    return session.get(Enrollment, case_id)


class _Kept(NamedTuple):
    id: str
    is_new: bool


def _keep_establishment(session: Session, new: NewEstablishment, now: datetime) -> _Kept:
    proposed = new_id("est")
    described = {
        **new.model_dump(exclude={"registration_no"}),
        "search_text": searchable(new.registration_no, new.name_th, new.name_en, new.address),
        "updated_at": now,
    }
    statement = upsert(session, Establishment).values(
        id=proposed, registration_no=new.registration_no, created_at=now, **described
    )
    kept = session.execute(
        statement.on_conflict_do_update(
            index_elements=["registration_no"], set_=described
        ).returning(col(Establishment.id))
    ).scalar_one()
    # A row that was there keeps its id. Of two first requests at once, the second finds the first's.
    return _Kept(kept, is_new=kept == proposed)


def _reserve(
    session: Session, new: NewEnrollment, site: _Kept, cycle: int, now: datetime
) -> Opened:
    contact_id = add_contact(session, site.id, new.contact, now)
    row = Enrollment(
        case_id=case_id_of(new.prefix, new.program, site.id, cycle),
        program=new.program,
        establishment_id=site.id,
        cycle=cycle,
        program_version=new.program_version,
        province=new.establishment.province,
        contact_id=contact_id,
        applicant=new.applicant,
        update_id=new.update_id,
        digest=new.digest,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _opened(row, is_new=True, establishment_is_new=site.is_new)


def _same(row: Enrollment, new: NewEnrollment) -> Opened:
    if (row.program, row.digest) != (new.program, new.digest):
        raise KeyReused(new.update_id)
    return _opened(row, is_new=False, establishment_is_new=False)


def _opened(row: Enrollment, *, is_new: bool, establishment_is_new: bool) -> Opened:
    return Opened(
        case_id=row.case_id,
        establishment_id=row.establishment_id,
        contact_id=row.contact_id,
        program_version=row.program_version,
        cycle=row.cycle,
        is_new=is_new,
        establishment_is_new=establishment_is_new,
    )
