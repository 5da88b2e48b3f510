"""Who may see and touch which case: the one policy for single reads, lists, acts, search and export.

:func:`may_see` is the rule; ``casework.store.cases.lists.visible`` is the same rule as SQL, and a
property test holds them together (a list never shows a case that a single read hides).
"""

from typing import Literal

from casework.domain import events as e
from casework.domain._model import Frozen, ProvinceCode, Ref
from casework.domain.actors import STAFF, Actor, ActorKind

Everywhere = Literal["*"]


class Principal(Frozen):
    """Who a verified token speaks for: a person, their kinds, and the provinces and programs they work on."""

    person: Ref
    kinds: tuple[ActorKind, ...]
    provinces: frozenset[ProvinceCode] | Everywhere = frozenset()
    programs: frozenset[str] | Everywhere = "*"
    establishment: Ref | None = None

    @property
    def actor(self) -> Actor:
        """The person as the domain knows them."""
        return Actor(person=self.person, kinds=self.kinds, establishment=self.establishment)

    @property
    def is_staff(self) -> bool:
        """Say whether the person works for the ministry or a provincial office."""
        return not STAFF.isdisjoint(self.kinds)


class CaseScope(Frozen):
    """The attributes of a case that decide who may see it."""

    establishment: Ref
    program: str
    province: ProvinceCode


def may_see(principal: Principal, case: CaseScope) -> bool:
    """Say whether the case exists for this principal: staff by province and program, applicants by establishment."""
    if ActorKind.APPLICANT in principal.kinds and principal.establishment == case.establishment:
        return True
    return (
        principal.is_staff
        and _covers(principal.provinces, case.province)
        and _covers(principal.programs, case.program)
    )


def _covers(scope: frozenset[str] | Everywhere, value: str) -> bool:
    return scope == "*" or value in scope


_SHOWN_TO_APPLICANTS = frozenset(
    event.__name__
    for event in (
        e.EstablishmentInvited,
        e.InvitationDeclined,
        e.ApplicationSubmitted,
        e.ApplicationAccepted,
        e.ApplicationReturned,
        e.ApplicationRejected,
        e.ApplicationResubmitted,
        e.InspectionScheduled,
        e.InspectionRescheduled,
        e.InspectionFiled,
        e.CorrectiveActionSubmitted,
        e.CorrectiveActionVerified,
        e.FeedbackOpened,
        e.FeedbackExtended,
        e.FeedbackClosed,
        e.RepresentationsDisposed,
        e.DecisionMade,
        e.ApplicationWithdrawn,
        e.CaseLapsed,
        e.CertificationPublished,
        e.CertificationExpired,
    )
)
"""An allow-list: notes, conflicts and advice are the office's own until it says them in a decision."""

HIDDEN_FROM_APPLICANTS = frozenset({"declaration"})
"""Fields of the events above that stay with the office: what an inspector said about their own interests."""


def is_shown_to_applicants(event: str) -> bool:
    """Say whether the applicant reads events of this type in the journal of their case."""
    return event in _SHOWN_TO_APPLICANTS
