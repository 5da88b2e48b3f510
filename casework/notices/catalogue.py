"""Who is told of what: a closed list of notices and the one table that says when each is queued.

The table is data, so that ``docs/notices.md`` and the tests read the same answer as the engine.
It owns neither the words (``templates/``) nor the addresses (:mod:`casework.notices.recipients`).
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from casework.domain import events as e
from casework.domain.case import Case
from casework.domain.numbers import Numbers
from casework.domain.rules import HOLDERS, Holder, PeriodName
from casework.notices import conditions as on
from casework.notices.conditions import When
from casework.store.outbox import NewNotice


class NoticeSlug(StrEnum):
    """The notices there are, in the order of a case's life. Each has a template per language."""

    INVITATION = "invitation"
    APPLICATION_RECEIVED = "application-received"
    APPLICATION_TO_REVIEW = "application-to-review"
    APPLICATION_RETURNED = "application-returned"
    APPLICATION_RESUBMITTED = "application-resubmitted"
    APPLICATION_ACCEPTED = "application-accepted"
    APPLICATION_REJECTED = "application-rejected"
    VISIT_SCHEDULED = "visit-scheduled"
    VISIT_RESCHEDULED = "visit-rescheduled"
    VISIT_CANCELED = "visit-canceled"
    INSPECTION_FILED = "inspection-filed"
    CORRECTION_REQUIRED = "correction-required"
    CORRECTION_SUBMITTED = "correction-submitted"
    CORRECTION_ACCEPTED = "correction-accepted"
    CORRECTION_NOT_ACCEPTED = "correction-not-accepted"
    FEEDBACK_OPENED = "feedback-opened"
    FEEDBACK_ANNOUNCED = "feedback-announced"
    COMMUNITIES_TO_TELL = "communities-to-tell"
    FEEDBACK_EXTENDED = "feedback-extended"
    REPRESENTATION_RECEIVED = "representation-received"
    REPRESENTATIONS_TO_ANSWER = "representations-to-answer"
    REPRESENTATION_ANSWERED = "representation-answered"
    CASE_TO_REVIEW = "case-to-review"
    CASE_TO_DECIDE = "case-to-decide"
    DECISION_GRANTED = "decision-granted"
    DECISION_REFUSED = "decision-refused"
    DECISION_DEFERRED = "decision-deferred"
    DEFERRAL_TO_FOLLOW_UP = "deferral-to-follow-up"
    DECISION_ANNOUNCED = "decision-announced"
    WITHDRAWAL_RECEIVED = "withdrawal-received"
    APPLICATION_WITHDRAWN = "application-withdrawn"
    CASE_LAPSED = "case-lapsed"
    CASE_ASSIGNED = "case-assigned"
    CONFLICT_OF_OFFICER = "conflict-of-officer"
    INSPECTOR_NEEDED = "inspector-needed"
    DEADLINE_REMINDER = "deadline-reminder"
    DEADLINE_ESCALATED = "deadline-escalated"
    CERTIFICATE_PUBLISHED = "certificate-published"
    CERTIFICATION_EXPIRING = "certification-expiring"
    CERTIFICATION_EXPIRED = "certification-expired"


class Party(StrEnum):
    """To whom a notice is addressed; :func:`recipients_of` turns it into recipients of a case."""

    APPLICANT = "applicant"
    OFFICE = "office"
    OFFICER = "officer"
    INSPECTOR = "inspector"
    REVIEWERS = "reviewers"
    DECISION_MAKERS = "decision-makers"
    SUPERVISORS = "supervisors"
    AUTHORS = "authors"
    COMMUNITIES = "communities"
    HOLDER = "holder"


class NoticeRule(NamedTuple):
    """One line of the catalogue: this event brings this notice to these parties."""

    slug: NoticeSlug
    event: type[Any] | None
    """None: queued by the API when the row of a representation is stored, not by an event."""
    to: tuple[Party, ...]
    when: When = on.always


