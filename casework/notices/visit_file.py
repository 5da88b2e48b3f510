"""The calendar file of a site visit (RFC 5545 and 5546)."""

from datetime import timedelta
from email.headerregistry import Address
from zoneinfo import ZoneInfo

from icalendar import STATUS, Calendar, Event, vCalAddress

from casework.domain import events as e
from casework.notices.addresses import Addresses
from casework.notices.catalogue import NoticeSlug
from casework.notices.occasion import Occasion
from casework.notices.rendering import line
from casework.notices.unlinked import unlinked

_ZONE = ZoneInfo("Asia/Bangkok")
_LENGTH = timedelta(hours=3)
"""How long a visit is shown: an act names its beginning only."""

WITH_FILE = frozenset(
    {
        NoticeSlug.VISIT_SCHEDULED,
        NoticeSlug.VISIT_RESCHEDULED,
        NoticeSlug.VISIT_CANCELED,
        NoticeSlug.WITHDRAWAL_RECEIVED,
    }
)
"""Notices that bring a calendar file, the last one if a visit was to come."""

_SUMMARY = {"th": "ตรวจประเมิน", "en": "Site visit:"}


def visit_file(
    occasion: Occasion, organizer: Address, attendees: tuple[Address, ...], addresses: Addresses
) -> tuple[str, bytes] | None:
    """Return method and content of the file, or None for a notice without one.

    One visit keeps its ``UID`` through every change, and the number of the event is its
    ``SEQUENCE``: so a calendar moves the entry it has. A visit that was filed is over, and the next
    one is another.
    """
    visit, language = occasion.visit_at, occasion.readers.language
    if occasion.key.slug not in WITH_FILE or visit is None or occasion.line is None:
        return None
    canceled = isinstance(occasion.line.event, e.ApplicationWithdrawn)
    method = "CANCEL" if canceled else "REQUEST"
    case_id = occasion.case.case_id
    begins = visit.astimezone(_ZONE)
    name = line(unlinked(occasion.name))
    event = Event.new(
        uid=f"{case_id}.visit-{occasion.visits.filed + 1}@casework",
        sequence=occasion.line.seq,
        stamp=occasion.line.at,
        start=begins,
        end=begins + _LENGTH,
        status=STATUS.CANCELLED if canceled else STATUS.CONFIRMED,
        summary=f"{_SUMMARY[language]} {name} ({case_id})",
        location=line(unlinked(occasion.establishment.address)),
        url=addresses.case(case_id, language),
        organizer=_organizer(organizer),
        attendees=[_attendee(attendee) for attendee in attendees],
    )
    calendar = Calendar.new(
        prodid="-//Casework//Site visits//EN", method=method, subcomponents=[event]
    )
    calendar.add_missing_timezones()
    return method, calendar.to_ical()


def _organizer(address: Address) -> vCalAddress:
    return vCalAddress.new(address.addr_spec, cn=address.display_name or None)


def _attendee(address: Address) -> vCalAddress:
    # The organizer's address takes no mail, so an answer would only bounce.
    return vCalAddress.new(
        address.addr_spec, cn=address.display_name or None, role="REQ-PARTICIPANT", rsvp=False
    )
