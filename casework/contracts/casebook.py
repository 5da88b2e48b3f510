"""What a case asks of its casebook in SQL: record, and close the feedback period."""

from casework.domain._model import Frozen, Instant
from casework.domain.case import Case
from casework.domain.events import Recorded
from casework.domain.numbers import Numbers

RECORD = "casebook.record"
CLOSE_FEEDBACK = "casebook.close_feedback"


class RecordRequest(Frozen):
    """Events to record in one transaction, and the case after them.

    ``events`` may be empty when only the end of a run is to be noted (``run_ends``), so that its history is exported,
    or when the record is to be held against the case (``reconcile``). ``durable`` is the highest version that
    Temporal's history holds for certain, and ``task_at`` when the workflow task began that asks: together they tell
    rows that a lost task left behind from rows that count.
    """

    case: Case
    events: tuple[Recorded, ...]
    run_id: str
    run_ends: bool = False
    reconcile: bool = False
    durable: int = 0
    task_at: Instant | None = None


class CloseFeedbackRequest(Frozen):
    """End the feedback period that closes at ``closes_at`` and read what came in."""

    case_id: str
    closes_at: Instant


class ClosedFeedback(Frozen):
    """The accepted representations that have no disposition yet, and how they stand."""

    representations: Numbers
    support: int = 0
    neutral: int = 0
    objection: int = 0