def _rules() -> tuple[NoticeRule, ...]:
    n, p = NoticeSlug, Party
    return (
        NoticeRule(n.INVITATION, e.EstablishmentInvited, (p.APPLICANT,)),
        NoticeRule(n.APPLICATION_RECEIVED, e.ApplicationSubmitted, (p.APPLICANT,)),
        NoticeRule(n.APPLICATION_TO_REVIEW, e.ApplicationSubmitted, (p.OFFICE,)),
        NoticeRule(n.APPLICATION_RETURNED, e.ApplicationReturned, (p.APPLICANT,)),
        NoticeRule(n.APPLICATION_RESUBMITTED, e.ApplicationResubmitted, (p.OFFICE,)),
        NoticeRule(n.APPLICATION_ACCEPTED, e.ApplicationAccepted, (p.APPLICANT,)),
        NoticeRule(n.APPLICATION_REJECTED, e.ApplicationRejected, (p.APPLICANT,)),
        NoticeRule(n.VISIT_SCHEDULED, e.InspectionScheduled, (p.APPLICANT, p.INSPECTOR)),
        NoticeRule(n.VISIT_RESCHEDULED, e.InspectionRescheduled, (p.APPLICANT, p.INSPECTOR)),
        NoticeRule(
            n.INSPECTION_FILED,
            e.InspectionFiled,
            (p.APPLICANT,),
            on.nothing_to_correct,
        ),
        NoticeRule(
            n.CORRECTION_REQUIRED,
            e.InspectionFiled,
            (p.APPLICANT,),
            on.something_to_correct,
        ),
        NoticeRule(n.CORRECTION_SUBMITTED, e.CorrectiveActionSubmitted, (p.INSPECTOR,)),
        NoticeRule(
            n.CORRECTION_ACCEPTED,
            e.CorrectiveActionVerified,
            (p.APPLICANT,),
            on.nothing_to_correct,
        ),
        NoticeRule(
            n.CORRECTION_NOT_ACCEPTED,
            e.CorrectiveActionVerified,
            (p.APPLICANT,),
            on.something_to_correct,
        ),
        NoticeRule(n.FEEDBACK_OPENED, e.FeedbackOpened, (p.APPLICANT,)),
        NoticeRule(n.FEEDBACK_ANNOUNCED, e.FeedbackOpened, (p.COMMUNITIES,)),
        NoticeRule(n.COMMUNITIES_TO_TELL, e.FeedbackOpened, (p.OFFICE,)),
        NoticeRule(n.FEEDBACK_EXTENDED, e.FeedbackExtended, (p.APPLICANT,)),
        NoticeRule(
            n.REPRESENTATION_RECEIVED,
            None,
            (p.AUTHORS,),
        ),
        NoticeRule(
            n.REPRESENTATIONS_TO_ANSWER,
            e.FeedbackClosed,
            (p.OFFICE,),
            on.some_came,
        ),
        NoticeRule(
            n.CASE_TO_REVIEW,
            e.FeedbackClosed,
            (p.REVIEWERS,),
            on.none_came,
        ),
        NoticeRule(n.REPRESENTATION_ANSWERED, e.RepresentationsDisposed, (p.AUTHORS,)),
        NoticeRule(
            n.CASE_TO_REVIEW,
            e.RepresentationsDisposed,
            (p.REVIEWERS,),
            on.all_answered,
        ),
        NoticeRule(n.CASE_TO_DECIDE, e.RecommendationMade, (p.DECISION_MAKERS,)),
        NoticeRule(n.DECISION_GRANTED, e.DecisionMade, (p.APPLICANT,), on.granted),
        NoticeRule(n.DECISION_REFUSED, e.DecisionMade, (p.APPLICANT,), on.refused),
        NoticeRule(n.DECISION_DEFERRED, e.DecisionMade, (p.APPLICANT,), on.deferred),
        NoticeRule(
            n.DEFERRAL_TO_FOLLOW_UP,
            e.DecisionMade,
            (p.OFFICE,),
            on.back_to_inspection,
        ),
        NoticeRule(
            n.DEFERRAL_TO_FOLLOW_UP,
            e.DecisionMade,
            (p.REVIEWERS,),
            on.back_to_review,
        ),
        NoticeRule(n.DECISION_ANNOUNCED, e.DecisionMade, (p.AUTHORS,), on.final),
        NoticeRule(n.WITHDRAWAL_RECEIVED, e.ApplicationWithdrawn, (p.APPLICANT,)),
        NoticeRule(n.APPLICATION_WITHDRAWN, e.ApplicationWithdrawn, (p.OFFICE,)),
        NoticeRule(
            n.VISIT_CANCELED,
            e.ApplicationWithdrawn,
            (p.INSPECTOR,),
            on.visit_was_to_come,
        ),
        NoticeRule(n.CASE_LAPSED, e.CaseLapsed, (p.APPLICANT,)),
        NoticeRule(n.CASE_LAPSED, e.CaseLapsed, (p.OFFICE,), on.after_applying),
        NoticeRule(n.CASE_ASSIGNED, e.OfficerReassigned, (p.OFFICER,)),
        NoticeRule(
            n.CONFLICT_OF_OFFICER,
            e.ConflictDeclared,
            (p.SUPERVISORS,),
            on.of_the_officer,
        ),
        NoticeRule(
            n.INSPECTOR_NEEDED,
            e.ConflictDeclared,
            (p.OFFICE,),
            on.leaves_no_inspector,
        ),
        NoticeRule(
            n.DEADLINE_REMINDER,
            e.DeadlineReminded,
            (p.HOLDER,),
            on.by_a_deadline,
        ),
        NoticeRule(n.DEADLINE_ESCALATED, e.DeadlineEscalated, (p.SUPERVISORS,)),
        NoticeRule(
            n.CERTIFICATE_PUBLISHED,
            e.CertificationPublished,
            (p.APPLICANT,),
            on.certified,
        ),
        NoticeRule(
            n.CERTIFICATION_EXPIRING,
            e.DeadlineReminded,
            (p.APPLICANT,),
            on.by_validity,
        ),
        NoticeRule(n.CERTIFICATION_EXPIRED, e.CertificationExpired, (p.APPLICANT,)),
    )


