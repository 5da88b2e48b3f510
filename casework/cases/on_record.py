"""What the API itself keeps of acts and knows of cases: intents, receipts, refusals, and how a case stands in SQL."""

from collections.abc import Callable
from datetime import datetime

from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts.casebook import Unrecorded
from casework.contracts.enrollment import ActReceipt
from casework.domain.actors import Actor
from casework.domain.acts import Act
from casework.domain.calendar import WorkCalendar
from casework.domain.decide import judge
from casework.domain.refusals import Refusal
from casework.domain.stages import Stage
from casework.store.cases.casebook import find_case, read_journal, record_refusal
from casework.store.cases.intents import intend, settle
from casework.store.database import Database
from casework.store.tables import CaseRow


class NotOnRecord(Exception):
    """SQL has no such case."""


class ActsOnRecord:
    """Speak for cases in SQL. Blocks; owns no rule and changes no case."""

    def __init__(
        self,
        database: Database,
        reader: CaseReader,
        recorder: CaseRecorder,
        now: Callable[[], datetime],
    ) -> None:
        """Keep the collaborators."""
        self._database = database
        self._reader = reader
        self._recorder = recorder
        self._now = now

    def intend(
        self, update_id: str, case_id: str, name: str, calendar: WorkCalendar | None = None
    ) -> None:
        """Note that an act is about to be sent; what came of it can be found out from then on.

        ``calendar`` is that of a case that is about to open.
        """
        with self._database.writing() as session:
            intend(session, update_id, case_id, name, self._now())
            if calendar is not None:
                self._reader.keep_calendar(session, calendar)

    def record(self, unrecorded: Unrecorded, update_id: str, row: CaseRow | None) -> None:
        """Record what an act brought about; raises as :meth:`CaseRecorder.record`."""
        self._recorder.record(unrecorded, (update_id,), row)

    def keep_refusal(
        self, update_id: str, case_id: str, name: str, actor: Actor, refusal: Refusal
    ) -> None:
        """Keep who tried what and why not: a rejected update leaves nothing in Temporal."""
        with self._database.writing() as session:
            record_refusal(session, case_id, name, actor, refusal, self._now())
            settle(session, (update_id,))

    def forget(self, update_id: str) -> None:
        """Note that nothing came of an act."""
        with self._database.writing() as session:
            settle(session, (update_id,))

    def is_at(self, case_id: str, version: int) -> bool:
        """Say whether the read model is at this version."""
        with self._database.reading() as session:
            row = find_case(session, case_id)
        return row is not None and row.version == version

    def judge(self, case_id: str, act: Act, actor: Actor, expected_version: int | None) -> None:
        """Refuse an act on a case that has ended, by the same rules and for the same reasons.

        Raises:
            Refused: the act is not open.
            NotOnRecord: there is no such case.
        """
        with self._database.reading() as session:
            row = find_case(session, case_id)
        if row is None:
            raise NotOnRecord(case_id)
        judge(self._reader.case(row), act, actor, self._now(), expected_version)

    def receipt_of_application(self, case_id: str, update_id: str, digest: str) -> ActReceipt:
        """Return the receipt of an application whose case has ended since.

        Raises:
            NotOnRecord: it was never recorded.
        """
        with self._database.writing() as session:
            first = read_journal(session, case_id, limit=1)
            settle(session, (update_id,))
        if not first:
            raise NotOnRecord(case_id)
        return ActReceipt(
            version=first[0].seq,
            stage=Stage.APPLICATION_REVIEW,
            at=first[0].at,
            digest=digest,
        )
