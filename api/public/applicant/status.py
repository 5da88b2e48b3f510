"""What anybody who has the number of a case may know of it: the stage and the time, nothing of the file."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only
from sqlmodel import col

from casework.domain.calendar import last_day, local_date
from casework.domain.rules import HOLDERS, Holder, PeriodName
from casework.domain.stages import CLOSED, Stage
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import Words
from casework.store.register import public_id_of
from casework.store.representations import is_open
from casework.store.tables import CaseRow

LONGEST_INPUT = 300
"""Of what is typed as a number. It has room for the whole address of the page."""

_NUMBER = re.compile(r"[a-z]{2,4}-[a-z0-9]{12}")
_SPACES = re.compile(r"\s+")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_PAGE = re.compile(r"https?://[^?#]*/cases/([^/?#]+)[^?#]*(?:[?#].*)?")


class Step(StrEnum):
    """A step of the way to a certification, as an applicant sees it."""

    APPLICATION = "application"
    INSPECTION = "inspection"
    FEEDBACK = "feedback"
    REVIEW = "review"
    DECISION = "decision"
    CERTIFICATION = "certification"


STEPS = tuple(Step)

_STEP_OF_STAGE = {
    Stage.NEW: Step.APPLICATION,
    Stage.INVITED: Step.APPLICATION,
    Stage.APPLICATION_REVIEW: Step.APPLICATION,
    Stage.RETURNED: Step.APPLICATION,
    Stage.INSPECTION: Step.INSPECTION,
    # No step of its own: afterwards the page would go on saying that something had been wrong.
    Stage.CORRECTIVE_ACTION: Step.INSPECTION,
    Stage.FEEDBACK: Step.FEEDBACK,
    Stage.ANSWERING: Step.FEEDBACK,
    Stage.REVIEW: Step.REVIEW,
    Stage.DECISION: Step.DECISION,
    Stage.CERTIFIED: Step.CERTIFICATION,
}
"""The step of each stage that is not the end of a case."""


# To a type checker a column of SQLModel is not what SQLAlchemy's own option takes.
_READ: tuple[Any, ...] = (
    col(CaseRow.case_id),
    col(CaseRow.program),
    col(CaseRow.program_version),
    col(CaseRow.establishment_id),
    col(CaseRow.stage),
    col(CaseRow.due_at),
    col(CaseRow.due_period),
    col(CaseRow.opened_at),
    col(CaseRow.changed_at),
    col(CaseRow.feedback_closes_at),
    col(CaseRow.feedback_closed),
    col(CaseRow.granted_at),
    col(CaseRow.valid_until),
    col(CaseRow.register_entry),
)
"""The columns that are read, so that nothing else can get onto the page."""


@dataclass(frozen=True)
class CaseStatus:
    """All that the page of a case shows: these fields and no others.

    ``until`` is the last day of the running period, ``register_id`` the public id once there is an
    entry, ``granted_on`` set for a certification that has ended. A closed case has a ``closed_on``
    and no step: how far it came is between the applicant and the office.
    """

    case_id: str
    program_name: Words
    opened_on: date
    stage: Stage
    step: Step | None
    period: PeriodName | None
    waits_for: Holder | None
    until: date | None
    is_late: bool
    feedback_is_open: bool
    register_id: str | None
    granted_on: date | None
    closed_on: date | None


def case_number(typed: str) -> str | None:
    """Return the number that somebody typed or pasted, or None if it cannot be one.

    Capitals, spaces, other dashes and the whole address of the page are taken as well.
    """
    if len(typed) > LONGEST_INPUT:
        return None
    text = _SPACES.sub("", unicodedata.normalize("NFKC", typed)).lower()
    page = _PAGE.fullmatch(text)
    text = _DASHES.sub("-", page.group(1) if page else text)
    return text if _NUMBER.fullmatch(text) else None


def find_status(
    session: Session, catalog: ProgramCatalog, case_id: str, now: datetime
) -> CaseStatus | None:
    """Return where a case is at ``now``, or None if there is no such case. One statement."""
    listed = load_only(*_READ, raiseload=True)
    row = session.scalar(select(CaseRow).where(col(CaseRow.case_id) == case_id).options(listed))
    return None if row is None else _status(row, catalog, now)


def _status(row: CaseRow, catalog: ProgramCatalog, now: datetime) -> CaseStatus:
    stage = _stage_at(row, now)
    is_closed = stage in CLOSED
    speaks = is_open(row, now)
    period = None if is_closed else row.due_period
    until = row.due_at if period else None
    # Between its end and the record of it, a feedback period waits for nobody.
    if period is PeriodName.FEEDBACK and not speaks:
        until, period = None, None
    return CaseStatus(
        case_id=row.case_id,
        program_name=catalog.get(row.program, row.program_version).name,
        opened_on=local_date(row.opened_at),
        stage=stage,
        step=None if is_closed else _STEP_OF_STAGE[stage],
        period=period,
        waits_for=HOLDERS[period] if period else None,
        until=last_day(until) if until else None,
        is_late=until is not None and until <= now,
        feedback_is_open=speaks,
        register_id=public_id_of(row.program, row.establishment_id) if row.register_entry else None,
        granted_on=local_date(row.granted_at) if is_closed and row.granted_at else None,
        closed_on=_closed_on(row, stage) if is_closed else None,
    )


def _stage_at(row: CaseRow, now: datetime) -> Stage:
    """Let a certification expire by its date, as the register does, whether a worker runs or not."""
    is_over = row.valid_until is not None and row.valid_until <= now
    return Stage.EXPIRED if row.stage is Stage.CERTIFIED and is_over else row.stage


def _closed_on(row: CaseRow, stage: Stage) -> date:
    # The last change of an expired case is its entry in the register, which may come days later.
    if stage is Stage.EXPIRED and row.valid_until is not None:
        return last_day(row.valid_until)
    return local_date(row.changed_at)
