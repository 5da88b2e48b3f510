"""How notices write days, times and deadlines."""

from datetime import UTC, datetime

from casework.domain.calendar import end_of_day, local_date
from casework.notices import dates
from tests.sample_case import NOW


def test_a_moment_is_told_in_bangkok_time() -> None:
    """Buddhist era and a point in Thai, common era and a colon in English."""
    assert dates.moment(NOW, "th") == "23 พฤศจิกายน 2569 เวลา 10.00 น."
    assert dates.moment(NOW, "en") == "23 November 2026 at 10:00"


def test_a_deadline_is_the_last_day_in_time() -> None:
    """The midnight that ends it belongs to the next day, which nobody should be told."""
    due = end_of_day(local_date(NOW))
    assert dates.deadline(due, "th") == "23 พฤศจิกายน 2569"
    assert dates.deadline(due, "en") == "23 November 2026"


def test_a_deadline_within_a_day_has_its_time() -> None:
    """Sample programs count in seconds."""
    due = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    assert dates.deadline(due, "en") == "24 November 2026 at 00:30"
