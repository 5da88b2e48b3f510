"""What the API itself keeps of acts and knows of cases: intents, receipts, refusals, and how a case stands in SQL."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

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
from casework.store.cases.intents import intend, settle, withdraw
from casework.store.database import Database
from casework.store.tables import CaseRow
from casework.store.texts import Origin, drop_unused, keep_texts


class NotOnRecord(Exception):
    """SQL has no such case."""


class Intent(NamedTuple):
    """An act that may be sent: ``act`` has references where somebody wrote something.

    ``attempt`` is more than 1 while an attempt before this one, under the same key, is not settled.
    """

    update_id: str
    act: Act
    attempt: int
    has_texts: bool


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
        self,
        update_id: str,
        case_id: str,
        act: Act,
        person: str,
        calendar: WorkCalendar | None = None,
    ) -> Intent:
        """Note that an act is about to be sent, and keep what was written in it: nothing of that is sent.

        What came of it can be found out from then on. ``calendar`` is that of a case that is about to open.

        Raises:
            KeyReused: something else was written under this key.
        """
        now, origin = self._now(), Origin(case_id, person, act.slug, update_id)
        with self._database.writing() as session:
            attempt = intend(session, update_id, case_id, act.slug, now)
            sent = keep_texts(session, act, origin, now)
            if calendar is not None:
                self._reader.keep_calendar(session, calendar)
        return Intent(update_id, sent, attempt, has_texts=sent is not act)

    def record(self, unrecorded: Unrecorded, update_id: str, row: CaseRow | None) -> None:
        """Record what an act brought about; raises as :meth:`CaseRecorder.record`."""
        self._recorder.record(unrecorded, (update_id,), row)

    def keep_refusal(
        self, intent: Intent | None, case_id: str, name: str, actor: Actor, refusal: Refusal
    ) -> None:
        """Keep who tried what and why not: a rejected update leaves nothing in Temporal, and no text here."""
        with self._database.writing() as session:
            record_refusal(session, case_id, name, actor, refusal, self._now())
            if intent is not None:
                _withdraw(session, intent)

    def forget(self, intent: Intent) -> None:
        """Note that nothing came of an act."""
        with self._database.writing() as session:
            _withdraw(session, intent)

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


def _withdraw(session: Session, intent: Intent) -> None:
    """Leave nothing of an act that came to nothing, its texts neither.

    Where the same key has been sent more than once, one of these may have been taken: settlement asks Temporal.
    """
    is_void = intent.attempt == 1 and withdraw(session, intent.update_id, intent.attempt)
    if is_void and intent.has_texts:
        drop_unused(session, intent.update_id)
