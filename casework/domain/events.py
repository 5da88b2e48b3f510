"""What happened to a case: past-tense facts. The journal is a list of them and the case is what they add up to."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from casework.domain._model import Code, Frozen, Instant, Ref
from casework.domain.actors import ActorRef
from casework.domain.acts import (
    Advice,
    AnsweredItem,
    CorrectiveAction,
    Disposition,
    Evidence,
    Finding,
    Outcome,
    Place,
    ReturnedItem,
    Verdict,
)
from casework.domain.calendar import WorkCalendar
from casework.domain.numbers import Numbers
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage


class EstablishmentInvited(Frozen):
    """A drive asked the establishment to apply."""

    type: Literal["EstablishmentInvited"] = "EstablishmentInvited"
    drive: Ref


class InvitationDeclined(Frozen):
    """The establishment said no."""

    type: Literal["InvitationDeclined"] = "InvitationDeclined"
    reason: str | None = None


class ApplicationSubmitted(Frozen):
    """An application arrived."""

    type: Literal["ApplicationSubmitted"] = "ApplicationSubmitted"
    contact: Ref
    statement: str | None = None
    documents: tuple[Evidence, ...] = ()


class ApplicationAccepted(Frozen):
    """The application is complete; the officer who said so has the case."""

    type: Literal["ApplicationAccepted"] = "ApplicationAccepted"
    remark: str | None = None


class ApplicationReturned(Frozen):
    """The application went back for named items."""

    type: Literal["ApplicationReturned"] = "ApplicationReturned"
    items: tuple[ReturnedItem, ...]


class ApplicationRejected(Frozen):
    """The application was not taken up."""

    type: Literal["ApplicationRejected"] = "ApplicationRejected"
    reasons: str


class ApplicationResubmitted(Frozen):
    """Each returned item was answered."""

    type: Literal["ApplicationResubmitted"] = "ApplicationResubmitted"
    answers: tuple[AnsweredItem, ...]


class InspectionScheduled(Frozen):
    """A visit has a day and an inspector, who declared no conflict."""

    type: Literal["InspectionScheduled"] = "InspectionScheduled"
    visit_at: Instant
    inspector: Ref
    declaration: str


class InspectionRescheduled(Frozen):
    """The visit has another day or another inspector."""

    type: Literal["InspectionRescheduled"] = "InspectionRescheduled"
    visit_at: Instant
    inspector: Ref
    declaration: str
    reason: str


class InspectionFiled(Frozen):
    """The findings are on file; ``to_correct`` names the criteria whose nonconformities must be closed first."""

    type: Literal["InspectionFiled"] = "InspectionFiled"
    visited_at: Instant
    place: Place | None = None
    findings: tuple[Finding, ...]
    percent: int
    to_correct: tuple[Code, ...] = ()


class CorrectiveActionSubmitted(Frozen):
    """The establishment reported what it did."""

    type: Literal["CorrectiveActionSubmitted"] = "CorrectiveActionSubmitted"
    actions: tuple[CorrectiveAction, ...]


class CorrectiveActionVerified(Frozen):
    """The inspector judged it; ``to_correct`` names what is still open."""

    type: Literal["CorrectiveActionVerified"] = "CorrectiveActionVerified"
    verdicts: tuple[Verdict, ...]
    percent: int
    to_correct: tuple[Code, ...] = ()


class FeedbackOpened(Frozen):
    """The community may speak from now on."""

    type: Literal["FeedbackOpened"] = "FeedbackOpened"
    closes_at: Instant


class FeedbackExtended(Frozen):
    """The community has more time."""

    type: Literal["FeedbackExtended"] = "FeedbackExtended"
    days: int
    closes_at: Instant
    reason: str


class FeedbackClosed(Frozen):
    """The period is over; these are the accepted representations that need an answer."""

    type: Literal["FeedbackClosed"] = "FeedbackClosed"
    representations: Numbers
    support: int = 0
    neutral: int = 0
    objection: int = 0


class RepresentationsDisposed(Frozen):
    """Some representations have their reasoned answer."""

    type: Literal["RepresentationsDisposed"] = "RepresentationsDisposed"
    numbers: Numbers
    disposition: Disposition
    answer: str


class RecommendationMade(Frozen):
    """A reviewer gave advice."""

    type: Literal["RecommendationMade"] = "RecommendationMade"
    advice: Advice
    reasons: str


class DecisionMade(Frozen):
    """The case is decided, or deferred to an earlier stage."""

    type: Literal["DecisionMade"] = "DecisionMade"
    outcome: Outcome
    reasons: str
    level: Code | None = None
    valid_until: Instant | None = None
    back_to: Stage | None = None
    asked: tuple[ReturnedItem, ...] = ()


class ApplicationWithdrawn(Frozen):
    """The applicant took the application back."""

    type: Literal["ApplicationWithdrawn"] = "ApplicationWithdrawn"
    reason: str | None = None


class NoteAdded(Frozen):
    """Something was written on the file."""

    type: Literal["NoteAdded"] = "NoteAdded"
    note: str


class OfficerReassigned(Frozen):
    """The case has another officer."""

    type: Literal["OfficerReassigned"] = "OfficerReassigned"
    officer: Ref
    reason: str


class ConflictDeclared(Frozen):
    """A person has a conflict of interest and acts on this case no more."""

    type: Literal["ConflictDeclared"] = "ConflictDeclared"
    person: Ref
    statement: str


class DeadlineReminded(Frozen):
    """A reminder fell due before the end of a period."""

    type: Literal["DeadlineReminded"] = "DeadlineReminded"
    period: PeriodName
    due_at: Instant
    number: int


class DeadlineEscalated(Frozen):
    """A period is over and nobody acted; the office's supervisors are told."""

    type: Literal["DeadlineEscalated"] = "DeadlineEscalated"
    period: PeriodName
    due_at: Instant
    number: int


