"""The headers that make a request safe to repeat and safe against a stale view."""

import hashlib
import json
import re
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request

from api.http.errors import FieldError, Problem

_KEY = re.compile(r"[\x20-\x7e]{1,200}")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_JSON = re.compile(r"application/(?:[\w.!#$&^-]+\+)?json", re.IGNORECASE)

KEY_HEADER = "Idempotency-Key"
MATCH_HEADER = "If-Match"


async def _idempotency_key(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=KEY_HEADER,
            description="A new UUID for each request, and the same one again for its retry.",
            examples=["6f1c2b3e-0d9a-4b7e-9a53-2f1f9f7c8f10"],
        ),
    ] = None,
) -> str:
    if not idempotency_key:
        raise Problem("idempotency-key-required", "Send a UUID as Idempotency-Key.")
    if not _KEY.fullmatch(idempotency_key):
        raise Problem(
            "idempotency-key-malformed", "The key has 1 to 200 printable ASCII characters."
        )
    return idempotency_key


IdempotencyKey = Annotated[str, Depends(_idempotency_key)]
"""The key of a POST; without one it is refused."""


async def _expected_version(
    if_match: Annotated[
        str | None,
        Header(
            alias=MATCH_HEADER,
            description="The ETag of the case as the person saw it.",
            examples=['"7"'],
        ),
    ] = None,
) -> int:
    if if_match is None:
        raise Problem("if-match-required", "Send the ETag of GET /cases/{id} as If-Match.")
    found = _ETAG.fullmatch(if_match.strip())
    if not found:
        raise Problem(
            "if-match-malformed", 'If-Match holds one strong tag with a version, such as "7".'
        )
    return int(found.group(1))


ExpectedVersion = Annotated[int, Depends(_expected_version)]
"""The version of the case that the person saw, from ``If-Match``."""


async def _json_body(request: Request) -> None:
    declared = request.headers.get("content-type", "").split(";")[0].strip()
    if not _JSON.fullmatch(declared):
        raise Problem("media-type-unsupported", "Send the body as application/json.")
    # The body is in memory already. PostgreSQL has no text with NUL in it, and a case that cannot be
    # recorded waits for ever.
    if _NUL.search(await request.body()):
        wrong = FieldError(pointer="", detail="The character U+0000 is in no text.")
        raise Problem("request-malformed", wrong.detail, errors=[wrong])


JsonBody = Depends(_json_body)
"""Refuses a body that is not declared as JSON, or has a text that no database keeps."""


def etag(version: int) -> str:
    """Return the entity tag of a version of a case."""
    return f'"{version}"'


def update_id_of(person: str, subject: str, key: str) -> str:
    """Return the id under which a request is done once: of the person, the case and the key.

    One person's key means nothing for another person or another case.
    """
    name = json.dumps([person, subject, key], separators=(",", ":")).encode()
    return hashlib.sha256(name).hexdigest()[:20]
