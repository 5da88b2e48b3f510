"""What a template can say: an occasion in the words of its reader's language.

Templates get strings, numbers and lists of items, never a row: what is not here cannot
leak. Texts of applicants and of the community are not here either, so that nobody can make the
ministry send their words to a stranger; links lead to the pages that show them.
"""

from dataclasses import dataclass
from typing import Any

from casework.domain.rules import HOLDERS, Holder, PeriodName
from casework.domain.stages import CLOSED, Stage
from casework.identity.invitation_links import Invitation
from casework.notices import dates, words
from casework.notices.addresses import Addresses
from casework.notices.appeal import appeal_days
from casework.notices.catalogue import NoticeSlug
from casework.notices.event_context import told_by_event
from casework.notices.faults import NotComposable
from casework.notices.occasion import Occasion
from casework.notices.readers import Audience
from casework.programs.provinces import provinces


@dataclass(frozen=True)
class Contact:
    """Whom the reader can ask."""

    name: str
    email: str


_ANY = frozenset(PeriodName) - {PeriodName.FEEDBACK, PeriodName.VALIDITY}
_DUE: dict[NoticeSlug, frozenset[PeriodName]] = {
    NoticeSlug.INVITATION: frozenset({PeriodName.INVITATION}),
    NoticeSlug.APPLICATION_RECEIVED: frozenset({PeriodName.APPLICATION_REVIEW}),
    NoticeSlug.APPLICATION_TO_REVIEW: frozenset({PeriodName.APPLICATION_REVIEW}),
    NoticeSlug.APPLICATION_RESUBMITTED: frozenset({PeriodName.APPLICATION_REVIEW}),
    NoticeSlug.APPLICATION_RETURNED: frozenset({PeriodName.RESUBMISSION}),
    NoticeSlug.APPLICATION_ACCEPTED: frozenset({PeriodName.INSPECTION}),
    NoticeSlug.VISIT_SCHEDULED: frozenset({PeriodName.INSPECTION}),
    NoticeSlug.VISIT_RESCHEDULED: frozenset({PeriodName.INSPECTION}),
    NoticeSlug.CORRECTION_REQUIRED: frozenset({PeriodName.CORRECTIVE_ACTION}),
    NoticeSlug.CORRECTION_SUBMITTED: frozenset({PeriodName.VERIFICATION}),
    NoticeSlug.CORRECTION_NOT_ACCEPTED: frozenset({PeriodName.CORRECTIVE_ACTION}),
    NoticeSlug.REPRESENTATIONS_TO_ANSWER: frozenset({PeriodName.ANSWERING}),
    NoticeSlug.CASE_TO_REVIEW: frozenset({PeriodName.REVIEW}),
    NoticeSlug.CASE_TO_DECIDE: frozenset({PeriodName.DECISION}),
    NoticeSlug.DECISION_DEFERRED: frozenset({PeriodName.RESUBMISSION}),
    NoticeSlug.DEFERRAL_TO_FOLLOW_UP: frozenset({PeriodName.INSPECTION, PeriodName.REVIEW}),
    NoticeSlug.CASE_ASSIGNED: _ANY,
    NoticeSlug.CONFLICT_OF_OFFICER: _ANY,
    NoticeSlug.INSPECTOR_NEEDED: frozenset({PeriodName.INSPECTION}),
    NoticeSlug.DEADLINE_REMINDER: _ANY,
}
"""The period a notice speaks of. The date is the one that counts when the message leaves, so a
deadline that moved is right, and one that is over (the case went on) is left out."""