class CaseLapsed(Frozen):
    """The applicant let a period pass, and the case closed."""

    type: Literal["CaseLapsed"] = "CaseLapsed"
    period: PeriodName
    due_at: Instant


class CertificationPublished(Frozen):
    """The register shows the state of the case at ``version``, in its entry number ``entry``."""

    type: Literal["CertificationPublished"] = "CertificationPublished"
    version: int
    entry: int


class CertificationExpired(Frozen):
    """The certification ended with its validity."""

    type: Literal["CertificationExpired"] = "CertificationExpired"


class CalendarAdopted(Frozen):
    """The public holidays changed; running periods are counted anew."""

    type: Literal["CalendarAdopted"] = "CalendarAdopted"
    calendar: WorkCalendar


Event = Annotated[
    EstablishmentInvited
    | InvitationDeclined
    | ApplicationSubmitted
    | ApplicationAccepted
    | ApplicationReturned
    | ApplicationRejected
    | ApplicationResubmitted
    | InspectionScheduled
    | InspectionRescheduled
    | InspectionFiled
    | CorrectiveActionSubmitted
    | CorrectiveActionVerified
    | FeedbackOpened
    | FeedbackExtended
    | FeedbackClosed
    | RepresentationsDisposed
    | RecommendationMade
    | DecisionMade
    | ApplicationWithdrawn
    | NoteAdded
    | OfficerReassigned
    | ConflictDeclared
    | DeadlineReminded
    | DeadlineEscalated
    | CaseLapsed
    | CertificationPublished
    | CertificationExpired
    | CalendarAdopted,
    Field(discriminator="type"),
]


class Recorded(Frozen):
    """One line of the journal: ``seq`` counts from 1 without a gap and is the case's version after this event.

    ``request`` is the id of the update that brought it about; None for what the system did by itself.
    """

    seq: int
    at: Instant
    actor: ActorRef
    event: Event
    request: str | None = None

    def content(self) -> dict[str, Any]:
        """Return the line as JSON values, without fields that have their default: a later field changes no old line."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        content["event"]["type"] = self.event.type
        return content


EVENT: TypeAdapter[Event] = TypeAdapter(Event)
