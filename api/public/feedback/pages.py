"""Public notice of a feedback period, the form to speak, and the receipt to follow the answer."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from http import HTTPStatus

from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.http.errors import Problem
from api.http.pacing import PublicPace
from api.pages.forms import FormTooLarge, read_fields
from api.pages.rendering import see_other
from api.pages.site import Clock, Site
from api.public.feedback.form import FeedbackForm
from api.public.feedback.notice import FeedbackNotice, find_notice, open_notices
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
from casework.store.texts import ERASED, read_texts, with_texts

_LONGEST_ID = 64


class FeedbackPages:
    """Let the community speak without an account. It decides nothing: the store takes or refuses."""

    def __init__(
        self,
        site: Site,
        database: Database,
        catalog: ProgramCatalog,
        clock: Clock,
        pace: PublicPace | None,
    ) -> None:
        """Keep the database, the words of the programs, the clock (UTC) and how often one may send."""
        self._site = site
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._pace = pace
        for path, method, endpoint in (
            ("/feedback", "GET", self.open),
            ("/feedback/{receipt}", "GET", self.receipt),
            ("/cases/{case_id}/feedback", "GET", self.form),
            ("/cases/{case_id}/feedback", "POST", self.submit),
        ):
            site.add(path, method, endpoint)

    async def open(self, language: Language, request: Request) -> Response:
        """List what the community is asked about now."""
        notices = await self._site.read(open_notices, self._catalog, self._clock())
        return self._site.page(
            "feedback/open.html.jinja", language, request, notices=notices, provinces=provinces()
        )

    async def form(self, language: Language, request: Request) -> Response:
        """Show the notice and an empty form, or that the period is over."""
        notice = await self._notice(request)
        if notice is None:
            return self._site.not_found(request)
        if not notice.is_open:
            return self._over(language, request, notice)
        return self._form(language, request, notice, FeedbackForm(), {})

    async def submit(self, language: Language, request: Request) -> Response:
        """Store what was said and lead to its receipt; show the form again if something is wrong."""
        notice = await self._notice(request)
        if notice is None:
            return self._site.not_found(request)
        try:
            form = FeedbackForm.of(await read_fields(request))
        except FormTooLarge:
            return self._site.error(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        errors = form.errors()
        if errors:
            if not notice.is_open:
                return self._over(language, request, notice, form.text, code=HTTPStatus.CONFLICT)
            return self._form(
                language, request, notice, form, errors, code=HTTPStatus.UNPROCESSABLE_ENTITY
            )
        # Without its key (a form filled in by a program) nothing can be recognized as a repetition.
        form = form if form.key else replace(form, key=_new_key())
        new = form.representation(notice.case_id, language)
        again = partial(self._form, language, request, notice)
        try:
            if self._pace is not None:
                self._pace.check(request, notice.case_id)
            said = await to_thread.run_sync(
                receive, self._database, notice.case_id, new, self._clock()
            )
        except Problem as too_often:
            answer = again(form, {"form": "too-often"}, code=too_often.status_code)
            answer.headers.update(too_often.headers or {})
            return answer
        except DATABASE_AWAY:
            return again(form, {"form": "not-stored"}, code=HTTPStatus.SERVICE_UNAVAILABLE)
        except KeyReused:
            form = replace(form, key=_new_key())
            return again(form, {"form": "sent-before"}, code=HTTPStatus.CONFLICT)
        except FeedbackNotOpen:
            return self._over(language, request, notice, form.text, code=HTTPStatus.CONFLICT)
        except FeedbackFull:
            return self._over(
                language, request, notice, form.text, is_full=True, code=HTTPStatus.CONFLICT
            )
        return see_other(f"/{language}/feedback/{said.receipt}")

    async def receipt(self, language: Language, request: Request) -> Response:
        """Show somebody what they said and what became of it. Who has the receipt may read it."""
        receipt = request.path_params["receipt"][:_LONGEST_ID]
        found = await self._site.read(_find_said, self._catalog, receipt, language, self._clock())
        if found is None:
            return self._site.not_found(request)
        said, notice = found
        return self._site.page(
            "feedback/receipt.html.jinja",
            language,
            request,
            private=True,
            said=said,
            notice=notice,
            province=provinces()[notice.province],
        )

    async def _notice(self, request: Request) -> FeedbackNotice | None:
        case_id = request.path_params["case_id"][:_LONGEST_ID]
        return await self._site.read(find_notice, self._catalog, case_id, self._clock())

    def _form(
        self,
        language: Language,
        request: Request,
        notice: FeedbackNotice,
        form: FeedbackForm,
        errors: Mapping[str, str],
        *,
        code: int = HTTPStatus.OK,
    ) -> Response:
        return self._site.page(
            "feedback/form.html.jinja",
            language,
            request,
            code=code,
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
        code: int = HTTPStatus.OK,
    ) -> Response:
        return self._site.page(
            "feedback/closed.html.jinja",
            language,
            request,
            code=code,
            notice=notice,
            province=provinces()[notice.province],
            unsent=unsent,
            is_full=is_full,
        )


def _find_said(
    session: Session, catalog: ProgramCatalog, receipt: str, language: Language, now: datetime
) -> tuple[Representation, FeedbackNotice] | None:
    """Return what somebody said, with the notice that it answers."""
    said = find_by_receipt(session, receipt)
    notice = find_notice(session, catalog, said.case_id, now) if said else None
    if said is None or notice is None:
        return None
    answer = with_texts(said.answer, read_texts(session, said.answer), ERASED[language])
    # Nothing is ever written back from a session that only reads.
    said.text, said.answer = said.text or ERASED[language], answer
    return said, notice


def _new_key() -> str:
    return secrets.token_hex(16)
