"""The notice of a feedback period to print and post: one sheet of A4 with a QR code that leads to the form."""

from functools import partial

import segno
from anyio import to_thread
from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.locale import LANGUAGES
from api.pages.errors import not_found, unavailable
from api.pages.rendering import html, render
from api.public.feedback.notice import FeedbackNotice, find_notice
from api.public.feedback.pages import DATABASE_AWAY
from api.public.register.in_memory import Clock
from casework.domain.calendar import Language
from casework.notices.addresses import Addresses
from casework.notices.words import office_in
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.store.database import Database

_LONGEST_ID = 64
_QUIET_ZONE = 4
"""Modules of white around a QR code, as ISO/IEC 18004 asks."""


class PrintedNotice:
    """Serve the sheet while the period is open. Owns no fact: it shows what :class:`FeedbackNotice` allows."""

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        clock: Clock,
        public_url: str,
        *,
        demonstration: bool,
    ) -> None:
        """Keep the database, the words of the programs, the clock (UTC) and where people reach the pages."""
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._addresses = Addresses(public_url)
        self._demonstration = demonstration

    def add_to(self, router: APIRouter) -> None:
        """Add the route, in both languages."""
        for language in LANGUAGES:
            router.add_route(
                f"/{language}/cases/{{case_id}}/feedback/notice",
                partial(self.sheet, language),
                methods=["GET"],
                include_in_schema=False,
            )

    async def sheet(self, language: Language, request: Request) -> Response:
        """Show the sheet; once the period is over, lead to the page that says so."""
        case_id = request.path_params["case_id"][:_LONGEST_ID]
        now = self._clock()

        def read() -> FeedbackNotice | None:
            with self._database.reading() as session:
                return find_notice(session, self._catalog, case_id, now)

        try:
            notice = await to_thread.run_sync(read)
        except DATABASE_AWAY:
            return unavailable(request, demonstration=self._demonstration)
        if notice is None:
            return not_found(request, demonstration=self._demonstration)
        if not notice.is_open:
            return RedirectResponse(f"/{language}/cases/{notice.case_id}/feedback", status_code=303)
        address = self._addresses.feedback(notice.case_id, language)
        text = render(
            "feedback/notice.html.jinja",
            language,
            request.url.path,
            demonstration=self._demonstration,
            notice=notice,
            province=provinces()[notice.province],
            office=office_in(notice.province, language),
            address=address,
            qr=qr_code(address),
        )
        return html(text)


def qr_code(address: str) -> Markup:
    """Return an address as a QR code in SVG, black on white in whatever colors the page has.

    Of medium correction: a sheet outdoors gets wet, and a larger code could not be read from afar.
    """
    code = segno.make_qr(address, error="m", boost_error=False)
    return Markup(  # noqa: S704  # The drawing holds no text: an address is in it as lines only.
        code.svg_inline(border=_QUIET_ZONE, light="#fff", omitsize=True, svgclass="qr")
    )
