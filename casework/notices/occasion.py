"""What a notice is about, read from SQL when it is sent: at most seven statements."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain import events as e
from casework.notices.catalogue import NoticeSlug
from casework.notices.faults import NotComposable
from casework.notices.readers import Mailbox, Participants, Readers, readers_of
from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.programs.model import ProgramVersion
from casework.store.cases.casebook import read_line
from casework.store.communities import count_communities
from casework.store.people import find_people
from casework.store.tables import CaseRow, Establishment, JournalRow, Person, Representation
from casework.store.texts import ERASED, show

Visit = e.InspectionScheduled | e.InspectionRescheduled

_ABOUT_A_VISIT = frozenset(
    {
        NoticeSlug.VISIT_SCHEDULED,
        NoticeSlug.VISIT_RESCHEDULED,
        NoticeSlug.VISIT_CANCELED,
        NoticeSlug.WITHDRAWAL_RECEIVED,
        NoticeSlug.INSPECTOR_NEEDED,
    }
)


@dataclass(frozen=True)
class NoticeKey:
    """The parts of a notice's key, ``<case>/<slug>/<seq>/<recipient>``."""

    case_id: str
    slug: NoticeSlug
    seq: int
    recipient: str

    @classmethod
    def parse(cls, key: str) -> Self:
        """Take a key apart.

        Raises:
            NotComposable: it is no key, or names a notice that is not in the catalogue.
        """
        try:
            case_id, slug, seq, recipient = key.split("/")
            return cls(case_id, NoticeSlug(slug), int(seq), recipient)
        except ValueError:
            raise NotComposable(f"{key} names no notice of the catalogue.") from None

    @property
    def number(self) -> int | None:
        """Return the number of the representation whose author is the recipient, if it is one."""
        kind, _, number = self.recipient.partition(":")
        return int(number) if kind == "representation" and number.isdecimal() else None


@dataclass(frozen=True)
class Visits:
    """The site visits before an event: how many were filed, and the one that was planned last."""

    filed: int
    planned: Visit | None

    @classmethod
    def of(cls, events: Iterable[e.Event]) -> Self:
        """Go through the events about visits, in order."""
        filed, planned = 0, None
        for event in events:
            if isinstance(event, e.InspectionFiled):
                filed, planned = filed + 1, None
            elif isinstance(event, e.InspectionScheduled | e.InspectionRescheduled):
                planned = event
        return cls(filed, planned)


@dataclass(frozen=True)
class CommunityCounts:
    """How many communities are told by e-mail, and how many have to be told by post or in person."""

    by_mail: int = 0
    by_post: int = 0


@dataclass(frozen=True)
class Occasion:
    """Everything a template or a calendar file may need; ``line`` is None for a receipt."""

    key: NoticeKey
    case: CaseRow
    establishment: Establishment
    program: ProgramVersion
    line: e.Recorded | None
    representation: Representation | None
    people: dict[str, Person]
    participants: Participants
    visits: Visits
    readers: Readers
    communities: CommunityCounts

    @property
    def name(self) -> str:
        """Return the establishment's name in the reader's language, else in the other, else its number."""
        site = self.establishment
        names = [site.name_th, site.name_en]
        for name in names if self.readers.language == "th" else reversed(names):
            if name:
                return name
        return site.registration_no

    @property
    def visit_at(self) -> datetime | None:
        """Return when the visit is, or was to be, that the notice is about; None if there is none."""
        planned = self.visits.planned
        match self.line.event if self.line else None:
            case e.InspectionScheduled() | e.InspectionRescheduled() as event:
                return event.visit_at
            case e.ApplicationWithdrawn() if planned and self.line:
                return planned.visit_at if planned.visit_at > self.line.at else None
            case e.ConflictDeclared(person=person) if planned and planned.inspector == person:
                return planned.visit_at
            case _:
                return None

    @property
    def officer(self) -> Person | None:
        """Return the officer whom one can ask, if the case has one who may act on it."""
        officer = self.people.get(self.case.officer or "")
        blocked = self.case.officer in self.participants.conflicts
        return None if officer is None or blocked or not officer.email else officer


