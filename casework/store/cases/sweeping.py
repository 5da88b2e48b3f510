"""What housekeeping looks for: timers that were lost, holidays that are old, histories to export."""

from datetime import datetime, timedelta

from sqlalchemy import and_, not_, select, union_all, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.stages import Stage
from casework.store._statements import rows_changed, upsert
from casework.store.tables import CaseRow, RunRow


def overdue(session: Session, now: datetime, grace: timedelta, limit: int) -> list[str]:
    """Return open cases whose deadline passed more than ``grace`` ago without an event."""
    rows = (
        select(col(CaseRow.case_id))
        .where(not_(col(CaseRow.is_closed)), col(CaseRow.next_deadline_at) < now - grace)
        .order_by(col(CaseRow.next_deadline_at))
        .limit(limit)
    )
    return list(session.scalars(rows))


def stale_calendars(session: Session, revision: str, limit: int) -> list[str]:
    """Return cases under way that count by another revision of the holidays than this one.

    Certified cases are left out: their validity is counted in months, which no holiday changes.
    """
    column = col(CaseRow.calendar_revision)
    counts_days = and_(not_(col(CaseRow.is_closed)), col(CaseRow.stage) != Stage.CERTIFIED)
    # Those below and those above, and not "unequal", which no index answers.
    rows = union_all(
        *(
            select(col(CaseRow.case_id)).where(counts_days, it)
            for it in (column < revision, column > revision)
        )
    )
    return list(session.scalars(rows.limit(limit)))


def note_end_of_run(session: Session, case_id: str, run_id: str, ended_at: datetime) -> None:
    """Note that a run of a case's workflow ends, so that its history is exported. Once."""
    session.execute(
        upsert(session, RunRow)
        .values(case_id=case_id, run_id=run_id, ended_at=ended_at, gone=False)
        .on_conflict_do_nothing()
    )


def runs_to_export(session: Session, limit: int, before: datetime | None = None) -> list[RunRow]:
    """Return runs whose history is not exported yet, the oldest first.

    ``before`` leaves out runs that ended at that time or later and may not be closed yet.
    """
    rows = select(RunRow).where(col(RunRow.exported_at).is_(None))
    if before is not None:
        rows = rows.where(col(RunRow.ended_at) < before)
    return list(session.scalars(rows.order_by(col(RunRow.ended_at)).limit(limit)))


def mark_exported(
    session: Session, case_id: str, run_id: str, now: datetime, file: str | None
) -> bool:
    """Note where the history of a run is kept, or with ``file`` None that Temporal had it no more.

    Return False if it was noted before: the first note stays.
    """
    statement = (
        update(RunRow)
        .where(
            col(RunRow.case_id) == case_id,
            col(RunRow.run_id) == run_id,
            col(RunRow.exported_at).is_(None),
        )
        .values(exported_at=now, file=file, gone=file is None)
    )
    return rows_changed(session, statement) == 1


def runs_of_case(session: Session, case_id: str) -> list[RunRow]:
    """Return the ended runs of a case, the oldest first."""
    rows = select(RunRow).where(col(RunRow.case_id) == case_id).order_by(col(RunRow.ended_at))
    return list(session.scalars(rows))
