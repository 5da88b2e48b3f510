"""The casebook of a case: what nobody asked for is done and recorded here, each in one transaction."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from casework.cases.recording import CaseRecorder
from casework.contracts import casebook as contract
from casework.domain.events import Recorded
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import CertificationEntry, NothingToPublish, certification_entry
from casework.store import representations
from casework.store.cases import casebook
from casework.store.cases.sweeping import note_end_of_run
from casework.store.database import Database
from casework.store.register import add_entry
from casework.store.tables import CaseRow, Establishment

_AT_ONCE = 500


class CasebookActivities:
    """Record what a case has decided by itself. Does not own the rules: it writes what Temporal holds.

    Blocking calls, so plain functions: the worker runs them on threads. Each may run twice and writes once.
    """

    def __init__(
        self,
        database: Database,
        recorder: CaseRecorder,
        catalog: ProgramCatalog,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep the collaborators; the catalog has the words of the register, and ``now`` is UTC."""
        self._database = database
        self._recorder = recorder
        self._catalog = catalog
        self._now = now

    @activity.defn(name=contract.RECORD)
    def record(self, request: contract.RecordRequest) -> None:
        """Write the lines.

        Raises :class:`~casework.store.cases.casebook.JournalGap` or
        :class:`~casework.store.cases.casebook.JournalDifference` when SQL and the workflow differ.
        """
        with self._database.writing() as session:
            self._recorder.record_in(session, request.unrecorded)
            self._note_end(session, request.unrecorded.case_id, request.run_ends)

    @activity.defn(name=contract.CLOSE_FEEDBACK)
    def close_feedback(self, request: contract.CloseFeedbackRequest) -> contract.ClosedFeedback:
        """Take no more representations, record that, and return the accepted ones."""
        with self._database.writing() as session:
            row = _before(session, request.case_id, request.seq)
            if row.version >= request.seq:
                return contract.ClosedFeedback.of(_line(session, request.case_id, request.seq))
            closed = representations.close_feedback(session, request.case_id, request.closes_at)
            self._recorder.add_line(session, row, request.line(closed))
        return closed

    @activity.defn(name=contract.PUBLISH)
    def publish(self, request: contract.PublishRequest) -> contract.PublishReceipt:
        """Add the entry of this version to the register and record that.

        Raises:
            ApplicationError: nothing can be published, and nothing was written; trying again is for later.
        """
        case_id = request.unrecorded.case_id
        with self._database.writing() as session:
            self._recorder.record_in(session, request.unrecorded)
            row = _before(session, case_id, request.seq)
            if row.version >= request.seq:
                return contract.PublishReceipt.of(_line(session, case_id, request.seq))
            entry = self._entry(session, row, request.version)
            receipt = contract.PublishReceipt(entry=add_entry(session, entry, self._now()))
            self._recorder.add_line(session, row, request.line(receipt))
            self._note_end(session, case_id, request.run_ends)
        return receipt

    def _entry(self, session: Session, row: CaseRow, version: int) -> CertificationEntry:
        try:
            site = session.get_one(Establishment, row.establishment_id)
            program = self._catalog.get(row.program, row.program_version)
            return certification_entry(
                _journal(session, row.case_id, version), row.case_id, site, program
            )
        except (LookupError, NoResultFound, ValueError, NothingToPublish) as error:
            raise ApplicationError(
                str(error), type=contract.NOT_PUBLISHABLE, non_retryable=True
            ) from error

    def _note_end(self, session: Session, case_id: str, run_id: str | None) -> None:
        if run_id is not None:
            note_end_of_run(session, case_id, run_id, self._now())


def _before(session: Session, case_id: str, seq: int) -> CaseRow:
    """Return the row of a case whose record reaches the line before ``seq``, or further."""
    row = casebook.find_case(session, case_id)
    if row is None or row.version < seq - 1:
        at = row.version if row else 0
        raise ApplicationError(
            f"{case_id} is on record up to {at}, and line {seq} is to be written",
            type=contract.RECORD_BEHIND,
            non_retryable=True,
        )
    return row


def _line(session: Session, case_id: str, seq: int) -> Recorded:
    """Return a line that an attempt before this one has written."""
    (row,) = casebook.read_journal(session, case_id, after=seq - 1, limit=1)
    return casebook.read_line(row)


def _journal(session: Session, case_id: str, version: int) -> list[Recorded]:
    """Read the lines up to the version, and none after it."""
    journal: list[Recorded] = []
    while len(journal) < version:
        limit = min(_AT_ONCE, version - len(journal))
        rows = casebook.read_journal(session, case_id, after=len(journal), limit=limit)
        if not rows:
            break
        journal += map(casebook.read_line, rows)
    return journal
