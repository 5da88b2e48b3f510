"""The public register: publish a certification as it stands at a version of its case."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from temporalio import activity

from casework.contracts import register as contract
from casework.domain.events import Recorded
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import CertificationEntry, certification_entry
from casework.store.cases import casebook
from casework.store.database import Database
from casework.store.register import add_entry
from casework.store.tables import Establishment

_AT_ONCE = 500


class NotYetRecorded(Exception):
    """SQL does not know the case or its version yet. Retried: a moment later it may."""


class RegisterActivities:
    """Publish. What is shown follows from the journal and the establishment, and from nothing else.

    Blocking calls, so plain functions: the worker runs them on threads.
    """

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep the application database, the programs for rules and words, and the clock (UTC)."""
        self._database = database
        self._catalog = catalog
        self._now = now

    @activity.defn(name=contract.PUBLISH)
    def publish(self, request: contract.PublishRequest) -> contract.PublishReceipt:
        """Add the entry of this version to the register, once however often this is tried.

        Raises:
            NotYetRecorded: the journal ends before the version.
            NothingToPublish: no certification was granted up to the version. Never retried.
        """
        # Two transactions: the journal only grows, so nobody has to wait while it is read.
        with self._database.reading() as session:
            entry = self._entry(session, request)
        with self._database.writing() as session:
            return contract.PublishReceipt(entry=add_entry(session, entry, self._now()))

    def _entry(self, session: Session, request: contract.PublishRequest) -> CertificationEntry:
        case = casebook.find_case(session, request.case_id)
        site = session.get(Establishment, case.establishment_id) if case else None
        journal = _journal(session, request)
        if case is None or site is None or len(journal) < request.version:
            raise NotYetRecorded(f"{request.case_id} is not on record up to {request.version}")
        program = self._catalog.get(case.program, case.program_version)
        return certification_entry(journal, request.case_id, site, program)


def _journal(session: Session, request: contract.PublishRequest) -> list[Recorded]:
    """Read the events up to the version, and none after it."""
    journal: list[Recorded] = []
    while len(journal) < request.version:
        limit = min(_AT_ONCE, request.version - len(journal))
        rows = casebook.read_journal(session, request.case_id, after=len(journal), limit=limit)
        if not rows:
            break
        journal += map(casebook.read_line, rows)
    return journal
