"""What the run of a drive does to its rows: reserve cases for some, and note what came of each.

The rows are the truth about how far a drive has come. A page that was begun and lost is simply
read again: a row that has its outcome is left alone, and a reservation is found under its key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.contracts.casebook import Unrecorded
from casework.contracts.enrollment import case_id_of, digest_of
from casework.domain._model import Frozen
from casework.domain.actors import SYSTEM
from casework.domain.drives import (
    DriveTerms,
    LastCase,
    RowOutcome,
    Stand,
    Standing,
    Why,
    covers,
    standing_of,
)
from casework.domain.events import EstablishmentInvited, Recorded
from casework.store.cases.enrollments import GIVEN_UP_AFTER
from casework.store.drives.drives import find_drive, terms_of
from casework.store.drives.knowledge import cases_of, contacts_of
from casework.store.drives.sites import SiteOnFile, keep_sites
from casework.store.drives.tables import DriveRow
from casework.store.keys import new_id
from casework.store.tables import CaseRow, Contact, Enrollment, JournalRow


class OpeningVersion(Frozen):
    """The program version under which cases open now, and the prefix of their ids."""

    version: str
    prefix: str


class RowEnd(Frozen):
    """What came of a row. ``opened`` is what is to be recorded of the case it opened."""

    line: int
    outcome: RowOutcome
    why: Why | None = None
    about: str | None = None
    case_id: str | None = None
    opened: Unrecorded | None = None


@dataclass(frozen=True)
class Reserved:
    """A row whose case is reserved and waits to be started by its invitation."""

    line: int
    case_id: str
    establishment_id: str
    province: str
    program_version: str
    update_id: str


def update_id_of(drive_id: str, line: int) -> str:
    """Return the id under which a row opens its case once: of the reservation and of the update."""
    return f"{drive_id}/{line}"


def pending_rows(session: Session, drive_id: str, limit: int) -> list[DriveRow]:
    """Return the next rows whose turn it is."""
    rows = (
        select(DriveRow)
        .where(col(DriveRow.drive_id) == drive_id, col(DriveRow.outcome) == RowOutcome.PENDING)
        .order_by(col(DriveRow.line))
        .limit(limit)
    )
    return list(session.scalars(rows))


def reserve_page(
    session: Session, drive_id: str, version: OpeningVersion, limit: int, now: datetime
) -> list[Reserved]:
    """Reserve the cases of the next rows and end the rows for which no case is to be opened.

    At most 14 statements and one for each row that ends here. Whoever applies for, or invites, one
    of these establishments at the same time waits for this transaction, or this one for theirs.

    Raises:
        LookupError: there is no such drive.
    """
    drive = find_drive(session, drive_id)
    if drive is None:
        raise LookupError(f"there is no drive {drive_id}")
    rows = pending_rows(session, drive_id, limit)
    if not rows:
        return []
    sites = keep_sites(session, rows, now)
    ids = {site.id for site in sites.values()}
    own = _own_reservations(session, drive_id, rows)
    page = _Page(
        drive_id=drive_id,
        program=drive.program,
        version=version,
        terms=terms_of(session, drive),
        now=now,
        own=own,
        own_cases={enrollment.case_id for enrollment, _ in own.values()},
        contacts=contacts_of(session, ids),
        cases=cases_of(session, drive.program, ids),
    )
    for row in rows:
        page.take(row, sites.get(row.line))
    page.write(session)
    return page.reserved


def mark(session: Session, drive_id: str, ends: Iterable[RowEnd], now: datetime) -> None:
    """Note what came of rows."""
    rows = [
        {
            "drive_id": drive_id,
            "line": end.line,
            "outcome": end.outcome,
            "outcome_why": end.why,
            "outcome_about": end.about,
            "case_id": end.case_id,
            "done_at": now,
        }
        for end in ends
    ]
    if rows:
        session.execute(update(DriveRow), rows)


def inviter_of(session: Session, case_id: str) -> str | None:
    """Return the drive that opened a case, an empty text if none did, None if no case is on record."""
    body = session.scalar(
        select(col(JournalRow.body)).where(
            col(JournalRow.case_id) == case_id, col(JournalRow.seq) == 1
        )
    )
    if body is None:
        return None
    event = Recorded.model_validate_json(body).event
    return event.drive if isinstance(event, EstablishmentInvited) else ""


@dataclass
class _Page:
    """The rows of a page on their way: what is known of them, and what is to be written."""

    drive_id: str
    program: str
    version: OpeningVersion
    terms: DriveTerms
    now: datetime
    own: dict[str, tuple[Enrollment, bool]]
    own_cases: set[str]
    contacts: dict[str, str]
    cases: dict[str, list[LastCase]]
    reserved: list[Reserved] = field(default_factory=list[Reserved])
    _ends: list[RowEnd] = field(default_factory=list[RowEnd])
    _contacts: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    _enrollments: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    _given_up: list[str] = field(default_factory=list[str])

    def take(self, row: DriveRow, site: SiteOnFile | None) -> None:
        """Find out what is to become of a row."""
        own = self.own.get(update_id_of(self.drive_id, row.line))
        if own is not None:
            self._go_on(row, *own)
        elif site is None:
            self._end(row, RowOutcome.SKIPPED, Why.INVALID)
        elif not covers(self.terms, site.province):
            self._end(row, RowOutcome.SKIPPED, Why.OUTSIDE_JURISDICTION, site.province)
        else:
            cases = tuple(self.cases.get(site.id, ()))
            stand = standing_of(cases, self.terms, self.now, GIVEN_UP_AFTER)
            self._invite(row, site, stand)

    def _go_on(self, row: DriveRow, enrollment: Enrollment, is_recorded: bool) -> None:
        """Take up what an attempt before this one began."""
        if is_recorded:
            self._end(row, RowOutcome.OPENED, case_id=enrollment.case_id)
            return
        self.reserved.append(
            Reserved(
                line=row.line,
                case_id=enrollment.case_id,
                establishment_id=enrollment.establishment_id,
                province=enrollment.province,
                program_version=enrollment.program_version,
                update_id=enrollment.update_id,
            )
        )

    def _invite(self, row: DriveRow, site: SiteOnFile, stand: Stand) -> None:
        match stand.standing:
            case Standing.RESERVED if stand.case_id not in self.own_cases:
                why = Why.BEING_APPLIED_FOR
                self._end(row, RowOutcome.FAILED, why, stand.case_id)
            case Standing.OPEN | Standing.RESERVED:
                self._end(row, RowOutcome.JOINED, case_id=stand.case_id)
            case Standing.CERTIFIED:
                self._end(row, RowOutcome.SKIPPED, Why.ALREADY_CERTIFIED, stand.case_id)
            case Standing.INVITED_BEFORE:
                self._end(row, RowOutcome.SKIPPED, Why.INVITED_BEFORE, stand.case_id)
            case Standing.FREE:
                contact = self._contact(row, site)
                if contact is None:
                    self._end(row, RowOutcome.SKIPPED, Why.NO_CONTACT)
                else:
                    self._reserve(row, site, stand, contact)

    def _contact(self, row: DriveRow, site: SiteOnFile) -> str | None:
        """Return the contact of the list, else the latest on file."""
        if row.email is None:
            return self.contacts.get(site.id)
        contact = new_id("con")
        self._contacts.append(
            {
                "id": contact,
                "establishment_id": site.id,
                "name": row.contact_name or site.name,
                "email": row.email,
                "phone": row.phone,
                "language": row.language,
                "created_at": self.now,
            }
        )
        return contact

    def _reserve(self, row: DriveRow, site: SiteOnFile, stand: Stand, contact: str) -> None:
        if stand.replaces is not None:
            self._given_up.append(stand.replaces)
        case_id = case_id_of(self.version.prefix, self.program, site.id, stand.next_cycle)
        update_id = update_id_of(self.drive_id, row.line)
        self._enrollments.append(
            {
                "case_id": case_id,
                "program": self.program,
                "establishment_id": site.id,
                "cycle": stand.next_cycle,
                "program_version": self.version.version,
                "province": site.province,
                "contact_id": contact,
                "applicant": SYSTEM.person,
                "update_id": update_id,
                "digest": digest_of("Invitation", update_id),
                "created_at": self.now,
            }
        )
        # A later line of the same establishment finds this case.
        self.own_cases.add(case_id)
        self.cases.setdefault(site.id, []).append(
            LastCase(case_id=case_id, cycle=stand.next_cycle, reserved_at=self.now)
        )
        self.reserved.append(
            Reserved(
                line=row.line,
                case_id=case_id,
                establishment_id=site.id,
                province=site.province,
                program_version=self.version.version,
                update_id=update_id,
            )
        )

    def _end(
        self,
        row: DriveRow,
        outcome: RowOutcome,
        why: Why | None = None,
        about: str | None = None,
        *,
        case_id: str | None = None,
    ) -> None:
        end = RowEnd(line=row.line, outcome=outcome, why=why, about=about, case_id=case_id)
        self._ends.append(end)

    def write(self, session: Session) -> None:
        """Write down what was found out."""
        if self._given_up:
            given_up = col(Enrollment.case_id).in_(self._given_up)
            session.execute(delete(Enrollment).where(given_up))
        if self._contacts:
            session.execute(insert(Contact), self._contacts)
        if self._enrollments:
            session.execute(insert(Enrollment), self._enrollments)
        mark(session, self.drive_id, self._ends, self.now)


def _own_reservations(
    session: Session, drive_id: str, rows: Sequence[DriveRow]
) -> dict[str, tuple[Enrollment, bool]]:
    """Return by key the reservations these rows made before, and whether their cases are on record."""
    keys = [update_id_of(drive_id, row.line) for row in rows]
    found = session.execute(
        select(Enrollment, col(CaseRow.case_id))
        .outerjoin(CaseRow, col(CaseRow.case_id) == col(Enrollment.case_id))
        .where(col(Enrollment.update_id).in_(keys))
    )
    return {row.update_id: (row, bool(case_id)) for row, case_id in found}
