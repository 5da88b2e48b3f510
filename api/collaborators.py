"""What the routes work with, made once for each application and handed to them by dependency."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from api.engine.calls import EngineCalls
from api.engine.cases import CaseGateway
from api.engine.drives import DriveGateway
from api.http.metrics import Metrics
from api.http.pacing import PublicPace, Quota
from casework.audit.figures import FigureReader
from casework.cases.applications import Applications
from casework.cases.reading import CaseReader, CurrentCalendar
from casework.identity.tokens import TokenVerifier
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from casework.store.evidence import EvidenceStore


@dataclass(frozen=True)
class Collaborators:
    """The parts of the system that the API speaks to. ``now`` is the only clock of the routes."""

    settings: Settings
    database: Database
    catalog: ProgramCatalog
    reader: CaseReader
    applications: Applications
    calendar: CurrentCalendar
    files: EvidenceStore
    verifier: TokenVerifier
    engine: EngineCalls
    gateway: CaseGateway
    drives: DriveGateway
    metrics: Metrics
    figures: FigureReader
    public_pace: PublicPace
    applications_quota: Quota
    uploads_quota: Quota
    now: Callable[[], datetime]


# A coroutine, as all dependencies that never block: FastAPI gives a plain function a thread, which costs
# more than what these do.
async def _of_application(request: Request) -> Collaborators:
    return cast(Collaborators, request.app.state.collaborators)


Parts = Annotated[Collaborators, Depends(_of_application)]
"""The collaborators of the application, for a route's signature."""
