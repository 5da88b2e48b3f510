"""What a case has decided and SQL may not have yet, and what the case asks of its casebook.

Nothing is written down before Temporal holds it. An act's answer, or the input of an activity, is Temporal's
receipt for the lines in it: whoever has one may record them, and recording is idempotent.
"""

from typing import Any

from pydantic import field_serializer

from casework.domain._model import Compact, Frozen, Instant
from casework.domain.actors import SYSTEM, ActorKind, ActorRef
from casework.domain.case import Case, TermsRef
from casework.domain.events import CertificationPublished, Event, FeedbackClosed, Recorded
from casework.domain.numbers import Numbers

RECORD = "casebook.record"
CLOSE_FEEDBACK = "casebook.close_feedback"
PUBLISH = "casebook.publish"

RECORD_BEHIND = "RecordBehind"
"""The failure of an activity that found the record before the line it was to write: record what is kept, then again."""

NOT_PUBLISHABLE = "NotPublishable"
"""The failure of a publication that wrote nothing and would fail again: the case goes on and tries later."""


class Unrecorded(Compact):
    """The lines of a case that it does not know to be on record, in order.

    ``terms`` come with the first line of a case: of any other, its row has them.
    """

    case_id: str
    terms: TermsRef | None = None
    lines: tuple[Recorded, ...] = ()

    @classmethod
    def of(cls, case: Case, lines: tuple[Recorded, ...]) -> "Unrecorded":
        """Gather lines of a case."""
        is_new = bool(lines) and lines[0].seq == 1
        terms = case.terms.reference() if is_new else None
        return cls(case_id=case.case_id, terms=terms, lines=lines)

    @field_serializer("lines")
    def _without_defaults_of_lines(self, lines: tuple[Recorded, ...]) -> list[dict[str, Any]]:
        return [line.content() for line in lines]


class RecordRequest(Compact):
    """Put the lines on record; ``run_ends`` is the run that ends with them, so that its history is exported."""

    unrecorded: Unrecorded
    run_ends: str | None = None


class CloseFeedbackRequest(Compact):
    """End the feedback period that closes at ``closes_at``, and record that as line ``seq`` at ``at``.

    The lines before it are days old, and so on record; where they are not, :data:`RECORD_BEHIND` says so.
    """

    case_id: str
    seq: int
    at: Instant
    closes_at: Instant

    def line(self, closed: "ClosedFeedback") -> Recorded:
        """Return the line that follows; the case and its casebook both make it here."""
        event = FeedbackClosed(**closed.model_dump())
        return _by_system(self.seq, self.at, event)


class ClosedFeedback(Frozen):
    """The accepted representations that have no disposition yet, and how they stand."""

    representations: Numbers
    support: int = 0
    neutral: int = 0
    objection: int = 0

    @classmethod
    def of(cls, line: Recorded) -> "ClosedFeedback":
        """Read the answer back from the line that an attempt before this one has written."""
        return cls.model_validate(line.event.model_dump(exclude={"type"}))


class PublishRequest(Compact):
    """Show the certification as it stands at ``version`` in the register, and record that as line ``seq`` at ``at``.

    The grant itself, a moment old, may not be on record yet, and so comes along. ``run_ends`` as in
    :class:`RecordRequest`.
    """

    unrecorded: Unrecorded
    seq: int
    at: Instant
    version: int
    run_ends: str | None = None

    def line(self, receipt: "PublishReceipt") -> Recorded:
        """Return the line that follows; the case and its casebook both make it here."""
        event = CertificationPublished(version=self.version, entry=receipt.entry)
        return _by_system(self.seq, self.at, event)


class PublishReceipt(Frozen):
    """The number of the register entry, counted from 1 over the whole register."""

    entry: int

    @classmethod
    def of(cls, line: Recorded) -> "PublishReceipt":
        """Read the answer back from the line that an attempt before this one has written."""
        return cls.model_validate(line.event.model_dump(include={"entry"}))


def _by_system(seq: int, at: Instant, event: Event) -> Recorded:
    by = ActorRef(person=SYSTEM.person, kind=ActorKind.SYSTEM)
    return Recorded(seq=seq, at=at, actor=by, event=event)
