"""Cases: lists, the whole case, what is open, its journal, its clock and its notices."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.collaborators import Parts
from api.http.caching import PRIVATE, is_not_modified
from api.http.openapi import ETAG, NEXT_PAGE, problems
from api.http.paging import Cursor, cursor_at, instant_and_id_of, next_page
from api.http.preconditions import etag
from api.routes.cases.access import VisibleCase
from api.routes.cases.record_views import Journal, JournalLine, Notices, NoticeView
from api.routes.cases.views import ActsView, CaseInList, CaseList, CaseView
from api.security import CurrentPrincipal
from casework.domain._model import Instant, ProvinceCode, Ref
from casework.domain.clock import CaseClock, explain
from casework.domain.openness import allowed_acts
from casework.domain.stages import Stage
from casework.store.cases.casebook import read_journal, read_line
from casework.store.cases.enrollments import find_enrollment, find_establishment
from casework.store.cases.lists import CaseFilter, list_cases
from casework.store.outbox import notices_of_case
from casework.store.texts import read_texts

PATH = "/api/v1/cases"
router = APIRouter(prefix=PATH, tags=["cases"])

_NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
_MOST_LINES = 500


@router.get(
    "",
    operation_id="listCases",
    summary="List the cases you may see, the earliest due first",
    responses={200: {"headers": NEXT_PAGE}, **problems(401)},
)
def list_visible_cases(
    parts: Parts,
    principal: CurrentPrincipal,
    request: Request,
    response: Response,
    stage: Stage | None = None,
    province: Annotated[ProvinceCode | None, Query(examples=["21"])] = None,
    program: Annotated[Ref | None, Query(examples=["eco-network"])] = None,
    officer: Annotated[Ref | None, Query(description="Reference of the officer.")] = None,
    due: Annotated[
        str | None,
        Query(pattern=r"^overdue$", description="`overdue`: the due date has passed."),
    ] = None,
    due_before: Annotated[
        Instant | None,
        Query(description="Due earlier than this instant, which has an offset from UTC."),
    ] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=_NO_CONTROL,
            description="Words of name, address or registration number, in Thai or English; or a "
            "case id.",
            examples=["โรงงานน้ำตาล"],
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CaseList:
    """Return one page. The cursor of the next page is in `next` and in the `Link` header."""
    now = parts.now()
    # A case is overdue at the very instant it is due, and a filter by date ends before its instant.
    overdue = now + timedelta(microseconds=1) if due else None
    before = [moment for moment in (due_before, overdue) if moment is not None]
    wanted = CaseFilter(
        stage=stage,
        province=province,
        program=program,
        officer=officer,
        due_before=min(before, default=None),
        text=q,
    )
    after = instant_and_id_of(cursor) if cursor else None
    with parts.database.reading() as session:
        page = list_cases(session, principal, wanted, after, limit)
    following = cursor_at(page.end) if page.end else None
    response.headers.update(PRIVATE)
    if following:
        response.headers["Link"] = next_page(parts.settings.public_url, request, following)
    return CaseList(items=tuple(CaseInList.of(item, now) for item in page.items), next=following)


@router.get(
    "/{case_id}",
    operation_id="readCase",
    summary="Read the whole case",
    response_model=CaseView,
    responses={
        200: {"headers": ETAG},
        304: {"description": "Still the version of `If-None-Match`.", "headers": ETAG},
        **problems(401, 404),
    },
)
def read_case(
    parts: Parts,
    principal: CurrentPrincipal,
    row: VisibleCase,
    request: Request,
    response: Response,
) -> CaseView | Response:
    """Return the case as it stands; the `ETag` is its version, for `If-Match` of an act."""
    headers = {**PRIVATE, "ETag": etag(row.version)}
    if is_not_modified(request, etag(row.version)):
        return Response(status_code=304, headers=headers)
    case = parts.reader.case(row)
    with parts.database.reading() as session:
        establishment = find_establishment(session, row.establishment_id)
        # An invited establishment finds here the contact that it may apply with.
        enrollment = None if case.contact else find_enrollment(session, row.case_id)
    if establishment is None:
        raise LookupError(f"{row.case_id} is a case of no establishment")
    response.headers.update(headers)
    contact = enrollment.contact_id if enrollment else None
    return CaseView.of(principal, row, case, establishment, contact)


@router.get(
    "/{case_id}/acts",
    operation_id="listActs",
    summary="List every act: open to you now, or the reason why not",
    responses={200: {"headers": ETAG}, **problems(401, 404)},
)
def list_acts(
    parts: Parts, principal: CurrentPrincipal, row: VisibleCase, response: Response
) -> ActsView:
    """Return the engine's own answer for the person of the token."""
    case = parts.reader.case(row)
    response.headers.update({**PRIVATE, "ETag": etag(row.version)})
    return ActsView.of(case, allowed_acts(case, principal.actor, parts.now()))


@router.get(
    "/{case_id}/clock",
    operation_id="explainClock",
    summary="Say why the due date is what it is",
    responses=problems(401, 404),
)
def explain_clock(parts: Parts, row: VisibleCase, response: Response) -> CaseClock:
    """Return each stretch of time, who held the case in it, and the count behind the due date."""
    response.headers.update(PRIVATE)
    return explain(parts.reader.case(row), parts.now())


@router.get(
    "/{case_id}/journal",
    operation_id="readJournal",
    summary="Read what happened to the case",
    responses=problems(401, 404),
)
def read_case_journal(
    parts: Parts,
    principal: CurrentPrincipal,
    row: VisibleCase,
    response: Response,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="Number of the line before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_LINES)] = 100,
) -> Journal:
    """Return lines in order. Applicants do not see notes, conflicts and advice of the office."""
    with parts.database.reading() as session:
        rows = read_journal(session, row.case_id, after, limit)
        texts = read_texts(session, *(read_line(line).content() for line in rows))
    lines = (JournalLine.of(principal, line, texts) for line in rows)
    response.headers.update(PRIVATE)
    return Journal(
        items=tuple(line for line in lines if line is not None),
        next=rows[-1].seq if len(rows) == limit else None,
    )


@router.get(
    "/{case_id}/notices",
    operation_id="listNotices",
    summary="List the notices of the case and what became of them",
    responses=problems(401, 404),
)
def list_notices(
    parts: Parts, principal: CurrentPrincipal, row: VisibleCase, response: Response
) -> Notices:
    """Return the outbox of the case; applicants see the notices that go to them."""
    with parts.database.reading() as session:
        notices = notices_of_case(session, row.case_id)
    response.headers.update(PRIVATE)
    return Notices(
        items=tuple(
            NoticeView.of(notice)
            for notice in notices
            if principal.is_staff or notice.recipient == "applicant"
        )
    )
