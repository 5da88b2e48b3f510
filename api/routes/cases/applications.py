"""Applications: who applies for what, and the case that follows."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, Field, field_validator, model_validator
from starlette.concurrency import run_in_threadpool

from api.collaborators import Collaborators, Parts
from api.http.communities import NamedCommunities
from api.http.errors import Problem
from api.http.fields import Address, Name, RequestBody, ShortCode
from api.http.openapi import ETAG, header, problems
from api.http.preconditions import IdempotencyKey, JsonBody, etag, update_id_of
from api.http.sizes import require_short_act
from api.routes.cases.examples import APPLICATION
from api.routes.cases.reading import PATH as CASES
from api.routes.cases.receipts import RECORD_FOLLOWS, say_that_record_follows
from api.routes.cases.references import evidence_in, evidence_unknown
from api.routes.programs import require_known_program
from api.security import ApplicantPrincipal
from casework.cases.applications import EvidenceUnknown, NewApplication, Reserved
from casework.contracts.enrollment import digest_of
from casework.domain._model import Text
from casework.domain.acts import EvidenceList, SubmitApplication
from casework.domain.calendar import Language
from casework.domain.email import Email
from casework.domain.policy import Principal
from casework.domain.stages import Stage
from casework.programs.catalog import NoSuchVersion
from casework.programs.provinces import provinces
from casework.store.cases.enrollments import (
    CaseAlreadyOpen,
    NewContact,
    NewEstablishment,
)

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
    communities: NamedCommunities = ()
    statement: Text | None = None
    documents: EvidenceList = ()

    def act(self, contact: str) -> SubmitApplication:
        """Return the act, which names the contact by reference and the communities not at all."""
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
    parts.applications_quota.check(principal.person)
    require_short_act(application.act("con-000000000000"))
    update_id = update_id_of(principal.person, "applications", key)
    opened, terms = await run_in_threadpool(_reserve, parts, principal, application, update_id)
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
) -> Reserved:
    require_known_program(parts.catalog, application.program)
    files = dict(evidence_in(application))
    new = NewApplication(
        program=application.program,
        establishment=application.establishment.new(),
        contact=NewContact(**application.contact.model_dump()),
        communities=tuple(community.new() for community in application.communities),
        files=frozenset(files.values()),
        update_id=update_id,
        digest=digest_of("Application", application.model_dump(mode="json")),
    )
    try:
        return parts.applications.reserve(principal, new)
    except NoSuchVersion as error:
        raise Problem("program-not-open", str(error)) from error
    except EvidenceUnknown as error:
        raise evidence_unknown(files, error.hashes) from error
    except CaseAlreadyOpen as error:
        raise Problem(
            "case-already-open",
            f"{error.case_id} is open in this program.",
            case=error.case_id,
            establishment=error.establishment_id,
        ) from error
