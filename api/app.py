"""The web application, put together; :mod:`api.server` serves it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.collaborators import Collaborators
from api.engine.calls import EngineBusy, EngineCalls, TemporalUnavailable
from api.engine.cases import CaseGateway, CaseNotRunning, RecordBehind
from api.engine.drives import DriveGateway
from api.http import openapi
from api.http.envelope import BoundedBodies, Envelope, OneEnd
from api.http.errors import ProblemResponses
from api.http.metrics import Metrics
from api.http.pacing import PublicPace, Quota
from api.http.sizes import most_bytes
from api.pages.errors import error_page
from api.public import public_pages
from api.routes import errors, identity, operation, programs
from api.routes.cases import acts, applications, communities, evidence, representations
from api.routes.cases import reading as cases
from api.routes.docs_page import docs_page
from api.routes.drives import drives, seminars, targets
from api.routes.drives import lists as drive_lists
from api.routes.drives import runs as drive_runs
from casework.audit.figures import FigureReader
from casework.cases.applications import Applications
from casework.cases.on_record import ActsOnRecord
from casework.cases.reading import CaseReader, CurrentCalendar
from casework.cases.recording import CaseRecorder
from casework.domain.refusals import RefusalCode
from casework.drives.reasons import DriveReasons
from casework.identity.revocation import RevocationList
from casework.identity.tokens import TokenVerifier
from casework.people.revoking import read_revoked
from casework.processes.configuration import SettingsInvalid, read_settings
from casework.processes.logs import configure_logs
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from casework.store.evidence import EvidenceStore
from casework.store.keys import KeyReused


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def create_app(
    settings: Settings | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    catalog: ProgramCatalog | None = None,
) -> FastAPI:
    """Make the application. Nothing connects before the first request needs it.

    Args:
        settings: by default those of the environment.
        now: tells the time in UTC.
        catalog: the programs; by default those that ship.
    """
    configure_logs()
    try:
        settings = settings or read_settings()
    except SettingsInvalid as error:
        # The server that calls this would print a traceback of any other exception.
        raise SystemExit(str(error)) from None
    parts = collaborators(settings, now, catalog or ProgramCatalog.load())
    app = FastAPI(
        title="Casework",
        version=version("casework"),
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_closing(parts),
    )
    app.state.collaborators = parts
    page = partial(error_page, demonstration=settings.sample_programs)
    problems = ProblemResponses(settings.public_url, page)
    problems.install(
        app,
        {
            TemporalUnavailable: "engine-unavailable",
            EngineBusy: "case-busy",
            CaseNotRunning: "case-not-running",
            RecordBehind: "record-behind",
            KeyReused: RefusalCode.KEY_REUSED.value,
        },
    )
    for router in (
        applications.router,
        cases.router,
        acts.router,
        representations.router,
        communities.router,
        evidence.router,
        programs.router,
        seminars.router,
        drives.router,
        drive_lists.router,
        drive_runs.router,
        targets.router,
        identity.router,
        errors.router,
        operation.router,
        docs_page(),
        # Last: it answers every other address under /th and /en.
        public_pages(
            settings,
            parts.database,
            parts.catalog,
            now,
            pace=parts.public_pace,
            gateway=parts.gateway,
        ),
    ):
        app.include_router(router)
    app.add_middleware(BoundedBodies, problems=problems, most_bytes=most_bytes)
    app.add_middleware(OneEnd, problems=problems)
    app.add_middleware(
        Envelope,
        problems=problems,
        metrics=parts.metrics,
        https=settings.public_url.startswith("https://"),
    )
    # Outermost: who sent the request, for all that follows.
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.trusted_proxies)
    openapi.install(app, settings.public_url)
    return app


def collaborators(
    settings: Settings, now: Callable[[], datetime], catalog: ProgramCatalog
) -> Collaborators:
    """Make the parts that the routes work with."""
    database = Database(settings.database)

    def seconds() -> float:
        return now().timestamp()

    revoked = RevocationList(
        lambda: read_revoked(database, now(), settings.token_longest_seconds), seconds
    )
    metrics = Metrics()
    calls = EngineCalls(settings)
    reader = CaseReader.of(database, catalog)
    calendar = CurrentCalendar(settings.holidays_file, now)
    on_record = ActsOnRecord(database, reader, CaseRecorder(database, reader), now)
    return Collaborators(
        settings=settings,
        database=database,
        catalog=catalog,
        reader=reader,
        applications=Applications(
            database, catalog, calendar, now, samples=settings.sample_programs
        ),
        files=EvidenceStore(settings.files_folder),
        verifier=TokenVerifier.of(settings, seconds, revoked),
        engine=calls,
        calendar=calendar,
        gateway=CaseGateway(calls, on_record, metrics),
        drives=DriveGateway(calls, DriveReasons(database, now)),
        metrics=metrics,
        figures=FigureReader(database, now),
        public_pace=PublicPace(seconds),
        applications_quota=Quota(settings.applications_pace, "applications", seconds),
        uploads_quota=Quota(settings.uploads_pace, "uploads", seconds),
        now=now,
    )


def _closing(
    parts: Collaborators,
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        yield
        parts.database.close()

    return lifespan
