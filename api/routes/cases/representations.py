"""Representations: what the community says without an account, and what staff read of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from pydantic import BaseModel, Field

from api.collaborators import Collaborators, Parts
from api.http.errors import Problem, not_found
from api.http.fields import Name, RequestBody
from api.http.openapi import problems
from api.http.preconditions import IdempotencyKey, JsonBody, update_id_of
from api.routes.cases.access import CaseForStaff, CaseId
from api.routes.cases.examples import REPRESENTATION
from api.routes.cases.reading import PATH as CASES
from api.security import StaffPrincipal, well_formed
from casework.cases.representations import receive
from casework.contracts.enrollment import digest_of
from casework.domain._model import Text
from casework.domain.acts import Disposition
from casework.domain.calendar import Language
from casework.domain.email import Email
from casework.domain.representations import Stance
from casework.store.cases.casebook import find_case
from casework.store.representations import (
    FeedbackFull,
    FeedbackNotOpen,
    NewRepresentation,
    representations_of_case,
    was_announced,
)
from casework.store.tables import Representation
from casework.store.texts import ERASED_IN_BOTH, read_texts, with_texts

router = APIRouter(prefix=f"{CASES}/{{case_id}}/representations", tags=["representations"])

_ANYBODY = "anybody"


class RepresentationBody(RequestBody):
    """What somebody says. A name and an address are welcome and never needed."""

    stance: Stance
    text: Text
    name: Name | None = None
    email: Annotated[
        Email | None, Field(description="Where the receipt and the answer go; never published.")
    ] = None
    language: Language = "th"


class RepresentationReceived(BaseModel):
    """The receipt: keep ``receipt`` to follow what comes of it."""

    receipt: str
    case: str
    received_at: datetime


class RepresentationView(BaseModel):
    """A representation as staff read it. The address stays in the engine; it has one or not."""

    number: int
    stance: Stance
    text: str
    author_name: str | None
    can_be_written_to: bool
    language: str
    received_at: datetime
    accepted: bool
    disposition: Disposition | None
    answer: str | None
    disposed_at: datetime | None

    @classmethod
    def of(cls, row: Representation, texts: Mapping[str, str | None]) -> "RepresentationView":
        """Show a row, with the answer that it refers to."""
        shown = row.model_dump(include=set(cls.model_fields) - {"text", "answer"})
        return cls(
            can_be_written_to=row.author_email is not None,
            text=row.text or ERASED_IN_BOTH,
            answer=with_texts(row.answer, texts),
            **shown,
        )


class Representations(BaseModel):
    """Some representations in order; ``next`` is the ``after`` of those that follow."""

    items: tuple[RepresentationView, ...]
    next: int | None


@router.post(
    "",
    status_code=201,
    operation_id="submitRepresentation",
    summary="Say something about a site, without an account",
    dependencies=[JsonBody],
    responses={201: {"description": "The receipt."}, **problems(400, 404, 409, 413, 415, 429)},
)
def submit_representation(
    parts: Parts,
    request: Request,
    case_id: CaseId,
    key: IdempotencyKey,
    said: Annotated[
        RepresentationBody,
        Body(openapi_examples={"thai": {"summary": "ข้อคิดเห็น", "value": REPRESENTATION}}),
    ],
) -> RepresentationReceived:
    """Take in a representation while the feedback period runs. Everybody gets a reasoned answer."""
    parts.public_pace.check(request, well_formed(case_id))
    new = NewRepresentation(
        stance=said.stance,
        text=said.text,
        language=said.language,
        update_key=update_id_of(_ANYBODY, case_id, key),
        digest=digest_of("Representation", said.model_dump(mode="json")),
        author_name=said.name,
        author_email=said.email,
    )
    try:
        row = receive(parts.database, case_id, new, parts.now())
    except FeedbackNotOpen as error:
        raise _not_open(parts, case_id) from error
    except FeedbackFull as error:
        raise Problem("feedback-full", "This case takes no more representations.") from error
    return RepresentationReceived(
        receipt=row.receipt, case=row.case_id, received_at=row.received_at
    )


def _not_open(parts: Collaborators, case_id: str) -> Problem:
    """Say that the period is over only of a case that the community has been told of."""
    with parts.database.reading() as session:
        row = find_case(session, case_id)
    if row is None or not was_announced(row):
        return not_found()
    return Problem("feedback-not-open", "The feedback period of this case is over.")


@router.get(
    "",
    operation_id="listRepresentations",
    summary="Read what the community said",
    responses=problems(401, 403, 404),
)
def list_representations(
    parts: Parts,
    principal: StaffPrincipal,
    row: CaseForStaff,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> Representations:
    """Return representations by number, with the answer where there is one."""
    with parts.database.reading() as session:
        rows = representations_of_case(session, row.case_id, after, limit)
        texts = read_texts(session, [each.answer for each in rows])
    return Representations(
        items=tuple(RepresentationView.of(each, texts) for each in rows),
        next=rows[-1].number if len(rows) == limit else None,
    )