def context_of(occasion: Occasion, addresses: Addresses) -> dict[str, Any]:
    """Return what the frame and the template of this notice may use.

    Raises:
        NotComposable: the notice does not fit the event it names.
    """
    readers, case = occasion.readers, occasion.case
    language = readers.language
    application = _application(occasion, addresses)
    context: dict[str, Any] = {
        "case_id": case.case_id,
        "establishment": occasion.name,
        "address": occasion.establishment.address,
        "province": provinces()[case.province].name(language),
        "program": occasion.program.name.to(language),
        "office": words.office_in(case.province, language),
        "officer": _contact(occasion),
        "audience": readers.audience.value,
        "staff": readers.audience is Audience.STAFF,
        "salutation": _salutation(occasion),
        "page": application or _page(occasion, addresses),
        "invited": application is not None,
        "closed": case.stage in CLOSED,
        "due": _due(occasion),
        "must_act": _must_act(occasion),
        "appeal_days": appeal_days(occasion),
        "receipt": occasion.representation.receipt if occasion.representation else None,
    }
    if occasion.line is None:
        return context | _receipt(occasion)
    context["happened_on"] = dates.day(occasion.line.at, language)
    return context | told_by_event(occasion, occasion.line, addresses)


def _contact(occasion: Occasion) -> Contact | None:
    officer = occasion.officer
    readers = {mailbox.email for mailbox in occasion.readers.mailboxes}
    if officer is None or officer.email in readers:
        return None
    return Contact(officer.name, officer.email)


def _salutation(occasion: Occasion) -> str:
    """Return the name of the one reader, else the name of the group."""
    readers = occasion.readers
    name = readers.mailboxes[0].name
    if len(readers.mailboxes) == 1 and name:
        # An office or an association is no person who could have a title.
        is_person = readers.audience is not Audience.COMMUNITY
        return _polite(name) if readers.language == "th" and is_person else name
    return words.GROUPS[readers.group].to(readers.language)


_TITLES = (
    *("นาย", "นาง", "คุณ", "ว่าที่", "หม่อม", "พลเอก", "พลโท", "พลตรี", "พันเอก", "พันโท", "พันตรี"),
    *("ร้อยเอก", "ร้อยโท", "ร้อยตรี"),
)


def _polite(name: str) -> str:
    """Put the polite title before a Thai name that has none."""
    name = name.strip()
    is_thai = "\u0e01" <= name[:1] <= "\u0e5b"
    # A point in the first word abbreviates a rank or a degree.
    titled = name.startswith(_TITLES) or "." in name.partition(" ")[0]
    return f"คุณ{name}" if is_thai and not titled else name


def _page(occasion: Occasion, addresses: Addresses) -> str:
    language, case_id = occasion.readers.language, occasion.case.case_id
    if occasion.readers.audience not in {Audience.AUTHOR, Audience.COMMUNITY}:
        return addresses.case(case_id, language)
    if occasion.representation is None:
        return addresses.feedback(case_id, language)
    return addresses.receipt(occasion.representation.receipt, language)


def _application(occasion: Occasion, addresses: Addresses) -> str | None:
    """Return where an invited contact applies; None if the invitation is over when the message leaves."""
    case, contact = occasion.case, occasion.readers.contact
    if case.stage is not Stage.INVITED or contact is None or case.due_at is None:
        return None
    invitation = Invitation.until(
        case.due_at,
        case=case.case_id,
        contact=contact,
        establishment=case.establishment_id,
    )
    return addresses.application(invitation, occasion.readers.language)


def _due(occasion: Occasion) -> str | None:
    case = occasion.case
    about = _DUE.get(occasion.key.slug, frozenset())
    if case.due_at is None or case.due_period not in about:
        return None
    return dates.deadline(case.due_at, occasion.readers.language)


def _must_act(occasion: Occasion) -> bool:
    """Say whether the period waits for this reader, so that its end is shown as theirs to keep."""
    period = occasion.case.due_period
    if period is None:
        return False
    applicants = HOLDERS[period] is Holder.APPLICANT
    return applicants == (occasion.readers.audience is Audience.APPLICANT)


def _receipt(occasion: Occasion) -> dict[str, Any]:
    said, closes = occasion.representation, occasion.case.feedback_closes_at
    if said is None:
        raise NotComposable("The receipt is for a representation that is not there.")
    language = occasion.readers.language
    return {
        "happened_on": dates.day(said.received_at, language),
        "closes": dates.deadline(closes, language) if closes else None,
    }
