"""Every error as an RFC 9457 problem: one model, one exception, and the mapping from what can go wrong.

It owns how an error looks on the wire. What each code means is in :mod:`api.http.error_catalog`.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Annotated, cast
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from api.http.error_catalog import ERRORS
from casework.domain.refusals import Refused
from casework.store.database import DATABASE_AWAY

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""How long to wait when a part of the system is away: most of them are back within seconds."""

_MOST_FIELD_ERRORS = 50
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CODE_OF_STATUS = {
    400: "body-unreadable",
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "media-type-unsupported",
    422: "request-malformed",
    429: "rate-limited",
}
_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Addresses whose errors are problem documents whoever asks: no page of people is there."""

ErrorPage = Callable[[Request, int, Mapping[str, str]], Response]
"""Makes the page that a browser gets for a status, with these headers."""

_Translate = Callable[[Request, Exception], "Problem"]
_Handler = Callable[[Request, Exception], Awaitable[Response]]
_log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One wrong field: a JSON pointer into the body, or the name of a parameter or header."""

    pointer: Annotated[
        str | None, Field(description="JSON pointer (RFC 6901) into the body; empty for all of it.")
    ] = None
    parameter: Annotated[
        str | None, Field(description="Name of the path or query parameter, or of the header.")
    ] = None
    detail: str


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457). Programs go by ``code``; people read ``title`` and ``detail``."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "http://127.0.0.1:8000/errors/not-at-this-stage",
                    "title": "Not at this stage",
                    "status": 409,
                    "code": "not-at-this-stage",
                    "detail": "The case is at review; AcceptApplication is open at: application-review.",
                    "instance": "/api/v1/cases/eco-k3v9a2q7m4tz/acts/accept-application",
                    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
                    "errors": [],
                }
            ]
        },
    )

    type: Annotated[str, Field(description="Link to the page that explains the code.")]
    title: str
    status: int
    code: Annotated[str, Field(description="Stable code; the list is at docs/errors.md.")]
    detail: str
    instance: Annotated[str, Field(description="Path of the request.")]
    trace_id: Annotated[str, Field(description="Also in the header X-Trace-Id and in the logs.")]
    errors: tuple[FieldError, ...] = ()


class Problem(HTTPException):
    """A request that ends with a code of the catalog.

    An :class:`HTTPException`, because FastAPI lets only those through while it reads a body.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: object,
    ) -> None:
        """Describe what happened.

        Args:
            code: a code of :data:`~api.http.error_catalog.ERRORS`.
            detail: this occurrence, in one or two sentences.
            errors: the fields that are wrong.
            headers: response headers; a 429 or 503 has ``Retry-After`` anyway.
            **extensions: further members of the problem.
        """
        self.code = code
        self.errors = tuple(errors)
        self.extensions = extensions
        super().__init__(ERRORS[code].status, detail, dict(headers or {}))


def not_found() -> Problem:
    """Return the one answer for what is not there and for what may not be seen."""
    return Problem("not-found", "There is nothing here, or nothing that you may see.")


def pointer_to(*steps: str | int) -> str:
    """Return the JSON pointer of a place in the body."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


class ProblemResponses:
    """Make responses of problems: pages for browsers, documents for programs.

    Owns the base of the ``type`` links.
    """

    def __init__(self, public_url: str, page: ErrorPage) -> None:
        """Keep where the codes are explained, and what makes the page for a browser."""
        self._base = public_url.rstrip("/") + "/errors/"
        self._page = page

    def make(self, scope: Scope, problem: Problem) -> Response:
        """Return the response to a request that ended with this problem."""
        kind = ERRORS[problem.code]
        headers = {"Cache-Control": "no-store", **(problem.headers or {})}
        if kind.status in {429, 503}:
            headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
        if kind.status == 401:
            headers.setdefault("WWW-Authenticate", _challenge(problem))
        if _is_for_people(scope):
            return self._page(Request(scope), kind.status, headers)
        body = ProblemDetails(
            type=self._base + kind.code,
            title=kind.title,
            status=kind.status,
            code=kind.code,
            detail=str(problem.detail),
            instance=quote(scope.get("path", "/"), errors="replace"),
            trace_id=scope.get("state", {}).get("trace_id", ""),
            errors=problem.errors,
            **problem.extensions,  # pyright: ignore[reportArgumentType]  # extension members
        )
        return Response(
            body.model_dump_json(exclude_none=True),
            status_code=kind.status,
            headers=headers,
            media_type=MEDIA_TYPE,
        )

    def install(self, app: FastAPI, others: Mapping[type[Exception], str]) -> None:
        """Answer with problems for everything that ends a request early.

        ``others`` gives the code for exceptions that need no more words than the catalog has.
        """
        for other, code in others.items():
            app.add_exception_handler(other, self._handler(_of_code(code)))
        for kind, translate in (
            (HTTPException, _of_http),
            (RequestValidationError, _of_validation),
            (Refused, _of_refusal),
            *((kind, _of_database) for kind in DATABASE_AWAY),
        ):
            app.add_exception_handler(kind, self._handler(translate))

    def _handler(self, translate: _Translate) -> _Handler:
        async def answer(request: Request, error: Exception) -> Response:
            return self.make(request.scope, translate(request, error))

        return answer


