"""How an application comes in: it is looked at, and its case is reserved before the engine starts it."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from casework.domain.calendar import WorkCalendar
from casework.domain.case import Terms
from casework.domain.policy import Principal
from casework.domain.refusals import RefusalCode, Refused
from casework.programs.catalog import ProgramCatalog
from casework.programs.openings import version_open_on
from casework.store.cases.enrollments import (
    CaseAlreadyOpen,
    NewContact,
    NewEnrollment,
    NewEstablishment,
    Opened,
    open_enrollment,
)
from casework.store.communities import NewCommunity, put_communities
from casework.store.database import Database
from casework.store.evidence import unknown_files


class EvidenceUnknown(Exception):
    """The application names files that nobody has uploaded."""

    def __init__(self, hashes: frozenset[str]) -> None:
        super().__init__(f"{len(hashes)} files are not stored")
        self.hashes = hashes


class NewApplication(NamedTuple):
    """What somebody applies with. ``files`` are the hashes of all that it names."""

    program: str
    establishment: NewEstablishment
    contact: NewContact
    communities: tuple[NewCommunity, ...]
    files: frozenset[str]
    update_id: str
    digest: str


class Reserved(NamedTuple):
    """A reserved case, and what is fixed for its life."""

    opened: Opened
    terms: Terms


class Applications:
    """Reserve cases in SQL. Blocks; it starts no case, which is the engine's part."""

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        calendar: Callable[[], WorkCalendar],
        now: Callable[[], datetime],
        *,
        samples: bool,
    ) -> None:
        """Keep the collaborators.

        Args:
            database: the application database.
            catalog: the programs.
            calendar: gives the working days that a new case counts by.
            now: tells the time in UTC.
            samples: whether sample programs take applications.
        """
        self._database = database
        self._catalog = catalog
        self._calendar = calendar
        self._now = now
        self._samples = samples

    def reserve(self, principal: Principal, new: NewApplication) -> Reserved:
        """Keep who applies and reserve the case, in one transaction; nothing is kept on a refusal.

        Raises:
            NoSuchVersion: the program takes no applications now.
            EvidenceUnknown: a file is not there.
            Refused: the establishment is known, and the principal does not act for it.
            CaseAlreadyOpen: there is a case, which the principal may know of.
            KeyReused: the key reserved a case with other content.
        """
        now = self._now()
        version = version_open_on(self._catalog, new.program, now, samples=self._samples)
        enrollment = NewEnrollment(
            program=version.program,
            prefix=version.prefix,
            program_version=version.version,
            establishment=new.establishment,
            contact=new.contact,
            applicant=principal.person,
            update_id=new.update_id,
            digest=new.digest,
        )
        try:
            with self._database.writing() as session:
                if unknown := unknown_files(session, new.files):
                    raise EvidenceUnknown(unknown)
                opened = open_enrollment(session, enrollment, now)
                _require_own(principal, opened)
                if opened.is_new:
                    by = principal.person
                    put_communities(session, opened.case_id, new.communities, by, now)
        except CaseAlreadyOpen as error:
            if (
                principal.establishment != error.establishment_id
                and principal.person != error.applicant
            ):
                # Whoever has no part in the case does not even learn that there is one.
                raise _not_yours() from error
            raise
        terms = Terms(
            case_id=opened.case_id,
            establishment=opened.establishment_id,
            province=new.establishment.province,
            rules=self._catalog.get(version.program, opened.program_version).rules(),
            calendar=self._calendar(),
        )
        return Reserved(opened, terms)


def _require_own(principal: Principal, opened: Opened) -> None:
    """Keep strangers from applying for, and so describing anew, an establishment that is known."""
    if principal.establishment is not None:
        allowed = principal.establishment == opened.establishment_id
    else:
        allowed = opened.establishment_is_new or not opened.is_new
    if not allowed:
        raise _not_yours()


def _not_yours() -> Refused:
    return Refused(
        RefusalCode.NOT_YOUR_ESTABLISHMENT,
        "The establishment is known: apply with a token that is bound to it.",
        "/establishment/registration_no",
    )