NOTICES: tuple[NoticeRule, ...] = _rules()
"""The catalogue: every notice, what brings it about and who gets it."""

SILENT: dict[type[Any], str] = {
    e.InvitationDeclined: "the outcome stands in the drive; a mail for each would flood the office",
    e.NoteAdded: "a note changes nothing",
    e.CalendarAdopted: "new holidays only ever give more time, and pages show it",
}
"""Events of which nobody is told, and why."""


def notices_for(case: Case, recorded: e.Recorded) -> tuple[NewNotice, ...]:
    """Return the notices that follow from one event. Pure.

    Args:
        case: the case right after the event.
        recorded: the line of the journal.
    """
    return tuple(
        NewNotice(slug=rule.slug, seq=recorded.seq, recipient=recipient, numbers=numbers)
        for rule in NOTICES
        if rule.event is type(recorded.event) and rule.when(case, recorded.event, recorded.at)
        for party in rule.to
        for recipient, numbers in recipients_of(party, case, recorded.event)
    )


def receipt_for(number: int) -> NewNotice:
    """Return the receipt that the author of a representation gets when its row is stored."""
    return NewNotice(
        slug=NoticeSlug.REPRESENTATION_RECEIVED,
        seq=number,
        recipient=f"representation:{number}",
        numbers=None,
    )


def recipients_of(party: Party, case: Case, event: e.Event) -> Iterator[tuple[str, Numbers | None]]:
    """Yield the recipients that a party has in this case, authors with the numbers they wrote."""
    match party, event:
        case Party.AUTHORS, e.RepresentationsDisposed(numbers=numbers):
            yield "authors", numbers
        case Party.OFFICER, e.OfficerReassigned(officer=officer):
            yield f"officer:{officer}", None
        case Party.INSPECTOR, _:
            yield _inspector(case, event), None
        case Party.HOLDER, e.DeadlineReminded():
            for recipient in _holders(case, event):
                yield recipient, None
        case _:
            yield party.value, None


def _inspector(case: Case, event: e.Event) -> str:
    """Return the inspector the event names, else the case's; the office while there is none."""
    if isinstance(event, e.InspectionScheduled | e.InspectionRescheduled):
        return f"inspector:{event.inspector}"
    if case.inspector is None or case.inspector in case.conflicts:
        return "office"
    return f"inspector:{case.inspector}"


def _holders(case: Case, event: e.DeadlineReminded) -> Iterator[str]:
    match HOLDERS[event.period]:
        case Holder.APPLICANT:
            yield "applicant"
        case Holder.OFFICE:
            yield "office"
            # A visit that is scheduled is the inspector's to file.
            if event.period is PeriodName.INSPECTION and case.inspector:
                yield f"inspector:{case.inspector}"
        case Holder.INSPECTOR:
            yield _inspector(case, event)
        case Holder.REVIEWER:
            yield "reviewers"
        case Holder.DECISION_MAKER:
            yield "decision-makers"
        case Holder.COMMUNITY | Holder.CERTIFICATE_HOLDER:
            # Nobody in particular, and the certificate holder has a notice of its own.
            return
