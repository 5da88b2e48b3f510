"""How a drive gets from state to state, and what that does to its rows."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.drive import DriveInput, Halt
from casework.domain.drives import NEVER_RUN, DriveState, RowOutcome, Why
from casework.store._statements import rows_changed
from casework.store.drives.tables import Drive, DriveRequest, DriveRow
from casework.store.keys import KeyReused

_TAKES_ROWS = (DriveState.DRAFT, DriveState.READY)
_UNDER_WAY = (DriveState.RUNNING, DriveState.PAUSED)
_ENDED = (DriveState.STOPPED, DriveState.FINISHED)


class DriveNotInState(Exception):
    """The drive is not in a state in which this can be done; ``state`` is the one it is in."""

    def __init__(self, drive_id: str, state: DriveState) -> None:
        super().__init__(f"{drive_id} is {state}")
        self.state = state


class ListChanged(Exception):
    """Another list, mapping or dry run came since the rows were looked at."""


def begin_list(
    session: Session,
    drive_id: str,
    *,
    file_name: str | None,
    columns: Sequence[str],
    mapping: object,
    now: datetime,
    seen: datetime | None = None,
) -> datetime:
    """Take a new list in place of the one before: its rows go, the drive is a draft again.

    Return the ``state_at`` by which this list is known until the drive changes; ``seen`` is that of
    the list it was made from, if it was.

    Raises:
        DriveNotInState: the drive has been started.
        ListChanged: the list is not the one that was seen.
        LookupError: there is no such drive.
    """
    drive = lock_unstarted(session, drive_id, seen)
    session.execute(delete(DriveRow).where(col(DriveRow.drive_id) == drive_id))
    drive.file_name = file_name
    drive.list_columns = json.dumps(list(columns), ensure_ascii=False)
    drive.mapping = json.dumps(mapping, ensure_ascii=False)
    return _become_draft(drive, now)


def begin_dry_run(
    session: Session, drive_id: str, now: datetime, seen: datetime | None = None
) -> datetime:
    """Make the drive a draft until every row is judged, and return the ``state_at`` of this dry run.

    Whatever comes later, a list or another dry run, gives the drive another one, and this dry run
    notices: no verdict is of one list and the next of another. Raises as :func:`begin_list`.
    """
    return _become_draft(lock_unstarted(session, drive_id, seen), now)


def _become_draft(drive: Drive, now: datetime) -> datetime:
    drive.judged_at = None
    drive.state, drive.state_at = DriveState.DRAFT, _later(drive, now)
    return drive.state_at


def start(session: Session, drive_id: str, person: str, now: datetime) -> DriveInput:
    """Give every row its outcome or make it pending, and return what the workflow starts with.

    A drive that runs already gives the same answer again: whoever lost the answer, or crashed
    before the workflow was started, asks once more.

    Raises:
        DriveNotInState: it was not judged yet, is paused, or has ended (see :func:`rerun`).
    """
    drive = lock_drive(session, drive_id)
    if drive.state is DriveState.READY:
        is_out = col(DriveRow.verdict).in_(sorted(NEVER_RUN))
        session.execute(
            update(DriveRow)
            .where(col(DriveRow.drive_id) == drive_id, col(DriveRow.outcome).is_(None))
            .values(
                outcome=case((is_out, RowOutcome.SKIPPED.value), else_=RowOutcome.PENDING.value),
                outcome_why=case((is_out, col(DriveRow.verdict)), else_=None),
                outcome_about=case((is_out, col(DriveRow.verdict_about)), else_=None),
                done_at=case((is_out, now), else_=None),
            ),
            execution_options={"synchronize_session": False},
        )
        drive.started_at = drive.started_at or now
        drive.ended_at = None
        _enter(drive, DriveState.RUNNING, person, None, now)
    if drive.state is not DriveState.RUNNING:
        raise DriveNotInState(drive_id, drive.state)
    return _input_of(drive)


def is_new_request(
    session: Session, drive_id: str, update_id: str, digest: str, now: datetime
) -> bool:
    """Note a request to a drive under its key, and say whether it is the first time it comes.

    The drive is locked until the end of the transaction: of two at once the second one is no news.

    Raises:
        KeyReused: the key came with another request.
        LookupError: there is no such drive.
    """
    lock_drive(session, drive_id)
    known = session.get(DriveRequest, update_id)
    if known is None:
        session.add(DriveRequest(update_id=update_id, drive_id=drive_id, digest=digest, at=now))
    elif known.digest != digest:
        raise KeyReused(update_id)
    return known is None


def under_way(session: Session, before: datetime, limit: int) -> list[str]:
    """Return the drives that have been running, then those paused, since before an instant, the oldest first."""
    rows = (
        select(col(Drive.id))
        .where(col(Drive.state).in_(_UNDER_WAY), col(Drive.state_at) < before)
        .order_by(col(Drive.state).desc(), col(Drive.state_at))
        .limit(limit)
    )
    return list(session.scalars(rows))


def find_input(session: Session, drive_id: str) -> DriveInput | None:
    """Return what the workflow of a drive that is under way starts with, paused if the drive is; else None."""
    drive = session.get(Drive, drive_id)
    if drive is None or drive.state not in _UNDER_WAY:
        return None
    if drive.state is DriveState.RUNNING:
        return _input_of(drive)
    halted = Halt(person=drive.state_by, reason=drive.state_reason)
    return _input_of(drive).model_copy(update={"halted": halted})


def _input_of(drive: Drive) -> DriveInput:
    return DriveInput(drive=drive.id, pace=drive.pace, window=drive.window)


def rerun(
    session: Session, drive_id: str, person: str, now: datetime, *, also_stopped: bool = False
) -> int:
    """Make the failed rows of an ended drive pending again and the drive ready; return how many.

    ``also_stopped`` adds the rows whose turn had not come when the drive was stopped.

    Raises:
        DriveNotInState: the drive has not ended.
    """
    drive = lock_drive(session, drive_id)
    if drive.state not in _ENDED:
        raise DriveNotInState(drive_id, drive.state)
    wanted = col(DriveRow.outcome) == RowOutcome.FAILED
    if also_stopped:
        wanted = or_(wanted, col(DriveRow.outcome_why) == Why.DRIVE_STOPPED)
    rows = rows_changed(
        session,
        update(DriveRow)
        .where(col(DriveRow.drive_id) == drive_id, wanted)
        .values(outcome=RowOutcome.PENDING, outcome_why=None, outcome_about=None, done_at=None),
    )
    if rows:
        _enter(drive, DriveState.READY, person, None, now)
    return rows


def note_state(
    session: Session,
    drive_id: str,
    state: DriveState,
    person: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write down the state that the workflow has come to; a repetition changes nothing.

    ``STOPPED`` skips the rows that are pending. ``FINISHED`` is written only if none is, and not
    over ``STOPPED``: somebody may have made the drive ready for another run meanwhile.
    """
    drive = lock_drive(session, drive_id)
    if (drive.state, drive.state_reason) == (state, reason):
        return
    if state is DriveState.FINISHED and (
        drive.state is DriveState.STOPPED or _is_pending(session, drive_id)
    ):
        return
    if state is DriveState.STOPPED:
        session.execute(
            update(DriveRow)
            .where(
                col(DriveRow.drive_id) == drive_id,
                col(DriveRow.outcome) == RowOutcome.PENDING,
            )
            .values(outcome=RowOutcome.SKIPPED, outcome_why=Why.DRIVE_STOPPED, done_at=now),
            execution_options={"synchronize_session": False},
        )
    if state in _ENDED:
        drive.ended_at = now
    _enter(drive, state, person, reason, now)


