"""The pages that the ``type`` of a problem leads to."""

from html import escape

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.http.error_catalog import ERRORS, ErrorKind
from api.http.errors import not_found
from api.http.openapi import problems

router = APIRouter(prefix="/errors", tags=["errors"])


class ErrorExplained(BaseModel):
    """What a code means and what to do."""

    code: str
    status: int
    title: str
    meaning: str
    remedy: str


@router.get(
    "/{code}",
    operation_id="explainError",
    summary="Explain a code",
    response_model=ErrorExplained,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **problems(404),
    },
)
async def explain_error(code: str, request: Request, response: Response) -> object:
    """Return the meaning of a code: as a page to browsers, as JSON to programs."""
    kind = ERRORS.get(code)
    if kind is None:
        raise not_found()
    headers = {"Cache-Control": PUBLIC_FOR_AN_HOUR, "Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        return Response(_page(kind), media_type="text/html; charset=utf-8", headers=headers)
    response.headers.update(headers)
    return ErrorExplained(**kind._asdict())


def _page(kind: ErrorKind) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(kind.title)}</title></head><body><main>"
        f"<h1>{escape(kind.title)}</h1>"
        f"<p><code>{kind.code}</code>, status {kind.status}</p>"
        f"<p>{escape(kind.meaning)}</p><h2>What to do</h2><p>{escape(kind.remedy)}</p>"
        "</main></body></html>"
    )
