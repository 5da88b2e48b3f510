"""The pages that the ``type`` of a problem leads to."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.collaborators import Parts
from api.http.caching import PUBLIC_FOR_AN_HOUR
from api.http.error_catalog import ERRORS
from api.http.errors import not_found
from api.http.openapi import problems
from api.pages.rendering import html, render

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
async def explain_error(parts: Parts, code: str, request: Request, response: Response) -> object:
    """Return the meaning of a code: as a page to browsers, as JSON to programs."""
    kind = ERRORS.get(code)
    if kind is None:
        raise not_found()
    headers = {"Cache-Control": PUBLIC_FOR_AN_HOUR, "Vary": "Accept"}
    if "text/html" in request.headers.get("accept", ""):
        page = render(
            "error_code.html.jinja",
            "en",
            "",
            demonstration=parts.settings.sample_programs,
            kind=kind,
        )
        return html(page, headers=headers)
    response.headers.update(headers)
    return ErrorExplained(**kind._asdict())
