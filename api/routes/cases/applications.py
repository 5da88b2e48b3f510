"""Applications: who applies for what, and the case that follows."""

from datetime import datetime
from typing import Annotated, NamedTuple, Self

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field, field_validator, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.concurrency import run_in_threadpool

from api.collaborators import Collaborators, Parts
from api.http.errors import FieldError, Problem
from api.http.fields import Address, Email, Name, RequestBody, ShortCode
from api.http.openapi import ETAG, header, problems
from api.http.preconditions import IdempotencyKey, JsonBody, etag, update_id_of
from api.http.sizes import require_short_act
from api.routes.cases.examples import APPLICATION
from api.routes.cases.reading import PATH as CASES
from api.routes.cases.receipts import RECORD_FOLLOWS, say_that_record_follows
from api.routes.cases.references import evidence_in, require_evidence
from api.security import ApplicantPrincipal
from casework.contracts.enrollment import digest_of
from casework.domain._model import Text
from casework.domain.acts import EvidenceList, SubmitApplication
from casework.domain.calendar import Language
from casework.domain.case import Terms
from casework.domain.policy import Principal
from casework.domain.refusals import RefusalCode, Refused
from casework.domain.stages import Stage
from casework.programs.catalog import NoSuchVersion
from casework.programs.model import ProgramVersion
from casework.programs.openings import version_open_on
from casework.programs.provinces import provinces
from casework.store.cases.enrollments import (
    CaseAlreadyOpen,
    NewContact,
    NewEnrollment,
    NewEstablishment,
    Opened,
    find_enrollment,
    find_establishment,
    open_enrollment,
)
from casework.store.tables import Establishment

router = APIRouter(prefix="/api/v1/applications", tags=["applications"])

_LOCATION = header("Location", "Address of the case.", "/api/v1/cases/eco-k3v9a2q7m4tz")
_RECEIPT = {"description": "The receipt.", "headers": {**ETAG, **_LOCATION}}


class EstablishmentBody(RequestBody):
    """The establishment that applies. It has a name in Thai, in English or in both."""

    registration_no: Annotated[
        ShortCode, Field(description="Factory registration number of the ministry.")
    ]
    name_th: Name | None = None
    name_en: Name | None = None
    address: Address
    province: Annotated[str, Field(description="Two digits, as in ISO 3166-2:TH.")]
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    river_basin: Annotated[
        int | None, Field(ge=1, le=22, description="Number in the royal decree of B.E. 2564.")
    ] = None

    @field_validator("province")
    @classmethod
    def _is_a_province(cls, code: str) -> str:
        if code not in provinces():
            raise ValueError("no province has this code")
        return code

    @model_validator(mode="after")
    def _has_a_name_and_a_whole_place(self) -> Self:
        if self.name_th is None and self.name_en is None:
            raise ValueError("name_th, name_en or both")
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude, or neither")
        return self

    def new(self) -> NewEstablishment:
        """Return it as the store keeps it."""
        basin = None if self.river_basin is None else str(self.river_basin)
        return NewEstablishment(**self.model_dump(exclude={"river_basin"}), river_basin=basin)


class ContactBody(RequestBody):
    """Who is told what becomes of the application."""

    name: Name
    email: Email
    phone: Annotated[ShortCode, Field(max_length=40)] | None = None
    language: Language = "th"


class Application(RequestBody):
    """An application for the current version of a program."""

    program: Annotated[str, Field(max_length=32, examples=["eco-network"])]
    establishment: EstablishmentBody
    contact: ContactBody
    statement: Text | None = None
    documents: EvidenceList = ()

    def act(self, contact: str) -> SubmitApplication:
        """Return the act, which names the contact by reference."""
        return SubmitApplication(
            contact=contact, statement=self.statement, documents=self.documents
        )


class ApplicationReceived(BaseModel):
    """The receipt. Acts of the applicant need a token that is bound to ``establishment``."""

    case: str
    establishment: str
    contact: str
    program_version: str
    version: int
    stage: Stage
    at: datetime
    recorded: Annotated[
        bool, Field(description="False with 202: accepted for good, and the record follows.")
    ]


class _Reserved(NamedTuple):
    opened: Opened
    terms: Terms


