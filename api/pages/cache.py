"""Rendered answers, kept as bytes and given out again with their validators."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

MOST_BYTES = 64 * 1024 * 1024
"""Of rendered pages and data files that are kept; the least recently used go first."""

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

    def answer(self, request: Request) -> Response:
        """Return the bytes, or 304 if the reader has them already."""
        known = request.headers.get("if-none-match")
        if known is not None and _matches(known, self.etag):
            return _Fixed(304, b"", self._validators)
        return _Fixed(200, self.body, self._headers)


class PageCache:
    """Keep rendered answers by address, up to a number of bytes. Safe to use from threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._pages: OrderedDict[str, Rendered] = OrderedDict()
        self._lock = Lock()

    def get(self, address: str) -> Rendered | None:
        """Return the answer kept for an address, or None."""
        with self._lock:
            page = self._pages.get(address)
            if page is not None:
                self._pages.move_to_end(address)
            return page

    def put(self, address: str, page: Rendered) -> None:
        """Keep an answer, unless it alone would take more than a quarter of the room."""
        size = len(page.body) + len(address)
        if size > self._most_bytes // 4:
            return
        with self._lock:
            self._drop(address)
            self._pages[address] = page
            self._bytes += size
            while self._bytes > self._most_bytes:
                self._drop(next(iter(self._pages)))

    def _drop(self, address: str) -> None:
        page = self._pages.pop(address, None)
        if page is not None:
            self._bytes -= len(page.body) + len(address)


class _Fixed(Response):
    """A response whose headers are made already. They are copied, because middleware adds to them."""

    def __init__(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.background = None
        self.body = body
        self.raw_headers = headers.copy()


def _matches(known: str, etag: str) -> bool:
    tags = (tag.strip().removeprefix("W/") for tag in known.split(","))
    return known.strip() == "*" or any(tag == etag for tag in tags)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]
