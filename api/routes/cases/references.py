"""What an act names has to exist: uploaded files, a contact of the case's establishment, staff for the part.

The engine keeps references only and cannot look them up, so this is asked before it is.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, cast, get_args, get_type_hints

from pydantic import BaseModel
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.http.errors import FieldError, Problem, pointer_to
from casework.domain._model import EvidenceRef
from casework.domain.actors import ActorKind
from casework.domain.acts import (
    Act,
    ReassignOfficer,
    RescheduleInspection,
    ScheduleInspection,
    SubmitApplication,
)
from casework.store.cases.enrollments import find_contact
from casework.store.database import Database
from casework.store.evidence import unknown_files
from casework.store.people import staff
from casework.store.tables import CaseRow

_NAMES_STAFF: dict[type[Act], tuple[str, ActorKind]] = {
    ScheduleInspection: ("inspector", ActorKind.INSPECTOR),
    RescheduleInspection: ("inspector", ActorKind.INSPECTOR),
    ReassignOfficer: ("officer", ActorKind.OFFICER),
}
"""The field in which an act names somebody, and the part that they are to take."""


async def require_references(database: Database, case: CaseRow, act: Act) -> None:
    """Raise a 422 that points at what is not there. Most acts name nothing, and nothing is asked for them."""
    files = dict(evidence_in(act))
    names_somebody = isinstance(act, SubmitApplication) or type(act) in _NAMES_STAFF
    if files or names_somebody:
        await run_in_threadpool(_check, database, case, files, act)


def _check(database: Database, case: CaseRow, files: dict[str, str], act: Act) -> None:
    with database.reading() as session:
        if unknown := unknown_files(session, set(files.values())):
            raise evidence_unknown(files, unknown)
        if isinstance(act, SubmitApplication):
            found = find_contact(session, act.contact)
            if found is None or found.establishment_id != case.establishment_id:
                wrong = FieldError(pointer="/contact", detail="No contact of this establishment.")
                raise Problem("contact-unknown", wrong.detail, errors=[wrong])
        if type(act) in _NAMES_STAFF:
            _require_staff(session, case, act, *_NAMES_STAFF[type(act)])


def _require_staff(session: Session, case: CaseRow, act: Act, field: str, kind: ActorKind) -> None:
    named: str = getattr(act, field)
    if all(named != known.person for known in staff(session, kind, case.province, case.program)):
        detail = f"No {kind} {named} works on {case.program} in province {case.province}."
        wrong = FieldError(pointer=pointer_to(field), detail=detail)
        raise Problem("person-unknown", detail, errors=[wrong])


def evidence_unknown(files: Mapping[str, str], unknown: Collection[str]) -> Problem:
    """Return a 422 that points at each file that is not stored; ``files`` gives the hash for each pointer."""
    wrong = [
        FieldError(pointer=pointer, detail="No file with this SHA-256 has been uploaded.")
        for pointer, sha256 in files.items()
        if sha256 in unknown
    ]
    places = ", ".join(str(error.pointer) for error in wrong[:5])
    return Problem("evidence-unknown", f"Not uploaded: {places}.", errors=wrong)


def evidence_in(model: BaseModel, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place and the hash of every file that an act names, whatever its shape."""
    for name, is_file in _fields(type(model)):
        yield from _evidence_in(getattr(model, name), pointer + pointer_to(name), is_file=is_file)


def _evidence_in(value: object, pointer: str, *, is_file: bool) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from evidence_in(value, pointer)
    elif isinstance(value, tuple):
        for index, item in enumerate(cast(tuple[object, ...], value)):
            yield from _evidence_in(item, pointer + pointer_to(index), is_file=is_file)
    elif is_file and isinstance(value, str):
        yield pointer, value


@cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, bool], ...]:
    """Return the fields of a model, each with whether its type says that it names files."""
    hints = get_type_hints(model, include_extras=True)
    return tuple((name, _names_files(hints[name])) for name in model.model_fields)


def _names_files(hint: Any) -> bool:
    return hint == EvidenceRef or any(_names_files(part) for part in get_args(hint))
