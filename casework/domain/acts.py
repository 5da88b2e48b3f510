"""What a person can ask of a case: imperatives, shared by domain, update, route and test.

The class name is the name of the act everywhere; in URLs it stands in kebab case (``file-inspection``).
"""

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from casework.domain._model import Code, Compact, EvidenceRef, Frozen, Instant, Line, Ref, Text
from casework.domain.rules import Grade
from casework.domain.stages import Stage


class Act(Frozen):
    """One imperative. Subclasses are its kinds; :data:`ACTS` lists them all."""

    slug: ClassVar[str]

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]
        cls.slug = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class Evidence(Frozen):
    """A stored file and what it is offered for."""

    file: EvidenceRef
    title: Annotated[str, Field(min_length=1, max_length=120)]


EvidenceList = Annotated[tuple[Evidence, ...], Field(max_length=20)]


class InviteEstablishment(Act):
    """Ask an establishment to apply, on behalf of a drive."""

    drive: Ref


class SubmitApplication(Act):
    """Apply. Names and contacts are in SQL; the case holds the reference of the contact."""

    contact: Ref
    statement: Text | None = None
    documents: EvidenceList = ()


class DeclineInvitation(Act):
    """Say no to an invitation."""

    reason: Text | None = None


class AcceptApplication(Act):
    """Find the application complete and go on to the inspection."""

    remark: Text | None = None


class ReturnedItem(Frozen):
    """One thing the applicant has to mend."""

    item: Code
    reason: Line


class ReturnApplication(Act):
    """Send the application back for named items; the office's clock stops."""

    items: Annotated[tuple[ReturnedItem, ...], Field(min_length=1, max_length=30)]


class RejectApplication(Act):
    """Close the case because the application cannot be taken up."""

    reasons: Text


class AnsweredItem(Frozen):
    """The applicant's answer to one returned item."""

    item: Code
    answer: Line
    documents: Annotated[tuple[Evidence, ...], Field(max_length=5)] = ()


class ResubmitApplication(Act):
    """Answer each returned item."""

    answers: Annotated[tuple[AnsweredItem, ...], Field(min_length=1, max_length=30)]


class ConflictDeclaration(Frozen):
    """What the inspector declared about their own interests in the establishment (ISO/IEC 17065, 4.2)."""

    has_conflict: bool
    statement: Line


class ScheduleInspection(Act):
    """Fix the day and the inspector of the site visit."""

    visit_at: Instant
    inspector: Ref
    declaration: ConflictDeclaration


class RescheduleInspection(Act):
    """Move the site visit or give it to another inspector."""

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

    actions: Annotated[tuple[CorrectiveAction, ...], Field(min_length=1, max_length=60)]


class Verdict(Frozen):
    """The inspector's verdict on one corrective action."""

    criterion: Code
    accepted: bool
    remark: Line | None = None


class VerifyCorrectiveAction(Act):
    """Judge each submitted corrective action."""

    verdicts: Annotated[tuple[Verdict, ...], Field(min_length=1, max_length=60)]


class ExtendFeedback(Act):
    """Give the community more time."""

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

    advice: Advice
    reasons: Text


class Outcome(StrEnum):
    """What a decision can be."""

    GRANTED = "granted"
    REFUSED = "refused"
    DEFERRED = "deferred"


class Decide(Act):
    """Grant, refuse or defer. A deferral names the stage to go back to and what is asked there."""

    outcome: Outcome
    reasons: Text
    back_to: Stage | None = None
    asked: Annotated[tuple[ReturnedItem, ...], Field(max_length=30)] = ()


class WithdrawApplication(Act):
    """Take the application back. An act like any other, never a canceled workflow."""

    reason: Text | None = None


class AddNote(Act):
    """Write something on the file that changes nothing."""

    note: Text


class ReassignOfficer(Act):
    """Hand the case to another officer."""

    officer: Ref
    reason: Text


class DeclareConflict(Act):
    """Declare a conflict of interest, one's own or (a supervisor) somebody's. That person then acts no more."""

    person: Ref | None = None
    statement: Text


ACTS: dict[str, type[Act]] = {
    act.__name__: act
    for act in (
        InviteEstablishment,
        SubmitApplication,
        DeclineInvitation,
        AcceptApplication,
        ReturnApplication,
        RejectApplication,
        ResubmitApplication,
        ScheduleInspection,
        RescheduleInspection,
        FileInspection,
        SubmitCorrectiveAction,
        VerifyCorrectiveAction,
        ExtendFeedback,
        DisposeRepresentations,
        Recommend,
        Decide,
        WithdrawApplication,
        AddNote,
        ReassignOfficer,
        DeclareConflict,
    )
}
"""Every act by name, in the order of a case's life."""

BY_SLUG: dict[str, type[Act]] = {act.slug: act for act in ACTS.values()}
"""Every act by the name it has in URLs."""
