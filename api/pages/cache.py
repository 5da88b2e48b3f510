"""Rendered answers, kept as bytes and given out again with their validators."""

import hashlib
from collections.abc import Mapping

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from api.http.caching import is_not_modified

MOST_BYTES = 64 * 1024 * 1024
"""Of rendered pages and data files that are kept; the least recently used go first."""

_BESIDE_THE_BODY = 4096
"""Bytes that an answer takes beside its body: its address, its headers and the objects that hold them."""

_FRESH = "public, max-age=10"
"""A withdrawn certificate must not look valid for long; asking again costs a 304."""


class Rendered:
    """One answer: its bytes, headers and entity tag."""

    def __init__(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> None:
        self.body = body
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        validators = {"etag": self.etag, "cache-control": _FRESH}
        self._validators = _raw({**validators, **headers})
        content = {"content-type": media_type, "content-length": str(len(body))}
        self._headers = [*_raw(content), *self._validators]

    @property
    def size(self) -> int:
        """Return how many bytes of memory it takes, about."""
        return len(self.body) + _BESIDE_THE_BODY

    def answer(self, request: Request) -> Response:
        """Return the bytes, or 304 if the reader has them already."""
        if is_not_modified(request, self.etag):
            return _Fixed(304, b"", self._validators)
        return _Fixed(200, self.body, self._headers)


def page_cache(most_bytes: int = MOST_BYTES) -> LRUCache[str, Rendered]:
    """Return an empty cache of answers by address. Only the event loop may use it: it has no lock."""
    return LRUCache(most_bytes, getsizeof=lambda page: page.size)


class _Fixed(Response):
    """A response whose headers are made already. They are copied, because middleware adds to them."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = headers.copy()


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
