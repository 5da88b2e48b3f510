"""The notice of a feedback period to print and post: one sheet of A4 with a QR code that leads to the form."""

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.pages.site import Clock, Site
from api.public.feedback.notice import find_notice
from casework.domain.calendar import Language
from casework.notices.addresses import Addresses
from casework.notices.words import office_in
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces

_LONGEST_ID = 64
_QUIET_ZONE = 4
"""Modules of white around a QR code, as ISO/IEC 18004 asks."""


class PrintedNotice:
    """Serve the sheet while the period is open. Owns no fact: it shows what :class:`FeedbackNotice` allows."""

    def __init__(self, site: Site, catalog: ProgramCatalog, clock: Clock, public_url: str) -> None:
        """Add the page; keep the words of the programs, the clock (UTC) and where people reach the pages."""
        self._site = site
        self._catalog = catalog
        self._clock = clock
        self._addresses = Addresses(public_url)
        site.add("/cases/{case_id}/feedback/notice", "GET", self.sheet)

    async def sheet(self, language: Language, request: Request) -> Response:
        """Show the sheet; once the period is over, lead to the page that says so."""
        case_id = request.path_params["case_id"][:_LONGEST_ID]
        notice = await self._site.read(find_notice, self._catalog, case_id, self._clock())
        if notice is None:
            return self._site.not_found(request)
        if not notice.is_open:
            return RedirectResponse(f"/{language}/cases/{notice.case_id}/feedback", status_code=303)
        address = self._addresses.feedback(notice.case_id, language)
        return self._site.page(
            "feedback/notice.html.jinja",
            language,
            request,
            notice=notice,
            province=provinces()[notice.province],
            office=office_in(notice.province, language),
            address=address,
            qr=qr_code(address),
        )


def qr_code(address: str) -> Markup:
    """Return an address as a QR code in SVG, black on white in whatever colors the page has.

    Of medium correction: a sheet outdoors gets wet, and a larger code could not be read from afar.
    """
    code = segno.make_qr(address, error="m", boost_error=False)
    return Markup(  # noqa: S704  # The drawing holds no text: an address is in it as lines only.
        code.svg_inline(border=_QUIET_ZONE, light="#fff", omitsize=True, svgclass="qr")
    )
