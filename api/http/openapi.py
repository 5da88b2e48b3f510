"""The OpenAPI description: what FastAPI derives, and the few things it cannot know."""

from collections.abc import Iterator
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.error_catalog import ERRORS
from api.http.errors import MEDIA_TYPE, ProblemDetails
from api.http.preconditions import KEY_HEADER, MATCH_HEADER

Described = dict[int | str, dict[str, Any]]

DESCRIPTION = """\
Certification cases from application to the public register.

Errors are problems (RFC 9457) with a stable `code`; their `type` leads to an explanation. Each POST
carries an `Idempotency-Key`; each act carries `If-Match` with the `ETag` of the case. Instants have
an offset from UTC. Cursors are opaque.
"""

TAGS = [
    {"name": "applications", "description": "Apply for a program."},
    {"name": "cases", "description": "Lists, the whole case, and why a date is what it is."},
    {"name": "acts", "description": "What a person can ask of a case."},
    {"name": "evidence", "description": "Files, found by their SHA-256."},
    {"name": "representations", "description": "What the community says."},
    {"name": "drives", "description": "Seminars, bulk enrollments and yearly targets."},
    {"name": "programs", "description": "The rules and words of each program version."},
    {"name": "identity", "description": "Whom your token speaks for."},
    {"name": "errors", "description": "What each code means."},
    {"name": "operation", "description": "For load balancers, monitoring and operators."},
]

_HEADERS_NEEDED = {
    KEY_HEADER: {"type": "string", "pattern": r"^[ -~]{1,200}$"},
    MATCH_HEADER: {"type": "string", "pattern": r'^"(0|[1-9][0-9]{0,8})"$'},
}
"""Headers that a route takes as optional only in order to answer with its own problem."""


def problems(*statuses: int) -> Described:
    """Describe the problems that a route can answer with; 422, 500 and 503 are always among them."""
    return {
        status: {"model": ProblemDetails, "description": _description(status)}
        for status in sorted({*statuses, 422, 500, 503})
    }


def header(name: str, description: str, example: str) -> dict[str, Any]:
    """Describe a response header."""
    return {name: {"description": description, "schema": {"type": "string", "example": example}}}


ETAG = header("ETag", "Version of the case, for `If-Match`.", '"7"')
NEXT_PAGE = header("Link", "The next page.", '<http://127.0.0.1:8000/…?cursor=…>; rel="next"')


def _description(status: int) -> str:
    codes = [kind.code for kind in ERRORS.values() if kind.status == status]
    return "Problem with one of the codes: " + ", ".join(f"`{code}`" for code in codes)


def install(app: FastAPI, public_url: str) -> None:
    """Replace the application's description by the completed one, made once."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                openapi_version=app.openapi_version,
                description=DESCRIPTION,
                routes=app.routes,
                tags=TAGS,
                servers=[{"url": public_url}],
                separate_input_output_schemas=False,
            )
            for operation in _operations(schema):
                _complete(operation)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        yield from (cast(dict[str, Any], operation) for operation in path.values())


def _complete(operation: dict[str, Any]) -> None:
    """Say what the routes do and FastAPI does not see: problems, and headers that must be there."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if status[0] in "45" and content:
            # Whatever a route answers with otherwise, such as an event stream.
            response["content"] = {MEDIA_TYPE: next(iter(content.values()))}
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in _HEADERS_NEEDED:
            parameter["required"] = True
            parameter["schema"] = _HEADERS_NEEDED[parameter["name"]]
