"""Where a case is, for whoever has its number: a page to follow it, and a form to find that page."""

from collections.abc import Awaitable, Callable
from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.locale import LANGUAGES
from api.pages.errors import unavailable
from api.pages.rendering import html, render
from api.public.applicant.status import LONGEST_INPUT, STEPS, CaseStatus, case_number, find_status
from api.public.register.in_memory import Clock
from casework.domain.calendar import Language
from casework.programs.catalog import ProgramCatalog
from casework.store.database import DATABASE_AWAY, Database

_NOT_FOUND = 404
_UNPROCESSABLE = 422

Endpoint = Callable[[Language, Request], Awaitable[Response]]


class CaseStatusPages:
    """Answer "Where is my case?" from the read model alone. It needs no account and no Temporal.

    The number is the key: 60 bits that cannot be guessed. So the pages are kept by nobody, listed
    nowhere, and show only what :class:`~api.public.applicant.status.CaseStatus` allows.
    """

    def __init__(
        self, database: Database, catalog: ProgramCatalog, clock: Clock, *, demonstration: bool
    ) -> None:
        """Keep the database, the names of the programs and the clock (UTC)."""
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._demonstration = demonstration

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, in both languages."""
        for language in LANGUAGES:
            for path, endpoint in (("cases", self.find), ("cases/{case_id}", self.status)):
                router.add_route(
                    f"/{language}/{path}",
                    partial(self._guarded, endpoint, language),
                    methods=["GET"],
                    include_in_schema=False,
                )

    async def find(self, language: Language, request: Request) -> Response:
        """Show the form, or lead from the number in it to the page of the case."""
        typed = request.query_params.get("number")
        if typed is None:
            return self._form(language, request, "")
        if not typed.strip():
            return self._form(language, request, "", error="missing")
        number = case_number(typed)
        if number is None:
            return self._form(language, request, typed, error="malformed")
        if await self._status_of(number) is None:
            return self._form(language, request, typed, error="unknown")
        return RedirectResponse(
            f"/{language}/cases/{number}",
            status_code=303,
            headers={"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"},
        )

    async def status(self, language: Language, request: Request) -> Response:
        """Show where the case is; the form where there is no such case, to correct the number."""
        typed = request.path_params["case_id"]
        number = case_number(typed)
        status = await self._status_of(number) if number else None
        if status is None:
            return self._form(language, request, typed, error="unknown", code=_NOT_FOUND)
        return self._page("case/status.html.jinja", language, request, status=status, steps=STEPS)

    async def _status_of(self, case_id: str) -> CaseStatus | None:
        now = self._clock()

        def read() -> CaseStatus | None:
            with self._database.reading() as session:
                return find_status(session, self._catalog, case_id, now)

        return await to_thread.run_sync(read)

    async def _guarded(self, endpoint: Endpoint, language: Language, request: Request) -> Response:
        """Answer with a page, not a problem document, while the database is away."""
        try:
            return await endpoint(language, request)
        except DATABASE_AWAY:
            return unavailable(request, demonstration=self._demonstration)

    def _form(
        self,
        language: Language,
        request: Request,
        typed: str,
        *,
        error: str = "",
        code: int = _UNPROCESSABLE,
    ) -> Response:
        shown = "".join(letter for letter in typed if letter.isprintable())[:LONGEST_INPUT]
        return self._page(
            "case/find.html.jinja",
            language,
            request,
            code=code if error else 200,
            typed=shown.strip(),
            error=error,
        )

    def _page(
        self,
        template: str,
        language: Language,
        request: Request,
        *,
        code: int = 200,
        **more: object,
    ) -> Response:
        path = request.url.path
        text = render(template, language, path, demonstration=self._demonstration, **more)
        return html(text, code, private=True)