@router.post(
    "",
    status_code=201,
    operation_id="apply",
    summary="Apply for a program",
    dependencies=[JsonBody],
    responses={201: _RECEIPT, 202: RECORD_FOLLOWS, **problems(400, 401, 403, 409, 413, 415, 429)},
)
async def apply(
    parts: Parts,
    principal: ApplicantPrincipal,
    key: IdempotencyKey,
    response: Response,
    application: Annotated[
        Application,
        Body(openapi_examples={"thai": {"summary": "คำขอ", "value": APPLICATION}}),
    ],
) -> ApplicationReceived:
    """Open a case for the establishment.

    An establishment that is new to the register may be applied for with any applicant's token; one
    that is known, with a token bound to it.
    """
    require_short_act(application.act("con-000000000000"))
    update_id = update_id_of(principal.person, "applications", key)
    reserved = await run_in_threadpool(_reserve, parts, principal, application, update_id)
    opened, terms = reserved
    actor = principal.actor.model_copy(update={"establishment": opened.establishment_id})
    act = application.act(opened.contact_id)
    taken = await parts.gateway.open(terms, act, actor, update_id)
    receipt = taken.receipt
    response.headers["Location"] = f"{CASES}/{opened.case_id}"
    response.headers["ETag"] = etag(receipt.version)
    if not taken.is_recorded:
        say_that_record_follows(response, opened.case_id)
    return ApplicationReceived(
        case=opened.case_id,
        establishment=opened.establishment_id,
        contact=opened.contact_id,
        program_version=terms.rules.version,
        version=receipt.version,
        stage=receipt.stage,
        at=receipt.at,
        recorded=taken.is_recorded,
    )


def _reserve(
    parts: Collaborators, principal: Principal, application: Application, update_id: str
) -> _Reserved:
    """Keep who applies and reserve the case, in one transaction; nothing is kept on a refusal."""
    now = parts.now()
    version = _version_to_apply_for(parts, application.program, now)
    new = NewEnrollment(
        program=version.program,
        prefix=version.prefix,
        program_version=version.version,
        establishment=application.establishment.new(),
        contact=NewContact(**application.contact.model_dump()),
        applicant=principal.person,
        update_id=update_id,
        digest=digest_of("Application", application.model_dump(mode="json")),
    )
    try:
        with parts.database.writing() as session:
            if files := dict(evidence_in(application)):
                require_evidence(session, files)
            was_known = _is_known(session, new.establishment.registration_no)
            opened = open_enrollment(session, new, now)
            establishment = find_establishment(session, opened.establishment_id)
            enrollment = find_enrollment(session, opened.case_id)
            if establishment is None or enrollment is None:
                raise LookupError(f"{opened.case_id} was reserved and is not there")
            # Of two first applications at once, the second finds a row that is not its own.
            is_known = was_known or establishment.created_at != now
            _require_own(principal, opened, is_known=is_known)
            pinned = enrollment.program_version
    except CaseAlreadyOpen as error:
        raise _already_open(parts, principal, error.case_id) from error
    terms = Terms(
        case_id=opened.case_id,
        establishment=opened.establishment_id,
        province=application.establishment.province,
        rules=parts.catalog.get(version.program, pinned).rules(),
        calendar=parts.calendar(),
    )
    return _Reserved(opened, terms)


def _is_known(session: Session, registration_no: str) -> bool:
    found = select(col(Establishment.id)).where(
        col(Establishment.registration_no) == registration_no
    )
    return session.scalar(found) is not None


def _version_to_apply_for(parts: Collaborators, program: str, now: datetime) -> ProgramVersion:
    if program not in parts.catalog.programs():
        wrong = FieldError(pointer="/program", detail="There is no program with this code.")
        raise Problem("program-unknown", wrong.detail, errors=[wrong])
    try:
        return version_open_on(parts.catalog, program, now, samples=parts.settings.sample_programs)
    except NoSuchVersion as error:
        raise Problem("program-not-open", str(error)) from error


def _require_own(principal: Principal, opened: Opened, *, is_known: bool) -> None:
    """Keep strangers from applying for, and so describing anew, an establishment that is known."""
    if principal.establishment is not None:
        allowed = principal.establishment == opened.establishment_id
    else:
        allowed = not opened.is_new or not is_known
    if not allowed:
        raise _not_yours()


def _already_open(parts: Collaborators, principal: Principal, case_id: str) -> Exception:
    """Tell those who have the case which one it is, and nobody else that there is one."""
    with parts.database.reading() as session:
        enrollment = find_enrollment(session, case_id)
    if enrollment is None or (
        principal.establishment != enrollment.establishment_id
        and principal.person != enrollment.applicant
    ):
        return _not_yours()
    return Problem(
        "case-already-open",
        f"{case_id} is open in this program.",
        case=case_id,
        establishment=enrollment.establishment_id,
    )


def _not_yours() -> Refused:
    return Refused(
        RefusalCode.NOT_YOUR_ESTABLISHMENT,
        "The establishment is known: apply with a token that is bound to it.",
        "/establishment/registration_no",
    )
