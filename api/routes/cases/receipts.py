"""How a route answers when Temporal holds an act and the database is away: accepted, the record follows."""

from typing import Any

from fastapi import Response

from api.http.openapi import ETAG, header

_LOCATION = header("Location", "The case.", "/api/v1/cases/eco-k3v9a2q7m4tz")
_RETRY_AFTER = header("Retry-After", "Seconds until the case is worth reading.", "5")

RECORD_FOLLOWS: dict[str, Any] = {
    "description": "Accepted for good. The database did not answer; the record follows by itself.",
    "headers": {**ETAG, **_LOCATION, **_RETRY_AFTER},
}


def say_that_record_follows(response: Response, case_id: str) -> None:
    """Answer 202, with where and when to look."""
    response.status_code = 202
    response.headers["Location"] = f"/api/v1/cases/{case_id}"
    response.headers["Retry-After"] = "5"
