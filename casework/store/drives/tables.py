"""The tables of enrollment drives, and nothing but the tables; see :mod:`casework.store.tables`."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Date, Index
from sqlmodel import Field

from casework.domain.drives import DriveKind, DriveState, RowOutcome, RowVerdict, Why
from casework.store.columns import NoticeKey, Opaque, PlainText, UtcDateTime, one_of
from casework.store.tables import Row

EVERYWHERE = "*"
"""Stands for all provinces, in a drive's jurisdiction and in a target of the whole country."""


def _id(**more: Any) -> Any:
    return Field(sa_type=Opaque, **more)


def _text(**more: Any) -> Any:
    return Field(sa_type=PlainText, **more)


def _instant(**more: Any) -> Any:
    return Field(sa_type=UtcDateTime, **more)


def _member(members: type[StrEnum], **more: Any) -> Any:
    return Field(sa_type=one_of(members), **more)


class Seminar(Row, table=True):
    """What brings establishments in: a day, a place, a title."""

    __tablename__ = "seminars"

    id: str = _id(primary_key=True)
    title: str = _text()
    held_on: date = Field(sa_type=Date)
    province: str | None = _id(default=None)
    place: str | None = _text(default=None)
    created_by: str = _id()
    created_at: datetime = _instant()
    update_id: str = Field(sa_type=NoticeKey, unique=True)
    digest: str = _id()


class Drive(Row, table=True):
    """A bulk enrollment in one program. Where it may invite is in :class:`DriveProvince`.

    ``list_columns`` (the header as uploaded, JSON) and ``mapping`` (JSON) belong to a list,
    ``chosen_by`` (JSON) is the query of a retention drive.
    """

    __tablename__ = "drives"
    __table_args__ = (Index("drives_latest", "created_at", "id"),)

    id: str = _id(primary_key=True)
    kind: DriveKind = _member(DriveKind)
    program: str = _id()
    title: str = _text()
    seminar_id: str | None = _id(default=None, foreign_key="seminars.id", index=True)
    state: DriveState = _member(DriveState)
    state_at: datetime = _instant()
    state_by: str = _id()
    state_reason: str | None = _text(default=None)
    pace: int | None = None
    window: int
    invite_again: bool = False
    renew_before: datetime | None = _instant(default=None)
    file_name: str | None = _text(default=None)
    list_columns: str | None = _text(default=None)
    mapping: str | None = _text(default=None)
    chosen_by: str | None = _text(default=None)
    judged_at: datetime | None = _instant(default=None)
    started_at: datetime | None = _instant(default=None)
    ended_at: datetime | None = _instant(default=None)
    created_by: str = _id()
    created_at: datetime = _instant()
    update_id: str = Field(sa_type=NoticeKey, unique=True)
    digest: str = _id()


class DriveRequest(Row, table=True):
    """A start or a rerun that was taken, under its key: it is never done twice."""

    __tablename__ = "drive_requests"

    update_id: str = Field(sa_type=NoticeKey, primary_key=True)
    drive_id: str = _id(foreign_key="drives.id", index=True)
    digest: str = _id()
    at: datetime = _instant()


class DriveProvince(Row, table=True):
    """One province in which a drive may invite; ``*`` is all of them."""

    __tablename__ = "drive_provinces"

    drive_id: str = _id(primary_key=True, foreign_key="drives.id")
    province: str = _id(primary_key=True)


class DriveRow(Row, table=True):
    """One line of a drive's list: what it says, what the dry run says of it, what came of it.

    ``cells`` are those of the uploaded line (JSON list), ``problems`` why it cannot be used (JSON
    list, empty if it can), ``notes`` which cells were left out and why (JSON list).
    ``name_key_th``, ``name_key_en`` and ``address_key`` have the form that search compares.
    ``verdict_about`` and ``outcome_about`` name the line, case, province, field or code that
    verdict and outcome are about. ``case_id`` is the case that was opened or joined.
    """

    __tablename__ = "drive_rows"
    __table_args__ = (
        Index("drive_rows_outcome", "drive_id", "outcome", "line"),
        Index("drive_rows_case", "case_id"),
    )

    drive_id: str = _id(primary_key=True, foreign_key="drives.id")
    line: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    cells: str = _text()
    problems: str = _text()
    notes: str = _text()
    registration_no: str | None = _id(default=None)
    name_th: str | None = _text(default=None)
    name_en: str | None = _text(default=None)
    address: str | None = _text(default=None)
    province: str | None = _id(default=None)
    latitude: float | None = None
    longitude: float | None = None
    contact_name: str | None = _text(default=None)
    email: str | None = _text(default=None)
    phone: str | None = _text(default=None)
    language: str = _id()
    name_key_th: str | None = _text(default=None)
    name_key_en: str | None = _text(default=None)
    address_key: str | None = _text(default=None)
    establishment_id: str | None = _id(default=None)
    duplicate_of: int | None = None
    verdict: RowVerdict | None = _member(RowVerdict, default=None)
    verdict_about: str | None = _id(default=None)
    outcome: RowOutcome | None = _member(RowOutcome, default=None)
    outcome_why: Why | None = _member(Why, default=None)
    outcome_about: str | None = _id(default=None)
    case_id: str | None = _id(default=None)
    done_at: datetime | None = _instant(default=None)


class Target(Row, table=True):
    """How many certifications a program is to bring in a fiscal year; ``*`` is the whole country."""

    __tablename__ = "targets"

    program: str = _id(primary_key=True)
    fiscal_year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    province: str = _id(primary_key=True)
    target: int
