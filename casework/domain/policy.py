"""Who may see and touch which case: the one policy for single reads, lists, acts, search and export.

:func:`may_see` is the rule; ``casework.store.cases.lists.visible`` is the same rule as SQL, and a
property test holds them together (a list never shows a case that a single read hides).
"""

from typing import Literal

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
