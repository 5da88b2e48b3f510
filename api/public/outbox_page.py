"""The outbox for demonstrations: each notice, what became of it, and what its readers see."""

from collections.abc import Sequence

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response

from api.pages.assets import asset_url
from api.pages.rendering import CONTENT_SECURITY_POLICY, html
from api.pages.site import Site
from casework.domain.calendar import Language
from casework.notices.composing import NoticeComposer, Preview
from casework.notices.faults import NotComposable
from casework.store.tables import NoticeRow

MOST_LISTED = 200
_LONGEST_KEY = 255

_MESSAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src data:; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}
"""A message brings its styles along, as mail has to. It runs nothing and reaches nothing.

Its links open pages of their own, as from a mail program: our pages refuse to be shown in its frame.
"""

_LINKS_OPEN_PAGES = '<base target="_blank">'


class OutboxPage:
    """Show notices. It only reads: whoever can open the page can see every address on it."""

    def __init__(self, site: Site, composer: NoticeComposer) -> None:
        """Add the pages, and keep what writes the messages. Only if the settings ask for them."""
        self._site = site
        self._composer = composer
        for path, endpoint in (
            ("/dev/outbox", self.list),
            ("/dev/outbox/notice", self.notice),
            ("/dev/outbox/message", self.message),
        ):
            site.add_without_language(path, endpoint)

    async def list(self, language: Language, request: Request) -> Response:
        """List the notices, the newest first, of one case if the query names it."""
        case_id = request.query_params.get("case", "")[:_LONGEST_KEY]
        rows = await self._site.read(_newest, case_id)
        return self._site.page(
            "outbox/list.html.jinja",
            language,
            request,
            private=True,
            notices=rows,
            case_id=case_id,
        )

    async def notice(self, language: Language, request: Request) -> Response:
        """Show one notice: its state, and what its readers see."""
        row = await self._site.read(_find, request)
        if row is None:
            return self._site.not_found(request)
        preview, reason = await to_thread.run_sync(self._preview, row)
        text = self._site.render(
            "outbox/notice.html.jinja", language, "", row=row, preview=preview, reason=reason
        )
        policy = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
        return html(text, private=True, headers={"Content-Security-Policy": policy})

    async def message(self, language: Language, request: Request) -> Response:
        """Answer with the HTML part of a notice, for the frame that shows it."""
        row = await self._site.read(_find, request)
        preview = (await to_thread.run_sync(self._preview, row))[0] if row else None
        if preview is None:
            return self._site.not_found(request)
        # Readers have a Thai font; the machine that shows the demonstration may have none.
        font = f'<link rel="stylesheet" href="{asset_url("css/sarabun.css")}">'
        shown = preview.html.replace("</head>", f"{font}{_LINKS_OPEN_PAGES}</head>", 1)
        return html(shown, private=True, headers=_MESSAGE_HEADERS)

    def _preview(self, row: NoticeRow) -> tuple[Preview | None, str]:
        try:
            return self._composer.render_preview(row.key), ""
        except NotComposable as fault:
            return None, str(fault)


def _newest(session: Session, case_id: str) -> Sequence[NoticeRow]:
    rows = select(NoticeRow)
    if case_id:
        rows = rows.where(col(NoticeRow.case_id) == case_id)
    newest = rows.order_by(col(NoticeRow.created_at).desc(), col(NoticeRow.seq).desc())
    return session.scalars(newest.limit(MOST_LISTED)).all()


def _find(session: Session, request: Request) -> NoticeRow | None:
    return session.get(NoticeRow, request.query_params.get("key", "")[:_LONGEST_KEY])
