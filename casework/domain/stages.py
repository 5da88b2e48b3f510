"""Where a case can be, and the one table that says how it gets from one stage to the next."""

from enum import StrEnum
from typing import NamedTuple


class Stage(StrEnum):
    """A stage of an enrollment. The values appear unchanged in URLs, in SQL and in the register."""

    NEW = "new"
    INVITED = "invited"
    APPLICATION_REVIEW = "application-review"
    RETURNED = "returned"
    INSPECTION = "inspection"
    CORRECTIVE_ACTION = "corrective-action"
    FEEDBACK = "feedback"
    ANSWERING = "answering"
    REVIEW = "review"
    DECISION = "decision"
    CERTIFIED = "certified"
    REFUSED = "refused"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DECLINED = "declined"
    LAPSED = "lapsed"
    EXPIRED = "expired"


CLOSED = frozenset(
    {
        Stage.REFUSED,
        Stage.REJECTED,
        Stage.WITHDRAWN,
        Stage.DECLINED,
        Stage.LAPSED,
        Stage.EXPIRED,
    }
)
"""Stages that end a case. The journal stays."""

BEFORE_DECISION = tuple(
    s for s in Stage if s not in CLOSED and s not in {Stage.NEW, Stage.CERTIFIED}
)
"""Stages of an enrollment that is under way."""

DEFERRAL_TARGETS = (Stage.RETURNED, Stage.INSPECTION, Stage.FEEDBACK, Stage.REVIEW)
"""Stages that a deferred decision may name."""


class Transition(NamedTuple):
    """One permitted change of stage and the type of the event that makes it."""

    source: Stage
    event: str
    target: Stage


def _rows() -> tuple[Transition, ...]:
    s = Stage
    rows = [
        Transition(s.NEW, "EstablishmentInvited", s.INVITED),
        Transition(s.NEW, "ApplicationSubmitted", s.APPLICATION_REVIEW),
        Transition(s.INVITED, "ApplicationSubmitted", s.APPLICATION_REVIEW),
        Transition(s.INVITED, "InvitationDeclined", s.DECLINED),
        Transition(s.INVITED, "CaseLapsed", s.LAPSED),
        Transition(s.APPLICATION_REVIEW, "ApplicationAccepted", s.INSPECTION),
        Transition(s.APPLICATION_REVIEW, "ApplicationReturned", s.RETURNED),
        Transition(s.APPLICATION_REVIEW, "ApplicationRejected", s.REJECTED),
        Transition(s.RETURNED, "ApplicationResubmitted", s.APPLICATION_REVIEW),
        Transition(s.RETURNED, "CaseLapsed", s.LAPSED),
        Transition(s.INSPECTION, "InspectionFiled", s.CORRECTIVE_ACTION),
        Transition(s.INSPECTION, "FeedbackOpened", s.FEEDBACK),
        Transition(s.CORRECTIVE_ACTION, "FeedbackOpened", s.FEEDBACK),
        Transition(s.CORRECTIVE_ACTION, "CaseLapsed", s.LAPSED),
        Transition(s.FEEDBACK, "FeedbackClosed", s.ANSWERING),
        Transition(s.FEEDBACK, "FeedbackClosed", s.REVIEW),
        Transition(s.ANSWERING, "RepresentationsDisposed", s.REVIEW),
        Transition(s.REVIEW, "RecommendationMade", s.DECISION),
        Transition(s.DECISION, "DecisionMade", s.CERTIFIED),
        Transition(s.DECISION, "DecisionMade", s.REFUSED),
        Transition(s.CERTIFIED, "CertificationExpired", s.EXPIRED),
    ]
    rows += [Transition(s.DECISION, "DecisionMade", target) for target in DEFERRAL_TARGETS]
    rows += [Transition(stage, "ApplicationWithdrawn", s.WITHDRAWN) for stage in BEFORE_DECISION]
    return tuple(rows)


TRANSITIONS: tuple[Transition, ...] = _rows()
"""Every change of stage there is. Nothing else changes a stage (see :func:`casework.domain.case.evolve`)."""


class ImpossibleTransition(Exception):
    """An event would change a stage in a way that :data:`TRANSITIONS` does not list: a defect of the engine."""


def check_transition(source: Stage, event: str, target: Stage) -> None:
    """Raise :class:`ImpossibleTransition` unless the table lists this change."""
    if Transition(source, event, target) not in TRANSITIONS:
        raise ImpossibleTransition(f"{event} does not lead from {source} to {target}")
