"""The casebook: record what happened to a case, and read it back.

One call of :func:`record` writes the journal, the read model, the notices to send and the answers
to representations in the transaction of its session. The journal is a chain: each row carries the
hash of the row before, and the first one a hash of the case's id, so that a row cannot be altered,
moved or taken out of the middle without :func:`verify_chain` noticing. (Who can rewrite the whole
database can rewrite the whole chain; against that, publish its head.)
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.casebook import RecordRequest
from casework.domain.actors import Actor
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Case, Terms
from casework.domain.deadlines import next_deadline
from casework.domain.events import FeedbackOpened, Recorded, RepresentationsDisposed
from casework.domain.refusals import Refusal
from casework.domain.rules import PeriodName, ProgramRules
from casework.store._statements import add_rows, rows_changed, upsert
from casework.store.cases.superseding import supersede_from
from casework.store.cases.sweeping import note_end_of_run
from casework.store.outbox import NewNotice, add_notices
from casework.store.representations import dispose
from casework.store.tables import END_OF_TIME, CaseRow, JournalRow, RefusalRow

_ON_RECORD = select(col(JournalRow.seq), col(JournalRow.body), col(JournalRow.hash)).where(
    col(JournalRow.case_id) == bindparam("of_case"),
    col(JournalRow.seq).between(bindparam("first"), bindparam("last")),
)

# In the statement itself: a version compared in Python could be an old one by now.
_AFTER = update(CaseRow).where(
    col(CaseRow.case_id) == bindparam("of_case"), col(CaseRow.version) == bindparam("before")
)


class JournalGap(Exception):
    """The events do not follow what is on record: something in between is missing."""


@dataclass(frozen=True)
class ChainBreak:
    """Where a journal is no longer what was recorded, and how that shows."""

    seq: int
    reason: str


def record(session: Session, request: RecordRequest, notices: Sequence[NewNotice] = ()) -> None:
    """Record events and the case after them, once: a repetition changes nothing.

    That holds as well for two that record the same at the same time, such as an attempt that was
    given up too early and the next one. Sends 4 statements for an act with notices and 7 for one
    that does everything.

    Raises:
        JournalGap: the journal or the read model is not at the event before the first.
        JournalDifference: one of these events is on record, confirmed, with other content.
        ValueError: the request contradicts itself.
    """
    case, lines = request.case, request.events
    if case.changed_at is None or (lines and lines[-1].seq != case.version):
        raise ValueError(f"{case.case_id}: the case is not what its events lead to")
    if [line.seq for line in lines] != [lines[0].seq + n for n in range(len(lines))]:
        raise ValueError(f"{case.case_id}: events follow one another without a gap")
    if not {n.seq for n in notices} <= {line.seq for line in lines}:
        raise ValueError(f"{case.case_id}: each notice is about one of the events")
    fresh, previous_hash = _not_on_record(session, request)
    if fresh and not _write_read_model(session, request, fresh):
        # Another transaction was first, and the row was locked until it had ended.
        fresh, _ = _not_on_record(session, request)
        if fresh:
            raise JournalGap(f"{case.case_id}: the read model is not before event {fresh[0].seq}")
    if fresh:
        add_rows(session, JournalRow, _chained(case.case_id, fresh, previous_hash))
        # Those of events on record were queued with them.
        at = {line.seq: line.at for line in fresh}
        add_notices(session, case.case_id, [n for n in notices if n.seq in at], at)
        for line in fresh:
            if isinstance(line.event, RepresentationsDisposed):
                dispose(session, case.case_id, line.event, line.at)
    if request.reconcile:
        _reconcile(session, request, case.changed_at)
    if request.run_ends:
        note_end_of_run(session, case.case_id, request.run_id, case.changed_at)


def find_case(session: Session, case_id: str) -> CaseRow | None:
    """Return the read model of a case, whoever asks; see ``queries.find_visible_case``."""
    return session.get(CaseRow, case_id)


def read_journal(
    session: Session, case_id: str, after: int = 0, limit: int = 1000
) -> list[JournalRow]:
    """Return journal rows in order, from the one that follows ``after``."""
    rows = (
        select(JournalRow)
        .where(col(JournalRow.case_id) == case_id, col(JournalRow.seq) > after)
        .order_by(col(JournalRow.seq))
        .limit(limit)
    )
    return list(session.scalars(rows))


def read_line(row: JournalRow) -> Recorded:
    """Return the event of a journal row as the domain knows it."""
    return Recorded.model_validate_json(row.body)


def restore(row: CaseRow, rules: ProgramRules, calendar: WorkCalendar) -> Case:
    """Return the case of a read model under the rules of its program version.

    Raises:
        ValueError: the rules are those of another program or version.
    """
    if (rules.program, rules.version) != (row.program, row.program_version):
        raise ValueError(f"{row.case_id} is under {row.program} {row.program_version}")
    terms = Terms(
        case_id=row.case_id,
        establishment=row.establishment_id,
        province=row.province,
        rules=rules,
        calendar=calendar,
    )
    return Case.restore(terms, row.snapshot)


def verify_chain(rows: Iterable[JournalRow], version: int | None = None) -> ChainBreak | None:
    """Return where the journal of one case was altered first, or None if nowhere.

    Args:
        rows: the whole journal of the case, in order.
        version: the version of the read model, to notice that the end is missing.
    """
    previous, seq = None, 0
    for row in rows:
        seq += 1
        reason = _flaw(row, seq, genesis(row.case_id) if previous is None else previous)
        if reason is not None:
            return ChainBreak(seq=seq, reason=reason)
        previous = row.hash
    if version is not None and version != seq:
        return ChainBreak(seq=seq + 1, reason=f"the case is at version {version}")
    return None


def genesis(case_id: str) -> str:
    """Return what stands in for the hash before the first row: one for each case."""
    return hashlib.sha256(case_id.encode()).hexdigest()


def canonical(line: Recorded) -> str:
    """Write an event as JSON that is the same in every version of the software.

    Fields that have their default value are left out, so that a later field changes no old line.
    """
    content = line.model_dump(mode="json", exclude_defaults=True)
    content["event"]["type"] = line.event.type
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record_refusal(
    session: Session, case_id: str, act: str, actor: Actor, refusal: Refusal, now: datetime
) -> None:
    """Keep an act that was not allowed: who tried, and why not."""
    row = RefusalRow(
        case_id=case_id,
        act=act,
        person=actor.person,
        kinds=tuple(actor.kinds),
        code=refusal.code,
        reason=refusal.reason,
        at=now,
    )
    session.add(row)


def refusals_of_case(session: Session, case_id: str, limit: int = 1000) -> list[RefusalRow]:
    """Return what was refused on a case, the latest first."""
    rows = (
        select(RefusalRow)
        .where(col(RefusalRow.case_id) == case_id)
        .order_by(col(RefusalRow.id).desc())
        .limit(limit)
    )
    return list(session.scalars(rows))


def _reconcile(session: Session, request: RecordRequest, changed_at: datetime) -> None:
    """Bring the read model back to the case where a lost workflow task has left it ahead."""
    row = find_case(session, request.case.case_id)
    if row is None or row.version <= request.case.version:
        return
    session.expire(row)
    supersede_from(session, request, request.case.version + 1)
    rows_changed(
        session,
        update(CaseRow)
        .where(col(CaseRow.case_id) == request.case.case_id)
        .values(**_columns(request, changed_at)),
    )


def _not_on_record(session: Session, request: RecordRequest) -> tuple[Sequence[Recorded], str]:
    """Return the events that are not on record yet and the hash of the row before them.

    Rows that differ are taken back first, if a lost workflow task has left them.
    """
    case_id, lines = request.case.case_id, request.events
    if not lines:
        return (), ""
    first = lines[0].seq
    known = {
        seq: (body, hash_)
        for seq, body, hash_ in session.connection().execute(
            _ON_RECORD, {"of_case": case_id, "first": first - 1, "last": lines[-1].seq}
        )
    }
    for line in lines:
        if line.seq in known and known[line.seq][0] != canonical(line):
            supersede_from(session, request, line.seq)
            known = {seq: row for seq, row in known.items() if seq < line.seq}
            break
    fresh = [line for line in lines if line.seq not in known]
    if not fresh:
        return (), ""
    before = fresh[0].seq - 1
    if before == 0:
        return fresh, genesis(case_id)
    if before not in known:
        raise JournalGap(f"{case_id}: event {before} is not on record, {before + 1} came")
    return fresh, known[before][1]


def _chained(
    case_id: str, lines: Iterable[Recorded], previous_hash: str
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for line in lines:
        body = canonical(line)
        hash_ = _hash(previous_hash, body)
        rows.append(
            {
                "case_id": case_id,
                "seq": line.seq,
                "at": line.at,
                "type": line.event.type,
                "actor_person": line.actor.person,
                "actor_kind": line.actor.kind,
                "body": body,
                "previous_hash": previous_hash,
                "hash": hash_,
            }
        )
        previous_hash = hash_
    return rows


def _hash(previous_hash: str, body: str) -> str:
    return hashlib.sha256((previous_hash + body).encode()).hexdigest()


def _flaw(row: JournalRow, seq: int, previous_hash: str) -> str | None:
    if row.seq != seq:
        return f"event {seq} is missing"
    if row.previous_hash != previous_hash:
        return "it does not follow the event before it"
    if row.hash != _hash(previous_hash, row.body):
        return "its content is not what was recorded"
    line = read_line(row)
    told = (line.seq, line.at, line.event.type, line.actor.person, line.actor.kind)
    if told != (row.seq, row.at, row.type, row.actor_person, row.actor_kind):
        return "its columns say something else than its content"
    return None


def _write_read_model(session: Session, request: RecordRequest, fresh: Sequence[Recorded]) -> bool:
    """Write the case after the fresh events, unless it is not at the version before them."""
    case = request.case
    values = _columns(request, fresh[-1].at)
    if any(isinstance(line.event, FeedbackOpened) for line in fresh):
        values["feedback_closed"] = False
    before = fresh[0].seq - 1
    if before == 0:
        new = upsert(session, CaseRow).on_conflict_do_nothing()
        if rows_changed(session, new, {"case_id": case.case_id, **values}) == 1:
            return True
    at_before = {"of_case": case.case_id, "before": before}
    return rows_changed(session, _AFTER, {**at_before, **values}) == 1


def _columns(request: RecordRequest, changed_at: datetime) -> dict[str, object]:
    case = request.case
    running = case.running
    at_feedback = running is not None and running.period is PeriodName.FEEDBACK
    return {
        "version": case.version,
        "stage": case.stage,
        "program": case.terms.rules.program,
        "program_version": case.terms.rules.version,
        "province": case.terms.province,
        "establishment_id": case.terms.establishment,
        "officer": case.officer,
        "inspector": case.inspector,
        "due_at": running.due_at if running else None,
        "due_period": running.period if running else None,
        "queue_at": running.due_at if running else END_OF_TIME,
        "next_deadline_at": next_deadline(case, changed_at),
        "opened_at": case.opened_at,
        "changed_at": changed_at,
        "feedback_closes_at": running.due_at if running and at_feedback else None,
        "is_closed": case.is_closed,
        "level": case.level,
        "granted_at": case.granted_at,
        "valid_until": case.valid_until,
        "calendar_revision": case.terms.calendar.revision,
        "durable_version": request.durable,
        "task_at": request.task_at,
        "register_entry": case.register_entry,
        "snapshot": case.snapshot(),
    }
