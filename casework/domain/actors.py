"""Who does something to a case."""

from enum import StrEnum

from casework.domain._model import Compact, Frozen, Ref


class ActorKind(StrEnum):
    """The part in which somebody acts; kept on each event. One person may hold several."""

    APPLICANT = "applicant"
    OFFICER = "officer"
    INSPECTOR = "inspector"
    REVIEWER = "reviewer"
    DECISION_MAKER = "decision-maker"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


STAFF = frozenset(ActorKind) - {ActorKind.APPLICANT, ActorKind.SYSTEM}
"""The kinds that work for the ministry or a provincial office."""


class Actor(Compact):
    """A person (by opaque reference) with the kinds they hold; an applicant is bound to one establishment."""

    person: Ref
    kinds: tuple[ActorKind, ...]
    establishment: Ref | None = None


class ActorRef(Frozen):
    """Who made an event, and in which part."""

    person: Ref
    kind: ActorKind


SYSTEM = Actor(person="system", kinds=(ActorKind.SYSTEM,))
