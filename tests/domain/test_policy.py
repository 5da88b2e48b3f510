"""What the applicant reads of the journal of their own case."""

from typing import get_args

from casework.domain.events import Event
from casework.domain.policy import is_shown_to_applicants

OF_THE_OFFICE = {
    "RecommendationMade",
    "NoteAdded",
    "OfficerReassigned",
    "ConflictDeclared",
    "DeadlineReminded",
    "DeadlineEscalated",
    "CalendarAdopted",
}


def test_every_event_is_shown_to_applicants_or_kept_by_the_office() -> None:
    """A new event is kept until somebody says here that applicants read it."""
    events = {event.__name__ for event in get_args(get_args(Event)[0])}
    assert {name for name in events if not is_shown_to_applicants(name)} == OF_THE_OFFICE
    assert not is_shown_to_applicants("SomethingNew")
