"""Taking back what a lost workflow task had recorded.

A case records within a workflow task, so that an act costs one round trip. Only the end of that task makes an act
durable in Temporal. A worker that dies in between leaves rows that no history knows: the task is done again, at a
later time and perhaps with other acts, and what it records then counts. Such rows are a tail of the journal, younger
than anything Temporal had confirmed; they move to ``journal_superseded``, where an audit still finds them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.casebook import RecordRequest
from casework.domain.events import Recorded, RepresentationsDisposed
from casework.store._statements import rows_changed
from casework.store.representations import reopen
from casework.store.tables import CaseRow, JournalRow, NoticeRow, NoticeState, SupersededRow


class JournalDifference(Exception):
    """Other events are on record under the same numbers: two histories of one case."""


def supersede_from(session: Session, request: RecordRequest, first: int) -> None:
    """Take back the rows from number ``first`` on, so that the request can record its own.

    Raises:
        JournalDifference: those rows are confirmed, or the request is of an older workflow task than they are.
    """
    case_id = request.case.case_id
    row = session.execute(
        select(col(CaseRow.version), col(CaseRow.durable_version), col(CaseRow.task_at))
        .where(col(CaseRow.case_id) == case_id)
        .with_for_update()
    ).one_or_none()
    if row is None or row.version < first:
        return
    if first <= row.durable_version:
        raise JournalDifference(f"{case_id}: event {first} is on record, confirmed, and differs")
    if request.task_at is None or row.task_at is None or request.task_at <= row.task_at:
        raise JournalDifference(f"{case_id}: event {first} was recorded by a later workflow task")
    gone = session.scalars(
        select(JournalRow).where(col(JournalRow.case_id) == case_id, col(JournalRow.seq) >= first)
    ).all()
    _keep_aside(session, gone)
    session.execute(
        delete(JournalRow).where(col(JournalRow.case_id) == case_id, col(JournalRow.seq) >= first),
        execution_options={"synchronize_session": False},
    )
    # What has left stays: done again, the same act would write the same letter, and it is not sent twice.
    session.execute(
        delete(NoticeRow).where(
            col(NoticeRow.case_id) == case_id,
            col(NoticeRow.seq) >= first,
            col(NoticeRow.state) == NoticeState.CREATED,
            # Receipts are numbered by representation and not by event.
            col(NoticeRow.slug) != "representation-received",
        ),
        execution_options={"synchronize_session": False},
    )
    rows_changed(
        session,
        update(CaseRow).where(col(CaseRow.case_id) == case_id).values(version=first - 1),
    )


def _keep_aside(session: Session, gone: Sequence[JournalRow]) -> None:
    now = datetime.now(UTC)
    session.execute(
        insert(SupersededRow).values(
            [
                {
                    "case_id": row.case_id,
                    "seq": row.seq,
                    "body": row.body,
                    "hash": row.hash,
                    "superseded_at": now,
                }
                for row in gone
            ]
        )
    )
    for row in gone:
        if row.type == "RepresentationsDisposed":
            event = Recorded.model_validate_json(row.body).event
            if isinstance(event, RepresentationsDisposed):
                reopen(session, row.case_id, event)
