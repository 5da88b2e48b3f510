"""Who reads a notice: addresses and language, looked up when it is sent and not when it is queued.

So a contact that changed in between is reached at the new address, and nothing personal stands in
the key of a notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.actors import ActorKind
from casework.domain.calendar import Language
from casework.notices.faults import NotComposable
from casework.store.communities import find_community
from casework.store.people import staff
from casework.store.tables import CaseRow, Contact, Enrollment, Person, Representation


class Audience(StrEnum):
    """How a reader stands to the case; a template may say things differently to each."""

    APPLICANT = "applicant"
    STAFF = "staff"
    AUTHOR = "author"
    COMMUNITY = "community"


@dataclass(frozen=True)
class Mailbox:
    """One address; the name is None for authors, whose name anybody may have typed."""

    email: str
    name: str | None = None


@dataclass(frozen=True)
class Readers:
    """Everybody one message goes to. ``group`` is a key of :data:`casework.notices.words.GROUPS`.

    ``contact`` is the reference of the applicant's contact.
    """

    audience: Audience
    language: Language
    mailboxes: tuple[Mailbox, ...]
    group: str
    contact: str | None = None


@dataclass(frozen=True)
class Participants:
    """Who has had which part in the case, as far as it decides who is still asked to act."""

    contact: str | None
    conflicts: frozenset[str]
    applicants: frozenset[str]
    inspectors: frozenset[str]
    reviewers: frozenset[str]
    deciders: frozenset[str]

    def barred(self, kind: ActorKind) -> frozenset[str]:
        """Return the persons of this kind whom impartiality keeps from acting on the case."""
        barred = self.conflicts | self.applicants
        if kind is ActorKind.REVIEWER:
            return barred | self.inspectors | self.deciders
        if kind is ActorKind.DECISION_MAKER:
            return barred | self.inspectors | self.reviewers
        return barred


_GROUPS = {
    "office": ActorKind.OFFICER,
    "reviewers": ActorKind.REVIEWER,
    "decision-makers": ActorKind.DECISION_MAKER,
    "supervisors": ActorKind.SUPERVISOR,
}


def readers_of(
    session: Session,
    recipient: str,
    case: CaseRow,
    people: Participants,
    known: Mapping[str, Person],
    representation: Representation | None,
) -> Readers:
    """Return who gets a notice to this recipient now. At most one statement.

    Args:
        session: a transaction to read in.
        recipient: as it stands in the outbox, such as ``applicant`` or ``inspector:person-7``.
        case: the read model of the case.
        people: who had which part in the case.
        known: staff that have been read already, by reference.
        representation: the one whose author is the recipient.

    Raises:
        NotComposable: nobody can be reached; the text says whose address is missing.
    """
    kind, _, ref = recipient.partition(":")
    match kind:
        case "applicant":
            return _applicant(session, case, people)
        case "representation":
            return _author(representation, ref)
        case "community":
            return _community(session, case, ref)
        case "officer" | "inspector":
            return _staff("office", [_reachable(known.get(ref), ref)])
        case "office":
            officer = known.get(case.officer or "")
            if officer is not None and officer.email and officer.person not in people.conflicts:
                return _staff("office", [officer])
            return _group(session, kind, case, people)
        case _ if kind in _GROUPS:
            return _group(session, kind, case, people)
        case _:
            raise NotComposable(f"There is no kind of recipient called {recipient}.")


def _applicant(session: Session, case: CaseRow, people: Participants) -> Readers:
    if people.contact is not None:
        query = select(Contact).where(col(Contact.id) == people.contact)
    else:
        # Before an application the invitation's contact is all there is.
        query = (
            select(Contact)
            .join(Enrollment, col(Enrollment.contact_id) == col(Contact.id))
            .where(col(Enrollment.case_id) == case.case_id)
        )
    contact = session.scalar(query)
    if contact is None or not contact.email:
        raise NotComposable("The contact of the establishment has no e-mail address.")
    mailbox = Mailbox(email=contact.email, name=contact.name)
    return Readers(
        Audience.APPLICANT, _language(contact.language), (mailbox,), "applicant", contact.id
    )


def _author(representation: Representation | None, number: str) -> Readers:
    if representation is None or not representation.author_email:
        raise NotComposable(f"The author of representation {number} left no e-mail address.")
    mailbox = Mailbox(email=representation.author_email)
    return Readers(Audience.AUTHOR, _language(representation.language), (mailbox,), "author")


def _community(session: Session, case: CaseRow, number: str) -> Readers:
    community = find_community(session, case.case_id, int(number)) if number.isdecimal() else None
    if community is None or not community.email:
        raise NotComposable(f"Community {number} of the case has no e-mail address.")
    mailbox = Mailbox(email=community.email, name=community.name)
    return Readers(Audience.COMMUNITY, _language(community.language), (mailbox,), "community")


def _group(session: Session, group: str, case: CaseRow, people: Participants) -> Readers:
    kind = _GROUPS[group]
    barred = people.barred(kind)
    able = [
        person
        for person in staff(session, kind, case.province, case.program)
        if person.email and person.person not in barred
    ]
    if not able:
        raise NotComposable(
            f"Province {case.province} has no {kind} with an e-mail address"
            " who may act on this case; add one to the staff directory."
        )
    return _staff(group, able)


def _reachable(person: Person | None, ref: str) -> Person:
    if person is None or not person.email:
        raise NotComposable(f"{ref} is not in the staff directory with an e-mail address.")
    return person


def _staff(group: str, people: Sequence[Person]) -> Readers:
    """Write Thai to staff, unless all of them asked for English."""
    english = all(person.language == "en" for person in people)
    mailboxes = tuple(Mailbox(email=person.email, name=person.name) for person in people)
    return Readers(Audience.STAFF, "en" if english else "th", mailboxes, group)


def _language(language: str) -> Language:
    return "en" if language == "en" else "th"
