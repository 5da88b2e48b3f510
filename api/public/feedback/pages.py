"""Public notice of a feedback period, the form to speak, and the receipt to follow the answer."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.http.errors import Problem
from api.http.pacing import Pace
from api.locale import LANGUAGES
from api.pages.errors import error_page, not_found, unavailable
from api.pages.forms import FormTooLarge, read_fields
from api.pages.rendering import html, render
from api.public.feedback.form import FeedbackForm
from api.public.feedback.notice import FeedbackNotice, find_notice, open_notices
from api.public.register.in_memory import Clock
from casework.cases.representations import receive
from casework.domain.calendar import Language
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.store.database import DATABASE_AWAY, Database
from casework.store.keys import KeyReused
from casework.store.representations import (
    FeedbackFull,
    FeedbackNotOpen,
    find_by_receipt,
)
from casework.store.tables import Representation

_CONFLICT = 409
_PAYLOAD_TOO_LARGE = 413
_UNPROCESSABLE = 422
_SERVICE_UNAVAILABLE = 503
_LONGEST_ID = 64


Endpoint = Callable[[Language, Request], Awaitable[Response]]


class FeedbackPages:
    """Let the community speak without an account. It decides nothing: the store takes or refuses."""

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        clock: Clock,
        pace: Pace | None,
        *,
        demonstration: bool,
    ) -> None:
        """Keep the database, the words of the programs, the clock (UTC) and how often one may send."""
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._pace = pace
        self._demonstration = demonstration

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, in both languages."""
        for language in LANGUAGES:
            for path, method, endpoint in (
                ("feedback", "GET", self.open),
                ("feedback/{receipt}", "GET", self.receipt),
                ("cases/{case_id}/feedback", "GET", self.form),
                ("cases/{case_id}/feedback", "POST", self.submit),
            ):
                router.add_route(
                    f"/{language}/{path}",
                    partial(self._guarded, endpoint, language),
                    methods=[method],
                    include_in_schema=False,
                )

    async def open(self, language: Language, request: Request) -> Response:
        """List what the community is asked about now."""
        now = self._clock()

        def read() -> list[FeedbackNotice]:
            with self._database.reading() as session:
                return open_notices(session, self._catalog, now)

        notices = await to_thread.run_sync(read)
        return self._page(
            "feedback/open.html.jinja", language, request, notices=notices, provinces=provinces()
        )

    async def form(self, language: Language, request: Request) -> Response:
        """Show the notice and an empty form, or that the period is over."""
        notice = await self._notice(request)
        if notice is None:
            return not_found(request, demonstration=self._demonstration)
        if not notice.is_open:
            return self._over(language, request, notice)
        return self._form(language, request, notice, FeedbackForm(), {})

    async def submit(self, language: Language, request: Request) -> Response:
        """Store what was said and lead to its receipt; show the form again if something is wrong."""
        notice = await self._notice(request)
        if notice is None:
            return not_found(request, demonstration=self._demonstration)
        try:
            form = FeedbackForm.of(await read_fields(request))
        except FormTooLarge:
            return error_page(request, _PAYLOAD_TOO_LARGE, demonstration=self._demonstration)
        errors = form.errors()
        if errors:
            if not notice.is_open:
                return self._over(language, request, notice, form.text, status=_CONFLICT)
            return self._form(language, request, notice, form, errors, status=_UNPROCESSABLE)
        # Without its key (a form filled in by a program) nothing can be recognized as a repetition.
        form = form if form.key else replace(form, key=_new_key())
        new = form.representation(notice.case_id, language)
        again = partial(self._form, language, request, notice)
        try:
            if self._pace is not None:
                self._pace.check(request)
            said = await to_thread.run_sync(
                receive, self._database, notice.case_id, new, self._clock()
            )
        except Problem as too_often:
            answer = again(form, {"form": "too-often"}, status=too_often.status_code)
            answer.headers.update(too_often.headers or {})
            return answer
        except DATABASE_AWAY:
            return again(form, {"form": "not-stored"}, status=_SERVICE_UNAVAILABLE)
        except KeyReused:
            form = replace(form, key=_new_key())
            return again(form, {"form": "sent-before"}, status=_CONFLICT)
        except FeedbackNotOpen:
            return self._over(language, request, notice, form.text, status=_CONFLICT)
        except FeedbackFull:
            return self._over(language, request, notice, form.text, is_full=True, status=_CONFLICT)
        return RedirectResponse(
            f"/{language}/feedback/{said.receipt}",
            status_code=303,
            headers={"Cache-Control": "private, no-store"},
        )

    async def receipt(self, language: Language, request: Request) -> Response:
        """Show somebody what they said and what became of it. Who has the receipt may read it."""
        receipt = request.path_params["receipt"][:_LONGEST_ID]
        now = self._clock()

        def read() -> tuple[Representation, FeedbackNotice] | None:
            with self._database.reading() as session:
                said = find_by_receipt(session, receipt)
                if said is None:
                    return None
                notice = find_notice(session, self._catalog, said.case_id, now)
                return (said, notice) if notice else None

        found = await to_thread.run_sync(read)
        if found is None:
            return not_found(request, demonstration=self._demonstration)
        said, notice = found
        return self._page(
            "feedback/receipt.html.jinja",
            language,
            request,
            private=True,
            said=said,
            notice=notice,
            province=provinces()[notice.province],
        )

    async def _guarded(self, endpoint: Endpoint, language: Language, request: Request) -> Response:
        """Answer with a page, not a problem document, while the database is away."""
        try:
            return await endpoint(language, request)
        except DATABASE_AWAY:
            return unavailable(request, demonstration=self._demonstration)

    async def _notice(self, request: Request) -> FeedbackNotice | None:
        case_id = request.path_params["case_id"][:_LONGEST_ID]
        now = self._clock()

        def read() -> FeedbackNotice | None:
            with self._database.reading() as session:
                return find_notice(session, self._catalog, case_id, now)

        return await to_thread.run_sync(read)

    def _form(
        self,
        language: Language,
        request: Request,
        notice: FeedbackNotice,
        form: FeedbackForm,
        errors: Mapping[str, str],
        *,
        status: int = 200,
    ) -> Response:
        return self._page(
            "feedback/form.html.jinja",
            language,
            request,
            status=status,
            notice=notice,
            province=provinces()[notice.province],
            values=form,
            errors=errors,
            key=form.key or _new_key(),
        )

    def _over(
        self,
        language: Language,
        request: Request,
        notice: FeedbackNotice,
        unsent: str = "",
        *,
        is_full: bool = False,
        status: int = 200,
    ) -> Response:
        return self._page(
            "feedback/closed.html.jinja",
            language,
            request,
            status=status,
            notice=notice,
            province=provinces()[notice.province],
            unsent=unsent,
            is_full=is_full,
        )

    def _page(
        self,
        template: str,
        language: Language,
        request: Request,
        *,
        status: int = 200,
        private: bool = False,
        **context: object,
    ) -> Response:
        path = request.url.path
        text = render(template, language, path, demonstration=self._demonstration, **context)
        return html(text, status, private=private)


def _new_key() -> str:
    return secrets.token_hex(16)
