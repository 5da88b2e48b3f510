"""Seminars and drives: what is kept of them, and who may see them.

How they get from state to state is in :mod:`casework.store.drives.states`, their rows are in
:mod:`casework.store.drives.rows`, the dry run in :mod:`casework.drives.dry_run`, and what the run does
to rows in :mod:`casework.store.drives.run`.
"""

from datetime import date, datetime
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, exists, insert, not_, or_, select, true
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.drive import USUAL_WINDOW, Pace, Window
from casework.domain._model import Frozen, Instant, Line, ProvinceCode, Ref
from casework.domain.drives import DriveKind, DriveState, DriveTerms
from casework.domain.policy import Everywhere, Principal
from casework.store._statements import upsert
from casework.store.drives.tables import EVERYWHERE, Drive, DriveProvince, Seminar
from casework.store.keys import KeyReused, new_id

_Kept = TypeVar("_Kept", Seminar, Drive)

MOST_DRIVES = 200
"""The longest page of drives."""


class NewSeminar(Frozen):
    """A seminar; ``update_id`` (from the Idempotency-Key) and ``digest`` make a repetition harmless."""

    title: Line
    held_on: date
    province: ProvinceCode | None = None
    place: Line | None = None
    created_by: Ref
    update_id: Annotated[str, Field(min_length=1, max_length=255)]
    digest: str


class NewDrive(Frozen):
    """A drive, without its rows yet. ``provinces``: where it may invite, at most those of its maker.

    ``pace`` is in cases per minute, none is as fast as the engine goes. ``invite_again`` also asks
    those who left an earlier invitation unanswered. ``renew_before`` lets in holders whose
    certification ends before that instant: they get the case of their next cycle.
    """

    kind: DriveKind = DriveKind.LIST
    program: str
    title: Line
    seminar: Ref | None = None
    provinces: frozenset[ProvinceCode] | Everywhere
    pace: Pace | None = None
    window: Window = USUAL_WINDOW
    invite_again: bool = False
    renew_before: Instant | None = None
    created_by: Ref
    update_id: Annotated[str, Field(min_length=1, max_length=255)]
    digest: str

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if not self.provinces:
            raise ValueError("a drive has at least one province to invite in")
        return self


def add_seminar(session: Session, new: NewSeminar, now: datetime) -> Seminar:
    """Keep a seminar, once for a key.

    Raises:
        KeyReused: the key came with another seminar.
    """
    return _keep_once(session, Seminar, new, id=new_id("sem"), created_at=now, **new.model_dump())


def find_seminar(session: Session, seminar_id: str) -> Seminar | None:
    """Return a seminar."""
    return session.get(Seminar, seminar_id)


def list_seminars(session: Session, limit: int = 200) -> list[Seminar]:
    """Return the latest seminars, the last one first."""
    order = (col(Seminar.held_on).desc(), col(Seminar.id))
    return list(session.scalars(select(Seminar).order_by(*order).limit(limit)))


def add_drive(session: Session, new: NewDrive, now: datetime) -> Drive:
    """Keep a drive as a draft, once for a key.

    Raises:
        KeyReused: the key came with another drive.
    """
    own_id = new_id("drv")
    row = _keep_once(
        session,
        Drive,
        new,
        id=own_id,
        seminar_id=new.seminar,
        state=DriveState.DRAFT,
        state_at=now,
        state_by=new.created_by,
        created_at=now,
        **new.model_dump(exclude={"seminar", "provinces"}),
    )
    if row.id == own_id:
        provinces = [EVERYWHERE] if new.provinces == EVERYWHERE else sorted(new.provinces)
        session.execute(
            insert(DriveProvince), [{"drive_id": own_id, "province": code} for code in provinces]
        )
    return row


def _keep_once(
    session: Session, table: type[_Kept], new: NewSeminar | NewDrive, **values: object
) -> _Kept:
    """Keep a row unless there is one under its key: of two requests at once, one waits for the other."""
    session.execute(upsert(session, table).values(**values).on_conflict_do_nothing())
    row = session.scalars(select(table).where(col(table.update_id) == new.update_id)).one()
    if row.digest != new.digest:
        raise KeyReused(new.update_id)
    return row


def find_drive(session: Session, drive_id: str) -> Drive | None:
    """Return a drive, whoever asks; see :func:`find_visible_drive`."""
    return session.get(Drive, drive_id)


def visible_drives(principal: Principal) -> ColumnElement[bool]:
    """Return the condition that the principal may see a :class:`Drive`.

    Staff of the drive's program, if the drive does not reach beyond their provinces: its rows hold
    contacts of all of them.
    """
    if not principal.is_staff:
        return not_(true())
    conditions: list[ColumnElement[bool]] = []
    if principal.programs != EVERYWHERE:
        conditions.append(col(Drive.program).in_(sorted(principal.programs)))
    if principal.provinces != EVERYWHERE:
        beyond = select(col(DriveProvince.drive_id)).where(
            col(DriveProvince.drive_id) == col(Drive.id),
            col(DriveProvince.province).not_in(sorted(principal.provinces)),
        )
        conditions.append(not_(exists(beyond)))
    return conditions[0] & conditions[1] if len(conditions) == 2 else next(iter(conditions), true())


def find_visible_drive(session: Session, principal: Principal, drive_id: str) -> Drive | None:
    """Return a drive, or None if there is none or the principal may not see it."""
    return session.scalar(select(Drive).where(col(Drive.id) == drive_id, visible_drives(principal)))


def list_drives(
    session: Session,
    principal: Principal,
    *,
    program: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[Drive]:
    """Return drives the principal may see, the latest first; ``before`` is (created_at, id) of the last."""
    rows = select(Drive).where(visible_drives(principal))
    if program is not None:
        rows = rows.where(col(Drive.program) == program)
    if before is not None:
        created_at, drive_id = before
        earlier = (col(Drive.created_at) == created_at) & (col(Drive.id) < drive_id)
        rows = rows.where(or_(col(Drive.created_at) < created_at, earlier))
    order = (col(Drive.created_at).desc(), col(Drive.id).desc())
    return list(session.scalars(rows.order_by(*order).limit(max(1, min(limit, MOST_DRIVES)))))


def provinces_of(session: Session, drive_id: str) -> frozenset[str] | Everywhere:
    """Return where a drive may invite."""
    codes = frozenset(
        session.scalars(
            select(col(DriveProvince.province)).where(col(DriveProvince.drive_id) == drive_id)
        )
    )
    return "*" if EVERYWHERE in codes else codes


def terms_of(session: Session, drive: Drive) -> DriveTerms:
    """Return what a drive may do."""
    return DriveTerms(
        provinces=provinces_of(session, drive.id),
        invite_again=drive.invite_again,
        renew_before=drive.renew_before,
    )
