"""The site that all pages belong to: addresses in both languages, one look, and words for when the database is away."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Concatenate, ParamSpec, TypeVar

import structlog
from anyio import to_thread
from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.http.errors import RETRY_AFTER_SECONDS
from api.locale import LANGUAGES
from api.pages.errors import error_page
from api.pages.rendering import html, preferred_language, render
from casework.domain.calendar import Language
from casework.store.database import DATABASE_AWAY, Database

Clock = Callable[[], datetime]
"""Tells the time in UTC."""

Endpoint = Callable[[Language, Request], Awaitable[Response]]
"""Answers a request for a page in a language."""

P = ParamSpec("P")
T = TypeVar("T")

_log = structlog.get_logger(__name__)


class Site:
    """Own what all pages have in common. What is on a page, and who may see it, is the page's own.

    ``router`` has the routes of all pages that were added. They are plain ones, because the API's
    description is not theirs.
    """

    def __init__(self, database: Database, *, demonstration: bool) -> None:
        """Keep what pages read, and whether each of them says that nothing here is real."""
        self._database = database
        self._demonstration = demonstration
        # One flat router: finding the route is most of the work of a warm page.
        self.router = APIRouter()

    def add(self, path: str, method: str, endpoint: Endpoint) -> None:
        """Add a page in each language: ``/feedback`` becomes ``/th/feedback`` and ``/en/feedback``."""
        for language in LANGUAGES:
            self._add(f"/{language}{path}", method, partial(self._guarded, endpoint, language))

    def add_without_language(self, path: str, endpoint: Endpoint) -> None:
        """Add an address as it stands. Its endpoint gets the language that the reader prefers."""

        async def answer(request: Request) -> Response:
            return await self._guarded(endpoint, preferred_language(request), request)

        self._add(path, "GET", answer)

    async def read(
        self, query: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a query in a transaction that only reads, on a thread, and return what it found."""

        def run() -> T:
            with self._database.reading() as session:
                return query(session, *args, **kwargs)

        return await to_thread.run_sync(run)

    def page(
        self,
        template: str,
        language: Language,
        request: Request,
        *,
        path: str | None = None,
        code: int = HTTPStatus.OK,
        private: bool = False,
        **context: object,
    ) -> Response:
        """Return a page that is made for this request; ``path`` if another one shows it as well."""
        text = self.render(template, language, path or request.url.path, **context)
        return html(text, code, private=private)

    def render(self, template: str, language: Language, path: str, **context: object) -> str:
        """Return the text of a page; see :func:`api.pages.rendering.render`."""
        return render(template, language, path, demonstration=self._demonstration, **context)

    def error(
        self, request: Request, code: int, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Return the page for an error."""
        return error_page(request, code, headers, demonstration=self._demonstration)

    def not_found(self, request: Request) -> Response:
        """Return the page for an address that leads nowhere."""
        return self.error(request, HTTPStatus.NOT_FOUND)

    def _add(
        self, path: str, method: str, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> None:
        self.router.add_route(path, endpoint, methods=[method], include_in_schema=False)

    async def _guarded(self, endpoint: Endpoint, language: Language, request: Request) -> Response:
        """Answer with a page, not a problem document, while the database is away."""
        try:
            return await endpoint(language, request)
        except DATABASE_AWAY as error:
            _log.error("database_unavailable", kind=type(error).__name__)
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            return self.error(request, HTTPStatus.SERVICE_UNAVAILABLE, retry)
