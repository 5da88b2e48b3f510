"""Cursors and links of lists: opaque to whoever follows them."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, cast
from urllib.parse import quote, urlencode

from fastapi import Query
from starlette.requests import Request

from api.http.errors import FieldError, Problem
from api.http.fields import is_ref

Cursor = Annotated[str | None, Query(max_length=300, pattern=r"^[A-Za-z0-9_-]+$")]


def cursor_of(*place: str | int) -> str:
    """Return the cursor of the page that follows a place in a list."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str, *kinds: type[str] | type[int]) -> tuple[str | int, ...]:
    """Return the place of a cursor, whose parts are of these kinds; a 422 if it is none of ours."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place: object = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error) as error:
        raise cursor_not_valid() from error
    if not isinstance(place, list):
        raise cursor_not_valid()
    parts = tuple(cast(Sequence[object], place))
    if tuple(type(part) for part in parts) != kinds:
        raise cursor_not_valid()
    return cast(tuple[str | int, ...], parts)


def cursor_at(place: tuple[datetime, str]) -> str:
    """Return the cursor of the page that follows an instant and an id."""
    instant, item = place
    return cursor_of(instant.isoformat(), item)


def instant_and_id_of(cursor: str) -> tuple[datetime, str]:
    """Return the instant (UTC) and the id of a cursor; a 422 if it is none of ours."""
    written, item = place_of(cursor, str, str)
    try:
        instant = datetime.fromisoformat(str(written))
        if instant.tzinfo is not None and is_ref(str(item)):
            return instant.astimezone(UTC), str(item)
    except (ValueError, OverflowError) as error:
        raise cursor_not_valid() from error
    raise cursor_not_valid()


def cursor_not_valid() -> Problem:
    """Return the answer to a cursor that is none of this list's."""
    wrong = FieldError(parameter="cursor", detail="Not a cursor of this list.")
    return Problem("request-malformed", "Not as described: cursor.", errors=[wrong])


def next_page(public_url: str, request: Request, cursor: str) -> str:
    """Link to the next page under the public address, whatever host the request named."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    return f'<{public_url.rstrip("/")}{quote(request.url.path)}?{query}>; rel="next"'