def _is_for_people(scope: Scope) -> bool:
    """Say whether a browser asks for a page that people read."""
    asks_for_a_page = "text/html" in Headers(scope=scope).get("accept", "")
    return asks_for_a_page and not str(scope["path"]).startswith(_FOR_PROGRAMS)


def _challenge(problem: Problem) -> str:
    if problem.code == "token-required":
        return 'Bearer realm="casework"'
    return f'Bearer realm="casework", error="invalid_token", error_description="{problem.code}"'


# --- From what happened to a code -----------------------------------------------------------------


def _of_code(code: str) -> _Translate:
    return lambda request, error: Problem(code, ERRORS[code].meaning)


def _of_http(request: Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = _CODE_OF_STATUS.get(status, "internal-error")
    if code == "method-not-allowed":
        allowed = ", ".join(_allowed_methods(request))
        return Problem(code, f"This address takes: {allowed}.", headers={"Allow": allowed})
    return not_found() if code == "not-found" else Problem(code, ERRORS[code].meaning)


def _allowed_methods(request: Request) -> list[str]:
    """Ask every route: the framework itself names the methods of the first one only."""
    routes = cast(FastAPI, request.app).router.routes
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes
        )
    ]


def _of_validation(request: Request, error: Exception) -> Problem:
    if not isinstance(error, RequestValidationError):
        raise TypeError(error)
    found = cast(Iterable[Mapping[str, object]], error.errors())
    fields = [_field_error(item) for item in found]
    shown = fields[:_MOST_FIELD_ERRORS]
    places = ", ".join(f.pointer or f.parameter or "the body" for f in shown[:5])
    more = f" and {len(fields) - 5} more" if len(fields) > 5 else ""
    return Problem("request-malformed", f"Not as described: {places}{more}.", errors=shown)


def _field_error(item: Mapping[str, object]) -> FieldError:
    where, *steps = cast(tuple[str | int, ...], item["loc"])
    detail = str(item["msg"])
    if item["type"] == "json_invalid":
        return FieldError(pointer="", detail=f"Not valid JSON at character {steps[0]}.")
    if where == "body":
        return FieldError(pointer=pointer_to(*steps), detail=detail)
    return FieldError(parameter=str(steps[0]) if steps else str(where), detail=detail)


def _of_refusal(request: Request, error: Exception) -> Problem:
    if not isinstance(error, Refused):
        raise TypeError(error)
    refusal = error.refusal
    errors = (
        [FieldError(pointer=refusal.pointer, detail=refusal.reason)]
        if refusal.pointer is not None
        else []
    )
    return Problem(refusal.code.value, refusal.reason, errors=errors)


def _of_database(request: Request, error: Exception) -> Problem:
    original = error.orig if isinstance(error, DBAPIError) else error
    # The driver's message may quote values; its kind is enough to find the cause.
    _log.error("database_unavailable", kind=type(original).__name__, statement=_verb(error))
    return Problem("database-unavailable", "The database does not answer. Nothing has changed.")


def _verb(error: Exception) -> str | None:
    statement = error.statement if isinstance(error, DBAPIError) else None
    found = re.match(r"\s*(\w+)", statement or "")
    return found.group(1).upper() if found else None
