"""What a person can ask of a case: imperatives, shared by domain, update, route and test.

Each has one name for the outside (``file-inspection``): of the update, in URLs, in the record of refusals. It is
written out, so that a class can be renamed without touching what histories and clients hold.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, get_args

from pydantic import Field

from casework.domain._model import (
    Code,
    Compact,
    EvidenceRef,
    Frozen,
    Instant,
    Line,
    Ref,
    Text,
    Title,
)
from casework.domain.rules import Grade
from casework.domain.stages import Stage


class Act(Frozen):
    """One imperative. Subclasses are its kinds; :data:`ACTS` lists them all by their ``slug``."""

    slug: ClassVar[str]


class Evidence(Frozen):
    """A stored file and what it is offered for."""

    file: EvidenceRef
    title: Title


EvidenceList = Annotated[tuple[Evidence, ...], Field(max_length=20)]


class InviteEstablishment(Act):
    """Ask an establishment to apply, on behalf of a drive."""

    slug: ClassVar[str] = "invite-establishment"
    drive: Ref


class SubmitApplication(Act):
    """Apply. Names and contacts are in SQL; the case holds the reference of the contact."""

    slug: ClassVar[str] = "submit-application"
    contact: Ref
    statement: Text | None = None
    documents: EvidenceList = ()


class DeclineInvitation(Act):
    """Say no to an invitation."""

    slug: ClassVar[str] = "decline-invitation"
    reason: Text | None = None


class AcceptApplication(Act):
    """Find the application complete and go on to the inspection."""

    slug: ClassVar[str] = "accept-application"
    remark: Text | None = None


class ReturnedItem(Frozen):
    """One thing the applicant has to mend."""

    item: Code
    reason: Line


class ReturnApplication(Act):
    """Send the application back for named items; the office's clock stops."""

    slug: ClassVar[str] = "return-application"
    items: Annotated[tuple[ReturnedItem, ...], Field(min_length=1, max_length=30)]


class RejectApplication(Act):
    """Close the case because the application cannot be taken up."""

    slug: ClassVar[str] = "reject-application"
    reasons: Text


class AnsweredItem(Frozen):
    """The applicant's answer to one returned item."""

    item: Code
    answer: Line
    documents: Annotated[tuple[Evidence, ...], Field(max_length=5)] = ()


class ResubmitApplication(Act):
    """Answer each returned item."""

    slug: ClassVar[str] = "resubmit-application"
    answers: Annotated[tuple[AnsweredItem, ...], Field(min_length=1, max_length=30)]


class ConflictDeclaration(Frozen):
    """What the inspector declared about their own interests in the establishment (ISO/IEC 17065, 4.2)."""

    has_conflict: bool
    statement: Line


class ScheduleInspection(Act):
    """Fix the day and the inspector of the site visit."""

    slug: ClassVar[str] = "schedule-inspection"
    visit_at: Instant
    inspector: Ref
    declaration: ConflictDeclaration


class RescheduleInspection(Act):
    """Move the site visit or give it to another inspector."""

    slug: ClassVar[str] = "reschedule-inspection"
    visit_at: Instant
    inspector: Ref
    declaration: ConflictDeclaration
    reason: Text


class Finding(Compact):
    """What the inspector found for one criterion."""

    criterion: Code
    grade: Grade
    remark: Line | None = None
    evidence: Annotated[tuple[EvidenceRef, ...], Field(max_length=5)] = ()


class Place(Frozen):
    """Where the visit took place, WGS 84 in degrees."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class FileInspection(Act):
    """Put the findings of the visit on file: one for each criterion of the program version."""

    slug: ClassVar[str] = "file-inspection"
    visited_at: Instant
    place: Place | None = None
    findings: Annotated[tuple[Finding, ...], Field(min_length=1, max_length=60)]


class CorrectiveAction(Frozen):
    """What the establishment did about one nonconformity."""

    criterion: Code
    action: Line
    evidence: Annotated[tuple[EvidenceRef, ...], Field(max_length=5)] = ()


class SubmitCorrectiveAction(Act):
    """Report what was done about every nonconformity that has to be closed."""

    slug: ClassVar[str] = "submit-corrective-action"
    actions: Annotated[tuple[CorrectiveAction, ...], Field(min_length=1, max_length=60)]


class Verdict(Frozen):
    """The inspector's verdict on one corrective action."""

    criterion: Code
    accepted: bool
    remark: Line | None = None


class VerifyCorrectiveAction(Act):
    """Judge each submitted corrective action."""

    slug: ClassVar[str] = "verify-corrective-action"
    verdicts: Annotated[tuple[Verdict, ...], Field(min_length=1, max_length=60)]


class ExtendFeedback(Act):
    """Give the community more time."""

    slug: ClassVar[str] = "extend-feedback"
    days: Annotated[
        int, Field(ge=1, le=90, description="calendar days (seconds in a sample program)")
    ]
    reason: Text


class Disposition(StrEnum):
    """What came of a representation."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly-upheld"
    NOT_UPHELD = "not-upheld"
    NOTED = "noted"
    OUT_OF_SCOPE = "out-of-scope"
    DUPLICATE = "duplicate"


class DisposeRepresentations(Act):
    """Answer one representation or many at once, with one reasoned answer that their authors receive."""

    slug: ClassVar[str] = "dispose-representations"
    numbers: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=2000)
    ]
    disposition: Disposition
    answer: Text


class Advice(StrEnum):
    """What a reviewer can recommend."""

    GRANT = "grant"
    REFUSE = "refuse"


class Recommend(Act):
    """Advise the decision maker, with reasons."""

    slug: ClassVar[str] = "recommend"
    advice: Advice
    reasons: Text


class Outcome(StrEnum):
    """What a decision can be."""

    GRANTED = "granted"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Decide(Act):
    """Grant, refuse or defer. A deferral names the stage to go back to and what is asked there."""

    slug: ClassVar[str] = "decide"
    outcome: Outcome
    reasons: Text
    back_to: Stage | None = None
    asked: Annotated[tuple[ReturnedItem, ...], Field(max_length=30)] = ()


class WithdrawApplication(Act):
    """Take the application back. An act like any other, never a canceled workflow."""

    slug: ClassVar[str] = "withdraw-application"
    reason: Text | None = None


class AddNote(Act):
    """Write something on the file that changes nothing."""

    slug: ClassVar[str] = "add-note"
    note: Text


class ReassignOfficer(Act):
    """Hand the case to another officer."""

    slug: ClassVar[str] = "reassign-officer"
    officer: Ref
    reason: Text


class DeclareConflict(Act):
    """Declare a conflict of interest, one's own or (a supervisor) somebody's. That person then acts no more."""

    slug: ClassVar[str] = "declare-conflict"
    person: Ref | None = None
    statement: Text


AnyAct = (
    InviteEstablishment
    | SubmitApplication
    | DeclineInvitation
    | AcceptApplication
    | ReturnApplication
    | RejectApplication
    | ResubmitApplication
    | ScheduleInspection
    | RescheduleInspection
    | FileInspection
    | SubmitCorrectiveAction
    | VerifyCorrectiveAction
    | ExtendFeedback
    | DisposeRepresentations
    | Recommend
    | Decide
    | WithdrawApplication
    | AddNote
    | ReassignOfficer
    | DeclareConflict
)
"""One of all acts, in the order of a case's life."""

ACTS: dict[str, type[Act]] = {act.slug: act for act in get_args(AnyAct)}
"""Every act by its slug."""
