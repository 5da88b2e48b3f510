"""What surrounds every request: a trace id, strict headers, a bounded body, counting, and a last resort.

Plain ASGI, so that bodies stream through it and a failure inside still leaves as a problem.
"""

import re
import secrets
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import Problem, ProblemResponses
from api.http.metrics import Metrics
from casework.processes.logs import trail_of

TRACE_HEADER = "X-Trace-Id"

_TRACE_PARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_A_YEAR = "max-age=31536000"
_log = structlog.get_logger(__name__)


class Envelope:
    """Give each response its trace id and headers; turn what nobody foresaw into a problem.

    A header that a route sets itself stays. Personal data is never logged: a line holds the route's
    template, the status and the trace id.
    """

    def __init__(
        self, app: ASGIApp, problems: ProblemResponses, metrics: Metrics, *, https: bool
    ) -> None:
        """Wrap the application; ``https`` says whether people reach it by https."""
        self._app = app
        self._problems = problems
        self._metrics = metrics
        self._headers = _HEADERS | ({"Strict-Transport-Security": _A_YEAR} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = _trace_id(Headers(scope=scope))
        scope.setdefault("state", {})["trace_id"] = trace_id
        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[TRACE_HEADER] = trace_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        self._metrics.request_began()
        bound = structlog.contextvars.bind_contextvars(trace_id=trace_id)
        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            _log.error(
                "internal_error",
                route=_route(scope),
                kind=type(error).__name__,
                trail=trail_of(error),
            )
            if status:
                # The response has begun: only a broken connection can say that it is not whole.
                raise
            problem = Problem("internal-error", "Something went wrong that should not have.")
            response = self._problems.make(scope, problem)
            await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - began
            method, route = _method(scope), _route(scope)
            self._metrics.request_ended(method, route, status or 499, seconds)
            _log.info(
                "request",
                method=method,
                route=route,
                status=status or 499,
                seconds=round(seconds, 4),
            )
            structlog.contextvars.reset_contextvars(**bound)


class OneEnd:
    """Refuse a request that says twice where it ends, by a length and by chunks, and close the connection.

    A proxy before us may see the other end, and take the rest of one request for another.
    """

    def __init__(self, app: ASGIApp, problems: ProblemResponses) -> None:
        """Wrap the application."""
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request that has one end."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if "content-length" in headers and "transfer-encoding" in headers:
                problem = Problem(
                    "body-unreadable",
                    "Send Content-Length or Transfer-Encoding, not both.",
                    headers={"Connection": "close"},
                )
                await self._problems.make(scope, problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BoundedBodies:
    """Refuse a body longer than its address takes, before or while it is read."""

    def __init__(
        self, app: ASGIApp, problems: ProblemResponses, most_bytes: Callable[[str], int | None]
    ) -> None:
        """Wrap the application; ``most_bytes`` gives the bound for a path, if any."""
        self._app = app
        self._problems = problems
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on one request, counting its bytes."""
        most = self._most_bytes(scope["path"]) if scope["type"] == "http" else None
        if most is None:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or len(declared) > 18 or int(declared) > most:
            await self._problems.make(scope, _too_large(most))(scope, receive, send)
            return
        taken = 0

        async def receive_counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise _too_large(most)
            return message

        await self._app(scope, receive_counted, send)


def _too_large(most: int) -> Problem:
    return Problem("body-too-large", f"This address takes at most {most:,} bytes.")


def _trace_id(headers: Headers) -> str:
    """Return the caller's trace id (W3C Trace Context) or a new one of the same shape."""
    found = _TRACE_PARENT.match(headers.get("traceparent", ""))
    return found.group(1) if found else secrets.token_hex(16)


def _method(scope: Scope) -> str:
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return scope["method"] if scope["method"] in known else "other"


def _route(scope: Scope) -> str:
    """Return the template of the route, so that ids never become labels."""
    return getattr(scope.get("route"), "path", "unmatched")
