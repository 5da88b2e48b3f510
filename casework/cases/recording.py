"""Recording: from lines that Temporal holds to journal, read model and letters, in one transaction.

Whoever has Temporal's receipt for lines may record them: the API with the answer to an act, an activity with its
input, a drive for the cases it opened. The case is folded here from its row and the lines, because the domain is
pure and the same everywhere; nothing but the lines has to travel.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from casework.cases.reading import CaseReader
from casework.contracts.casebook import Unrecorded
from casework.domain.case import Case, evolve
from casework.domain.events import Recorded
from casework.notices.catalogue import notices_for
from casework.store.cases import casebook
from casework.store.cases.casebook import JournalGap
from casework.store.cases.intents import settle
from casework.store.database import Database
from casework.store.outbox import NewNotice
from casework.store.tables import CaseRow


class CaseRecorder:
    """Put lines on record. Blocks; owns no rule and decides nothing."""

    def __init__(self, database: Database, reader: CaseReader) -> None:
        """Keep the collaborators."""
        self._database = database
        self._reader = reader

    def record(
        self, unrecorded: Unrecorded, settles: Sequence[str] = (), row: CaseRow | None = None
    ) -> None:
        """Record the lines, and that these updates need no further care, in a transaction of its own.

        ``row`` is the case as it was read before, which spares a statement if it is still at that version.
        Raises as :meth:`record_in`.
        """
        with self._database.writing() as session:
            self.record_in(session, unrecorded, row)
            settle(session, settles)

    def record_in(
        self, session: Session, unrecorded: Unrecorded, row: CaseRow | None = None
    ) -> None:
        """Record the lines in the session's transaction.

        Raises:
            JournalGap: a line before the first of these is missing on record.
            JournalDifference: one of them is on record with other content.
        """
        case_id, lines = unrecorded.case_id, unrecorded.lines
        if not lines:
            return
        if row is None or lines[0].seq != row.version + 1:
            row = casebook.find_case(session, case_id)
        if row is not None:
            case, head = self._reader.case(row, session), row.head
        elif unrecorded.terms is not None:
            terms = self._reader.terms(unrecorded.terms, session)
            case, head = Case(terms=terms), casebook.genesis(case_id)
        else:
            raise JournalGap(f"{case_id}: not on record, and line {lines[0].seq} came")
        if lines[0].seq > case.version + 1:
            raise JournalGap(f"{case_id}: at {case.version}, and line {lines[0].seq} came")
        if lines[-1].seq <= case.version:
            casebook.compare(session, case_id, lines)
            return
        notices: list[NewNotice] = []
        is_next = lines[0].seq == case.version + 1
        for line in lines:
            if line.seq > case.version:
                case = evolve(case, line)
                notices += notices_for(case, line)
        casebook.record(session, case, lines, notices, head if is_next else None)

    def add_line(self, session: Session, row: CaseRow, line: Recorded) -> None:
        """Record the line that follows the row's version."""
        case = evolve(self._reader.case(row, session), line)
        casebook.record(session, case, (line,), notices_for(case, line), row.head)
