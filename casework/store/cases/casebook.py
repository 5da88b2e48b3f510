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

from casework.domain.actors import Actor
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Case, Terms
from casework.domain.deadlines import next_deadline
from casework.domain.events import (
    CalendarAdopted,
    FeedbackOpened,
    Recorded,
    RepresentationsDisposed,
)
from casework.domain.refusals import Refusal
from casework.domain.rules import PeriodName, ProgramRules
from casework.store._statements import add_rows, rows_changed, upsert
from casework.store.cases.calendars import keep_calendar
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


class JournalDifference(Exception):
    """Other lines are on record under the same numbers: two histories of one case."""


class JournalGap(Exception):
    """The events do not follow what is on record: something in between is missing."""


@dataclass(frozen=True)
class ChainBreak:
    """Where a journal is no longer what was recorded, and how that shows."""

    seq: int
    reason: str


def record(
    session: Session,
    case: Case,
    lines: Sequence[Recorded],
    notices: Sequence[NewNotice] = (),
    head: str | None = None,
) -> None:
    """Record lines and the case after them, once: a repetition changes nothing.

    That holds as well for two that record the same at the same time. Sends 3 statements for an act with notices
    whose ``head`` is known, and 4 without.

    Args:
        session: of the transaction that all of it is written in.
        case: after the lines.
        lines: in order.
        notices: that follow from the lines.
        head: the hash of the last line on record, if the caller has read that the first of ``lines`` is the next;
            the genesis of a case that is new.

    Raises:
        JournalGap: the journal or the read model is not at the line before the first.
        JournalDifference: one of these lines is on record with other content.
        ValueError: the arguments contradict themselves.
    """
    if case.changed_at is None or not lines or lines[-1].seq != case.version:
        raise ValueError(f"{case.case_id}: the case is not what its lines lead to")
    if [line.seq for line in lines] != [lines[0].seq + n for n in range(len(lines))]:
        raise ValueError(f"{case.case_id}: lines follow one another without a gap")
    if not {n.seq for n in notices} <= {line.seq for line in lines}:
        raise ValueError(f"{case.case_id}: each notice is about one of the lines")
    fresh = lines
    if head is None:
        fresh, head = _not_on_record(session, case.case_id, lines)
    if fresh and not _write_read_model(session, case, fresh, head):
        # Another transaction was first, and the row was locked until it had ended.
        fresh, head = _not_on_record(session, case.case_id, lines)
        if fresh and not _write_read_model(session, case, fresh, head):
            raise JournalGap(f"{case.case_id}: the read model is not before line {fresh[0].seq}")
    if not fresh:
        return
    add_rows(session, JournalRow, _chained(case.case_id, fresh, head))
    # Those of lines on record were queued with them.
    at = {line.seq: line.at for line in fresh}
    add_notices(session, case.case_id, [n for n in notices if n.seq in at], at)
    for line in fresh:
        if isinstance(line.event, RepresentationsDisposed):
            dispose(session, case.case_id, line.event, line.at)
        elif isinstance(line.event, CalendarAdopted):
            keep_calendar(session, line.event.calendar)


def compare(session: Session, case_id: str, lines: Sequence[Recorded]) -> None:
    """Hold lines that are on record already against it. One statement.

    Raises:
        JournalGap: one of them is not on record.
        JournalDifference: one is on record with other content.
    """
    fresh, _ = _not_on_record(session, case_id, lines)
    if fresh:
        raise JournalGap(f"{case_id}: line {fresh[0].seq} is not on record")


def find_case(session: Session, case_id: str) -> CaseRow | None:
    """Return the read model of a case, whoever asks; see ``lists.find_visible_case``."""
    # What this session has written since it read the row does not show in it by itself.
    return session.get(CaseRow, case_id, populate_existing=True)


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


def has_request(session: Session, case_id: str, update_id: str) -> bool:
    """Say whether what this update brought about is on record."""
    rows = session.scalars(select(JournalRow).where(col(JournalRow.case_id) == case_id))
    return any(read_line(row).request == update_id for row in rows)


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
    """Write a line as JSON that is the same in every version of the software."""
    return json.dumps(line.content(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


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


def _not_on_record(
    session: Session, case_id: str, lines: Sequence[Recorded]
) -> tuple[Sequence[Recorded], str]:
    """Return the lines that are not on record yet and the hash of the line before them."""
    first = lines[0].seq
    known = {
        seq: (body, hash_)
        for seq, body, hash_ in session.connection().execute(
            _ON_RECORD, {"of_case": case_id, "first": first - 1, "last": lines[-1].seq}
        )
    }
    for line in lines:
        if line.seq in known and known[line.seq][0] != canonical(line):
            raise JournalDifference(f"{case_id}: line {line.seq} is on record as another")
    fresh = [line for line in lines if line.seq not in known]
    if not fresh:
        return (), ""
    before = fresh[0].seq - 1
    if before == 0:
        return fresh, genesis(case_id)
    if before not in known:
        raise JournalGap(f"{case_id}: line {before} is not on record, {before + 1} came")
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


def _write_read_model(session: Session, case: Case, fresh: Sequence[Recorded], head: str) -> bool:
    """Write the case after the fresh lines, unless it is not at the version before them."""
    values = _columns(case, fresh[-1].at)
    values["head"] = _head_after(fresh, head)
    if any(isinstance(line.event, FeedbackOpened) for line in fresh):
        values["feedback_closed"] = False
    before = fresh[0].seq - 1
    if before == 0:
        new = upsert(session, CaseRow).on_conflict_do_nothing()
        return rows_changed(session, new, {"case_id": case.case_id, **values}) == 1
    at_before = {"of_case": case.case_id, "before": before}
    return rows_changed(session, _AFTER, {**at_before, **values}) == 1


def _head_after(lines: Iterable[Recorded], head: str) -> str:
    for line in lines:
        head = _hash(head, canonical(line))
    return head


def _columns(case: Case, changed_at: datetime) -> dict[str, object]:
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
        "register_entry": case.register_entry,
        "snapshot": case.snapshot(),
    }
