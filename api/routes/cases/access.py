"""The case of a path, said in the signature of a route: a parameter of these types is the permission."""

from typing import Annotated

from fastapi import Depends, Path

from api.collaborators import Parts
from api.http.errors import Problem, not_found
from api.security import CurrentPrincipal, StaffPrincipal, well_formed
from casework.domain.actors import ActorKind
from casework.store.cases.lists import find_visible_case
from casework.store.tables import CaseRow

CaseId = Annotated[str, Path(description="Id of the case.", examples=["eco-k3v9a2q7m4tz"])]


def _visible_case(parts: Parts, principal: CurrentPrincipal, case_id: CaseId) -> CaseRow:
    with parts.database.reading() as session:
        row = find_visible_case(session, principal, well_formed(case_id))
    if row is None:
        raise not_found()
    return row


VisibleCase = Annotated[CaseRow, Depends(_visible_case)]
"""The case of the path, which exists for this principal."""


async def _case_for_staff(principal: StaffPrincipal, row: VisibleCase) -> CaseRow:
    return row


CaseForStaff = Annotated[CaseRow, Depends(_case_for_staff)]
"""The case of the path, for staff who may see it."""


async def _case_for_officer(principal: StaffPrincipal, row: CaseForStaff) -> CaseRow:
    if ActorKind.OFFICER not in principal.kinds:
        raise Problem("role-required", "This is for: officer.")
    return row


CaseForOfficer = Annotated[CaseRow, Depends(_case_for_officer)]
"""The case of the path, for officers who may see it."""
