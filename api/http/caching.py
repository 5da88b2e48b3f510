"""How long an answer may be kept and by whom, and whether the reader has it already."""

from collections.abc import Mapping

from starlette.requests import Request

PRIVATE: Mapping[str, str] = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
"""For what one person may see: kept by their own client alone, and asked for again each time."""

PUBLIC_FOR_AN_HOUR = "public, max-age=3600"
"""For what is the same for everybody and changes with a release."""


def is_not_modified(request: Request, etag: str) -> bool:
    """Say whether ``If-None-Match`` names this tag: then a 304 is enough.

    The comparison is weak, as RFC 9110 wants it: a proxy may have weakened the tag.
    """
    known = request.headers.get("if-none-match")
    if known is None:
        return False
    return known.strip() == "*" or etag in (
        tag.strip().removeprefix("W/") for tag in known.split(",")
    )
