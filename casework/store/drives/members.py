"""Retention: members whose certification ends or who went quiet, as the rows of a drive."""

import json
from datetime import datetime
from typing import Self

from pydantic import model_validator
from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, or_, select
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from casework.domain._model import Frozen, Instant
from casework.domain.drives import DriveTerms
from casework.domain.stages import Stage
from casework.store._statements import rows_changed
from casework.store.drives.drives import terms_of
from casework.store.drives.states import begin_list, lock_unstarted
from casework.store.drives.tables import DriveRow
from casework.store.tables import CaseRow, Enrollment, Establishment


class MembersQuery(Frozen):
    """Which members of a program; one of the two conditions is enough, and at least one is given.

    ``ending_before``: the certification is valid and ends before this instant. ``quiet_since``:
    nothing has happened in the last case since this instant, whether it is open or has ended.
    """

    ending_before: Instant | None = None
    quiet_since: Instant | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.ending_before is None and self.quiet_since is None:
            raise ValueError("ending_before, quiet_since or both")
        return self


def put_members(session: Session, drive_id: str, wanted: MembersQuery, now: datetime) -> int:
    """Make the members that a query finds the rows of a drive, in place of those before; return how many.

    The drive should have ``renew_before`` no earlier than ``ending_before``, or else the dry run
    keeps out holders as already certified.

    Raises:
        DriveNotInState: the drive has been started.
        LookupError: there is no such drive.
    """
    drive = lock_unstarted(session, drive_id)
    begin_list(session, drive_id, file_name=None, columns=(), mapping=None, now=now)
    drive.chosen_by = wanted.model_dump_json(exclude_none=True)
    session.flush()
    members = _members(drive.program, terms_of(session, drive), wanted).subquery()
    names = ("registration_no", "name_th", "name_en", "address", "province")
    places = ("latitude", "longitude")
    rows = select(
        literal(drive_id),
        func.row_number().over(order_by=(members.c.province, members.c.registration_no)),
        literal(json.dumps([])),
        literal(json.dumps([])),
        literal(json.dumps([])),
        literal("th"),
        members.c.id,
        *(members.c[name] for name in (*names, *places)),
    )
    columns = ["drive_id", "line", "cells", "problems", "notes", "language", "establishment_id"]
    return rows_changed(session, insert(DriveRow).from_select([*columns, *names, *places], rows))


def _members(program: str, terms: DriveTerms, wanted: MembersQuery) -> Select[Establishment]:
    later = aliased(Enrollment)
    conditions: list[ColumnElement[bool]] = []
    if wanted.ending_before is not None:
        conditions.append(
            and_(
                col(CaseRow.stage) == Stage.CERTIFIED,
                col(CaseRow.valid_until) < wanted.ending_before,
            )
        )
    if wanted.quiet_since is not None:
        conditions.append(col(CaseRow.changed_at) < wanted.quiet_since)
    last = ~(
        select(col(later.case_id))
        .where(
            col(later.program) == col(Enrollment.program),
            col(later.establishment_id) == col(Enrollment.establishment_id),
            col(later.cycle) > col(Enrollment.cycle),
        )
        .exists()
    )
    found = (
        select(Establishment)
        .join(Enrollment, col(Enrollment.establishment_id) == col(Establishment.id))
        .join(CaseRow, col(CaseRow.case_id) == col(Enrollment.case_id))
        .where(col(Enrollment.program) == program, last, or_(*conditions))
    )
    if terms.provinces != "*":
        found = found.where(col(Establishment.province).in_(sorted(terms.provinces)))
    return found
