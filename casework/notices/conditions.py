"""When an event brings a notice. The first sentence of each stands in ``docs/notices.md``.

The case is the case right after the event, and before whatever was recorded with it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from casework.domain import events as e
from casework.domain.acts import Outcome
from casework.domain.case import Case
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage

When = Callable[[Case, Any, datetime], bool]
"""Says, from the case, the event and its instant, whether the notice is due."""

_Judged = e.InspectionFiled | e.CorrectiveActionVerified


def always(case: Case, event: Any, at: datetime) -> bool:
    """Always."""
    return True


def nothing_to_correct(case: Case, event: _Judged, at: datetime) -> bool:
    """Nothing has to be corrected."""
    return not event.to_correct


def something_to_correct(case: Case, event: _Judged, at: datetime) -> bool:
    """Something has to be corrected."""
    return bool(event.to_correct)


def some_came(case: Case, event: e.FeedbackClosed, at: datetime) -> bool:
    """There are representations to answer."""
    return len(event.representations) > 0


def none_came(case: Case, event: e.FeedbackClosed, at: datetime) -> bool:
    """There is no representation to answer."""
    return len(event.representations) == 0


def all_answered(case: Case, event: e.RepresentationsDisposed, at: datetime) -> bool:
    """Every representation has its answer."""
    return len(case.unanswered) == 0


def granted(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The certification is granted."""
    return event.outcome is Outcome.GRANTED


def refused(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The certification is refused."""
    return event.outcome is Outcome.REFUSED


def deferred(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The decision is deferred."""
    return event.outcome is Outcome.DEFERRED


def final(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The certification is granted or refused."""
    return event.outcome is not Outcome.DEFERRED


def back_to_inspection(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The decision is deferred to the inspection."""
    return event.back_to is Stage.INSPECTION


def back_to_review(case: Case, event: e.DecisionMade, at: datetime) -> bool:
    """The decision is deferred to the review."""
    return event.back_to is Stage.REVIEW


def visit_was_to_come(case: Case, event: e.ApplicationWithdrawn, at: datetime) -> bool:
    """A visit was to come."""
    return case.visit_at is not None and case.visit_at > at


def of_the_officer(case: Case, event: e.ConflictDeclared, at: datetime) -> bool:
    """The conflict is that of the case's officer."""
    return event.person == case.officer


def leaves_no_inspector(case: Case, event: e.ConflictDeclared, at: datetime) -> bool:
    """The case is at inspection without an inspector."""
    return case.stage is Stage.INSPECTION and case.inspector is None


def by_a_deadline(case: Case, event: e.DeadlineReminded, at: datetime) -> bool:
    """The period is any but validity, and waits for somebody in particular."""
    return event.period is not PeriodName.VALIDITY


def by_validity(case: Case, event: e.DeadlineReminded, at: datetime) -> bool:
    """The period is the validity."""
    return event.period is PeriodName.VALIDITY


def after_applying(case: Case, event: e.CaseLapsed, at: datetime) -> bool:
    """There was an application, not only an invitation."""
    return event.period is not PeriodName.INVITATION


def certified(case: Case, event: e.CertificationPublished, at: datetime) -> bool:
    """The case is certified; that a certification expired has its own notice."""
    return case.stage is Stage.CERTIFIED
