"""Pages for everybody, without an account and without Temporal: register, feedback, cases, data files.

The answers to invitations are the exception: they are acts, and acts need the engine.
"""

from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.engine.cases import CaseGateway
from api.http.pacing import PublicPace
from api.pages.assets import add_static_files
from api.pages.site import Clock, Site
from api.public.applicant.pages import CaseStatusPages
from api.public.feedback.pages import FeedbackPages
from api.public.feedback.printed_notice import PrintedNotice
from api.public.invitations.pages import InvitationPages
from api.public.outbox_page import OutboxPage
from api.public.register.in_memory import RegisterInMemory, read_entries
from api.public.register.pages import RegisterPages
from casework.domain.calendar import Language
from casework.identity.invitation_links import InvitationLinks
from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database


def _now() -> datetime:
    return datetime.now(UTC)


def public_pages(
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    clock: Clock = _now,
    pace: PublicPace | None = None,
    gateway: CaseGateway | None = None,
) -> APIRouter:
    """Return the routes of all public pages and of their static files.

    Include it last: under ``/th/`` and ``/en/`` it answers every other address with a page that
    says so, in both languages.

    Args:
        settings: for the public address, and whether this is a demonstration.
        database: the application database; the register is read into memory from it.
        catalog: the words of the programs.
        clock: tells the time in UTC.
        pace: how many representations may come from where; the API's, so that both are counted together.
        gateway: takes what invited establishments answer; without it there are no such pages.
    """
    site = Site(database, demonstration=settings.sample_programs)
    register = RegisterInMemory(lambda after: read_entries(database, after), clock)
    RegisterPages(site, register, catalog, settings.public_url)
    add_static_files(site.router)
    FeedbackPages(site, database, catalog, clock, pace)
    PrintedNotice(site, catalog, clock, settings.public_url)
    CaseStatusPages(site, catalog, clock)
    links = InvitationLinks.of(settings)
    if gateway is not None:
        InvitationPages(site, links, gateway, database, catalog, clock)
    if settings.outbox_page:
        composer = NoticeComposer(
            database, catalog, settings.public_url, settings.mail_from, clock, links
        )
        OutboxPage(site, composer)

    async def nothing(language: Language, request: Request) -> Response:
        return site.not_found(request)

    site.add("/{rest:path}", "GET", nothing)
    site.add_without_language("/r/{rest:path}", nothing)
    return site.router
