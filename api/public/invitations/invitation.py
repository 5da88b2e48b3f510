"""What a signed link shows of its case, and how its contact is corrected."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from api.public.invitations.form import ApplicationForm
from casework.domain.stages import Stage
from casework.identity.invitation_links import Invitation
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import ProgramVersion
from casework.store.cases.casebook import find_case
from casework.store.cases.enrollments import (
    NewContact,
    add_contact,
    find_contact,
    find_establishment,
)
from casework.store.tables import CaseRow, Contact, Establishment


class Answered(StrEnum):
    """What has become of an invitation."""

    NOT_YET = "not-yet"
    APPLIED = "applied"
    DECLINED = "declined"
    OVER = "over"


@dataclass(frozen=True)
class InvitedSite:
    """An invitation with what is known of the site that it is for."""

    invitation: Invitation
    case: CaseRow
    program: ProgramVersion
    site: Establishment
    contact: Contact

    def answered(self, now: datetime) -> Answered:
        """Say what has become of it."""
        match self.case.stage:
            case Stage.INVITED:
                is_late = self.case.due_at is not None and self.case.due_at <= now
                return Answered.OVER if is_late else Answered.NOT_YET
            case Stage.DECLINED:
                return Answered.DECLINED
            case Stage.LAPSED | Stage.WITHDRAWN:
                return Answered.OVER
            case _:
                return Answered.APPLIED


def find_invited(
    session: Session, catalog: ProgramCatalog, invitation: Invitation
) -> InvitedSite | None:
    """Return the case of an invitation with its site; None if they do not belong together (any more)."""
    case = find_case(session, invitation.case)
    site = find_establishment(session, invitation.establishment)
    contact = find_contact(session, invitation.contact)
    if case is None or site is None or contact is None:
        return None
    if case.establishment_id != site.id or contact.establishment_id != site.id:
        return None
    program = catalog.get(case.program, case.program_version)
    return InvitedSite(invitation, case, program, site, contact)


def contact_for(
    session: Session, invited: InvitedSite, form: ApplicationForm, now: datetime
) -> str:
    """Return the contact that the form names, kept once however often the form is sent."""
    new = NewContact(
        name=form.name,
        email=form.email,
        phone=form.phone or None,
        language="en" if invited.contact.language == "en" else "th",
    )
    same = select(col(Contact.id)).where(
        col(Contact.establishment_id) == invited.site.id,
        col(Contact.name) == new.name,
        col(Contact.email) == new.email,
        col(Contact.phone).is_not_distinct_from(new.phone),
        col(Contact.language) == new.language,
    )
    known = list(session.scalars(same.order_by(col(Contact.created_at), col(Contact.id))))
    if invited.contact.id in known:
        return invited.contact.id
    return known[0] if known else add_contact(session, invited.site.id, new, now)
