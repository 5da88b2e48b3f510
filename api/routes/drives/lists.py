"""The list of a drive: uploaded, mapped, tried without effect, read and given back."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.collaborators import Parts
from api.http.errors import FieldError, Problem, pointer_to
from api.http.openapi import header, problems
from api.http.paging import Cursor, cursor_of, next_page, place_of
from api.http.preconditions import JsonBody
from api.routes.drives.access import VisibleDrive, state_errors_as_409
from api.routes.drives.drives import PATH
from api.routes.drives.examples import MAPPING
from api.routes.drives.list_views import DryRunView, ListTaken, MappingBody
from api.routes.drives.views import RowPage, RowView
from casework.domain.drives import RowOutcome, RowVerdict
from casework.drives.export import columns_of, export_rows
from casework.drives.listing import MappingUnusable, NoListYet, confirm_mapping, take_list
from casework.lists.export import CSV_TYPE, XLSX_TYPE, csv_chunks, xlsx_chunks
from casework.lists.faults import ListFileError
from casework.store.drives.rows import RowFilter, list_rows

router = APIRouter(prefix=f"{PATH}/{{drive_id}}", tags=["drives"])

_BINARY = {"type": "string", "format": "binary"}
_LINK = header("Link", "The next page.", '<http://127.0.0.1:8000/…?cursor=…>; rel="next"')
_PRIVATE = {"Cache-Control": "private, no-store", "Vary": "Authorization"}
_NO_CONTROL = r"^[^\x00-\x1f\x7f]*$"
_MOST_LINES = 2**31 - 1


async def _row_filter(
    verdict: RowVerdict | None = None,
    outcome: RowOutcome | None = None,
    province: Annotated[str | None, Query(pattern=r"^[1-9][0-9]$", examples=["21"])] = None,
) -> RowFilter:
    return RowFilter(verdict=verdict, outcome=outcome, province=province)


Wanted = Annotated[RowFilter, Depends(_row_filter)]
"""Which rows; all that is given has to hold."""


@router.put(
    "/list",
    operation_id="putDriveList",
    summary="Upload the list, in place of the one before",
    responses=problems(401, 403, 404, 409, 413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself: CSV in any usual encoding and with any usual delimiter, or "
            "XLSX; at most 20 MB and 50,000 rows. What it is decides, not what it is called.",
            "content": {
                kind: {"schema": _BINARY}
                for kind in ("text/csv", XLSX_TYPE, "application/octet-stream")
            },
        }
    },
)
async def put_list(
    parts: Parts,
    row: VisibleDrive,
    request: Request,
    file_name: Annotated[
        str | None,
        Query(max_length=255, pattern=_NO_CONTROL, examples=["attendees.xlsx"]),
    ] = None,
) -> ListTaken:
    """Keep the rows and return the columns, a first guess at what they hold, and the first rows.

    A list that cannot be read leaves the drive as it was; `fault` and `line` of the problem say why.
    """
    content = await request.body()
    name = file_name or None
    try:
        with state_errors_as_409():
            taken = await run_in_threadpool(
                take_list, parts.database, row.id, content, name, parts.now()
            )
    except ListFileError as error:
        raise _unreadable(error) from error
    return ListTaken.of(row.id, name, taken)


def _unreadable(error: ListFileError) -> Problem:
    where = "" if error.line is None else f" (line {error.line})"
    detail = f"{error.reason}{where}"
    return Problem("list-unreadable", detail, fault=error.code, line=error.line)


@router.put(
    "/mapping",
    operation_id="putDriveMapping",
    summary="Confirm what the columns hold, and make the dry run",
    dependencies=[JsonBody],
    responses=problems(400, 401, 403, 404, 409, 413, 415),
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {
                    "examples": {"thai": {"summary": "คอลัมน์ของรายชื่อ", "value": MAPPING}}
                }
            }
        }
    },
)
def put_mapping(parts: Parts, row: VisibleDrive, mapping: MappingBody) -> DryRunView:
    """Give each row its verdict and return the counts. Nothing is opened and nobody is written to."""
    try:
        with state_errors_as_409():
            tried = confirm_mapping(parts.database, row.id, mapping.fields, parts.now())
    except NoListYet as error:
        raise Problem("list-missing", "Upload the list first.") from error
    except MappingUnusable as error:
        pointers = [pointer_to("fields", field) for field in error.fields] or ["/fields"]
        wrong = [FieldError(pointer=pointer, detail=error.reason) for pointer in pointers]
        raise Problem("mapping-unusable", error.reason, errors=wrong) from error
    return DryRunView.of(row.id, tried)


@router.get(
    "/rows",
    operation_id="listDriveRows",
    summary="Read the rows with their verdicts and outcomes",
    responses={200: {"headers": _LINK}, **problems(401, 403, 404)},
)
def list_drive_rows(
    parts: Parts,
    row: VisibleDrive,
    request: Request,
    response: Response,
    wanted: Wanted,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> RowPage:
    """Return one page in the order of the lines; all filters have to hold."""
    after = place_of(cursor, int)[0] if cursor else 0
    with parts.database.reading() as session:
        place = max(0, min(int(after), _MOST_LINES))
        rows = list_rows(session, row.id, wanted, place, limit + 1)
    page = rows[:limit]
    following = cursor_of(page[-1].line) if len(rows) > limit else None
    response.headers.update(_PRIVATE)
    if following:
        response.headers["Link"] = next_page(parts.settings.public_url, request, following)
    return RowPage(items=tuple(RowView.of(each) for each in page), next=following)


_MENDABLE = Query(
    description="Only rows that cannot be used as they are, and those that failed: mend them and "
    "upload the file again."
)


@router.get(
    "/rows.csv",
    operation_id="downloadDriveRowsAsCsv",
    summary="Download the list with what became of each row, as CSV",
    response_class=Response,
    responses={
        200: {
            "description": "UTF-8 with a byte order mark; no cell is a formula to a spreadsheet.",
            "content": {"text/csv": {"schema": _BINARY}},
        },
        **problems(401, 403, 404),
    },
)
def download_csv(
    parts: Parts, row: VisibleDrive, wanted: Wanted, unusable: Annotated[bool, _MENDABLE] = False
) -> Response:
    """Return the columns of the list and behind them line, verdict, outcome and reason."""
    rows = export_rows(parts.database, row, wanted, only_unusable=unusable)
    return _download(csv_chunks(columns_of(row), rows), CSV_TYPE, f"{row.id}.csv")


@router.get(
    "/rows.xlsx",
    operation_id="downloadDriveRowsAsWorkbook",
    summary="Download the list with what became of each row, as a workbook",
    response_class=Response,
    responses={
        200: {
            "description": "A workbook whose cells are all text.",
            "content": {XLSX_TYPE: {"schema": _BINARY}},
        },
        **problems(401, 403, 404),
    },
)
def download_xlsx(
    parts: Parts, row: VisibleDrive, wanted: Wanted, unusable: Annotated[bool, _MENDABLE] = False
) -> Response:
    """Return the columns of the list and behind them line, verdict, outcome and reason."""
    rows = export_rows(parts.database, row, wanted, only_unusable=unusable)
    return _download(xlsx_chunks(columns_of(row), rows), XLSX_TYPE, f"{row.id}.xlsx")


def _download(chunks: Iterator[bytes], media_type: str, file_name: str) -> Response:
    headers = {
        **_PRIVATE,
        "Content-Disposition": f'attachment; filename="{quote(file_name)}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(chunks, media_type=media_type, headers=headers)
