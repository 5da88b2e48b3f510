"""The outbox for demonstrations: each notice, what became of it, and what its readers see."""

from collections.abc import Sequence

from anyio import to_thread
from fastapi import APIRouter
from sqlalchemy import select
from sqlmodel import col
from starlette.requests import Request
from starlette.responses import Response

from api.pages.assets import asset_url
from api.pages.errors import not_found
from api.pages.rendering import CONTENT_SECURITY_POLICY, html, preferred_language, render
from casework.notices.composing import NoticeComposer, Preview
from casework.notices.faults import NotComposable
from casework.store.database import Database
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

    def __init__(self, database: Database, composer: NoticeComposer) -> None:
        """Keep the database, and what writes the messages."""
        self._database = database
        self._composer = composer

    def add_to(self, router: APIRouter) -> None:
        """Add the routes. To be done only if the settings ask for the page."""
        for path, endpoint in (
            ("/dev/outbox", self.list),
            ("/dev/outbox/notice", self.notice),
            ("/dev/outbox/message", self.message),
        ):
            router.add_route(path, endpoint, include_in_schema=False)

    async def list(self, request: Request) -> Response:
        """List the notices, the newest first, of one case if the query names it."""
        case_id = request.query_params.get("case", "")[:_LONGEST_KEY]
        rows = await to_thread.run_sync(self._newest, case_id)
        language = preferred_language(request)
        text = render(
            "outbox/list.html.jinja",
            language,
            "",
            demonstration=True,
            notices=rows,
            case_id=case_id,
        )
        return html(text, private=True)

    async def notice(self, request: Request) -> Response:
        """Show one notice: its state, and what its readers see."""
        row = await to_thread.run_sync(self._find, request)
        if row is None:
            return not_found(request, demonstration=True)
        preview, reason = await to_thread.run_sync(self._preview, row)
        text = render(
            "outbox/notice.html.jinja",
            preferred_language(request),
            "",
            demonstration=True,
            row=row,
            preview=preview,
            reason=reason,
        )
        policy = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
        return html(text, private=True, headers={"Content-Security-Policy": policy})

    async def message(self, request: Request) -> Response:
        """Answer with the HTML part of a notice, for the frame that shows it."""
        row = await to_thread.run_sync(self._find, request)
        preview = (await to_thread.run_sync(self._preview, row))[0] if row else None
        if preview is None:
            return not_found(request, demonstration=True)
        # Readers have a Thai font; the machine that shows the demonstration may have none.
        font = f'<link rel="stylesheet" href="{asset_url("css/sarabun.css")}">'
        shown = preview.html.replace("</head>", f"{font}{_LINKS_OPEN_PAGES}</head>", 1)
        return html(shown, private=True, headers=_MESSAGE_HEADERS)

    def _newest(self, case_id: str) -> Sequence[NoticeRow]:
        rows = select(NoticeRow)
        if case_id:
            rows = rows.where(col(NoticeRow.case_id) == case_id)
        newest = rows.order_by(col(NoticeRow.created_at).desc(), col(NoticeRow.seq).desc())
        with self._database.reading() as session:
            return session.scalars(newest.limit(MOST_LISTED)).all()

    def _find(self, request: Request) -> NoticeRow | None:
        with self._database.reading() as session:
            return session.get(NoticeRow, request.query_params.get("key", "")[:_LONGEST_KEY])

    def _preview(self, row: NoticeRow) -> tuple[Preview | None, str]:
        try:
            return self._composer.render_preview(row.key), ""
        except NotComposable as fault:
            return None, str(fault)
