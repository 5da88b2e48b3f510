"""Who may work with drives: officers for their provinces, and supervisors; said in signatures."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Path

from api.collaborators import Parts
from api.http.errors import FieldError, Problem, not_found
from api.security import only_for, well_formed
from casework.domain.actors import ActorKind
from casework.domain.policy import Everywhere, Principal
from casework.store.drives.drives import find_visible_drive
from casework.store.drives.states import DriveNotInState, ListChanged
from casework.store.drives.tables import Drive

DriveOfficer = Annotated[Principal, only_for("Drives", ActorKind.OFFICER, ActorKind.SUPERVISOR)]
"""Somebody who may run drives in the provinces and programs of the token."""


SupervisorPrincipal = Annotated[Principal, only_for("Changes of targets", ActorKind.SUPERVISOR)]
"""Somebody who supervises the provinces and programs of the token."""

DriveId = Annotated[str, Path(description="Id of the drive.", examples=["drv-k3v9a2q7m4tz"])]


def _visible_drive(parts: Parts, principal: DriveOfficer, drive_id: DriveId) -> Drive:
    with parts.database.reading() as session:
        row = find_visible_drive(session, principal, well_formed(drive_id))
    if row is None:
        raise not_found()
    return row


VisibleDrive = Annotated[Drive, Depends(_visible_drive)]
"""The drive of the path, which exists for this principal and does not reach beyond their scope."""


@contextmanager
def state_errors_as_409() -> Generator[None]:
    """Answer with a 409 when the drive is not in a state in which this can be done, or its list has changed."""
    try:
        yield
    except DriveNotInState as error:
        raise Problem(
            "drive-not-in-state", f"The drive is {error.state}.", state=error.state.value
        ) from error
    except ListChanged as error:
        raise Problem("list-changed", "Another list or mapping came meanwhile.") from error


def require_program(principal: Principal, program: str) -> None:
    """Raise a 403 unless the principal works on this program."""
    if principal.programs != "*" and program not in principal.programs:
        raise _beyond("/program", f"Your token does not cover the program {program}.")


def provinces_within(
    principal: Principal, asked: frozenset[str] | None, pointer: str = "/provinces"
) -> frozenset[str] | Everywhere:
    """Return the provinces that were asked for, or all of the principal's; a 403 if they go beyond."""
    own = principal.provinces
    if asked is None:
        if not own:
            raise _beyond(pointer, "Your token covers no province.")
        return own
    beyond = [] if own == "*" else sorted(asked - own)
    if beyond:
        raise _beyond(pointer, f"Your token does not cover the province {', '.join(beyond)}.")
    return asked


def _beyond(pointer: str, detail: str) -> Problem:
    return Problem(
        "outside-your-scope", detail, errors=[FieldError(pointer=pointer, detail=detail)]
    )
