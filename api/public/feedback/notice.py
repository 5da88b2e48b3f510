"""What the public may know of a case while, and after, the community can speak about it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import Words
from casework.store.representations import is_open, was_announced
from casework.store.tables import CaseRow, Establishment

MOST_LISTED = 200


@dataclass(frozen=True)
class FeedbackNotice:
    """The public notice of one feedback period: the site and the time, nothing of the file.

    ``address`` is for the notice that is posted, which has to say which site is meant.
    """

    case_id: str
    name_th: str | None
    name_en: str | None
    address: str
    program_name: Words
    province: str
    closes_at: datetime | None
    is_open: bool


def find_notice(
    session: Session, catalog: ProgramCatalog, case_id: str, now: datetime
) -> FeedbackNotice | None:
    """Return the notice of a case, or None if the community was never asked about it.

    A case is nobody's business before its feedback period. One statement.
    """
    row = session.execute(_notices().where(col(CaseRow.case_id) == case_id)).one_or_none()
    if row is None:
        return None
    case, site = row
    return _notice(case, site, catalog, now) if was_announced(case) else None


def open_notices(session: Session, catalog: ProgramCatalog, now: datetime) -> list[FeedbackNotice]:
    """Return what the community is asked about now, the most urgent first. One statement."""
    rows = session.execute(
        _notices()
        .where(
            col(CaseRow.stage) == Stage.FEEDBACK,
            col(CaseRow.feedback_closed).is_(False),
            col(CaseRow.feedback_closes_at) > now,
        )
        .order_by(col(CaseRow.queue_at), col(CaseRow.case_id))
        .limit(MOST_LISTED)
    )
    return [_notice(case, site, catalog, now) for case, site in rows]


def _notices() -> Select[CaseRow, Establishment]:
    return select(CaseRow, Establishment).join(
        Establishment, col(Establishment.id) == col(CaseRow.establishment_id)
    )


def _notice(
    case: CaseRow, site: Establishment, catalog: ProgramCatalog, now: datetime
) -> FeedbackNotice:
    return FeedbackNotice(
        case_id=case.case_id,
        name_th=site.name_th,
        name_en=site.name_en,
        address=site.address,
        program_name=catalog.get(case.program, case.program_version).name,
        province=case.province,
        closes_at=case.feedback_closes_at,
        is_open=is_open(case, now),
    )