def _is_pending(session: Session, drive_id: str) -> bool:
    pending = select(col(DriveRow.line)).where(
        col(DriveRow.drive_id) == drive_id, col(DriveRow.outcome) == RowOutcome.PENDING
    )
    return session.scalar(pending.limit(1)) is not None


def lock_drive(session: Session, drive_id: str) -> Drive:
    """Return a drive, locked until the end of the transaction.

    Raises:
        LookupError: there is no such drive.
    """
    # What this session read before it had the lock may be old by now.
    drive = session.scalar(
        select(Drive).where(col(Drive.id) == drive_id).with_for_update(),
        execution_options={"populate_existing": True},
    )
    if drive is None:
        raise LookupError(f"there is no drive {drive_id}")
    return drive


def lock_unstarted(session: Session, drive_id: str, seen: datetime | None = None) -> Drive:
    """Return a drive whose rows may still change, locked until the end of the transaction.

    Raises:
        DriveNotInState: it has been started.
        ListChanged: its ``state_at`` is another one than was ``seen``.
        LookupError: there is no such drive.
    """
    drive = lock_drive(session, drive_id)
    # One that is made ready for another run keeps the rows of the run before.
    if drive.started_at is not None or drive.state not in _TAKES_ROWS:
        raise DriveNotInState(drive_id, drive.state)
    if seen is not None and drive.state_at != seen:
        raise ListChanged(drive_id)
    return drive


def mark_judged(session: Session, drive_id: str, begun: datetime, now: datetime) -> None:
    """Note that the dry run has given every row its verdict: the drive is ready."""
    drive = lock_unstarted(session, drive_id, begun)
    drive.judged_at = now
    drive.state, drive.state_at = DriveState.READY, _later(drive, now)


def _enter(drive: Drive, state: DriveState, person: str, reason: str | None, now: datetime) -> None:
    drive.state, drive.state_at = state, _later(drive, now)
    drive.state_by, drive.state_reason = person, reason


def _later(drive: Drive, now: datetime) -> datetime:
    """Return the present, or just after the last change: ``state_at`` tells states apart and only grows."""
    return max(now, drive.state_at + timedelta(microseconds=1))