def read_occasion(session: Session, catalog: ProgramCatalog, key: NoticeKey) -> Occasion:
    """Read what a notice is about and who gets it.

    Raises:
        NotComposable: something the notice speaks of is not there.
    """
    # The number of a receipt counts representations, not events.
    is_receipt = key.slug is NoticeSlug.REPRESENTATION_RECEIVED
    found = session.execute(
        select(CaseRow, Establishment)
        .join(Establishment, col(Establishment.id) == col(CaseRow.establishment_id))
        .where(col(CaseRow.case_id) == key.case_id)
    ).first()
    if found is None:
        raise NotComposable(f"There is no case {key.case_id}.")
    case, establishment = found
    journal = None if is_receipt else session.get(JournalRow, (key.case_id, key.seq))
    if journal is None and not is_receipt:
        raise NotComposable(f"{key.case_id} has no event {key.seq}.")
    line = None if journal is None else read_line(journal)
    representation = _representation(session, key)
    visits = _visits(session, key)
    participants = _participants(case)
    people = find_people(session, _staff_named(key, case, line, visits))
    readers = readers_of(session, key.recipient, case, participants, people, representation)
    return Occasion(
        key=key,
        case=case,
        establishment=establishment,
        program=_program(catalog, case),
        line=None if line is None else show(session, line, ERASED[readers.language]),
        representation=representation,
        people=people,
        participants=participants,
        visits=visits,
        readers=_with_replaced_inspector(readers, key, visits, people),
        communities=_communities(session, key),
    )


def _with_replaced_inspector(
    readers: Readers, key: NoticeKey, visits: Visits, people: Mapping[str, Person]
) -> Readers:
    """Add the inspector whom a moved visit was taken from, or nobody would tell them."""
    kind, _, ref = key.recipient.partition(":")
    moved = key.slug is NoticeSlug.VISIT_RESCHEDULED and kind == "inspector"
    if not moved or visits.planned is None or visits.planned.inspector == ref:
        return readers
    before = people.get(visits.planned.inspector)
    if before is None or not before.email:
        return readers
    mailbox = Mailbox(email=before.email, name=before.name)
    return replace(readers, mailboxes=(*readers.mailboxes, mailbox))


def _program(catalog: ProgramCatalog, case: CaseRow) -> ProgramVersion:
    try:
        return catalog.get(case.program, case.program_version)
    except NoSuchVersion as missing:
        raise NotComposable(str(missing)) from missing


def _representation(session: Session, key: NoticeKey) -> Representation | None:
    if key.number is None:
        return None
    return session.get(Representation, (key.case_id, key.number))


def _visits(session: Session, key: NoticeKey) -> Visits:
    if key.slug not in _ABOUT_A_VISIT:
        return Visits(0, None)
    types = ("InspectionScheduled", "InspectionRescheduled", "InspectionFiled")
    rows = session.scalars(
        select(JournalRow)
        .where(
            col(JournalRow.case_id) == key.case_id,
            col(JournalRow.seq) < key.seq,
            col(JournalRow.type).in_(types),
        )
        .order_by(col(JournalRow.seq))
    )
    return Visits.of(read_line(row).event for row in rows)


def _communities(session: Session, key: NoticeKey) -> CommunityCounts:
    if key.slug is not NoticeSlug.COMMUNITIES_TO_TELL:
        return CommunityCounts()
    return CommunityCounts(*count_communities(session, key.case_id))


def _participants(case: CaseRow) -> Participants:
    snapshot: dict[str, Any] = json.loads(case.snapshot)

    def those(name: str) -> frozenset[str]:
        return frozenset(snapshot.get(name, ()))

    named = {case.inspector} if case.inspector else set[str]()
    return Participants(
        contact=snapshot.get("contact"),
        conflicts=those("conflicts"),
        applicants=those("applicants"),
        inspectors=those("inspectors") | named,
        reviewers=those("reviewers"),
        deciders=those("deciders"),
    )


def _staff_named(
    key: NoticeKey, case: CaseRow, line: e.Recorded | None, visits: Visits
) -> set[str]:
    """Return every member of staff whose name or address the notice may use."""
    kind, _, ref = key.recipient.partition(":")
    named = {case.officer, ref if kind in {"officer", "inspector"} else None}
    if visits.planned is not None:
        named.add(visits.planned.inspector)
    if line is not None and isinstance(line.event, e.ConflictDeclared):
        named.add(line.event.person)
    if line is not None and isinstance(line.event, e.InspectionScheduled | e.InspectionRescheduled):
        named.add(line.event.inspector)
    return {person for person in named if person is not None}
