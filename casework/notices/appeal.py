"""The right of appeal: which letters have to name it, and how long it is open.

A written administrative order that can be appealed names the appeal, its time and its place; where it
does not, the time grows to one year (Administrative Procedure Act B.E. 2539, sections 40 and 44). What
to say stands in ``templates/_appeal``, once for all letters.
"""

from collections.abc import Callable, Mapping

from casework.domain import events as e
from casework.domain.rules import PeriodName
from casework.notices.catalogue import NoticeSlug
from casework.notices.occasion import Occasion
from casework.notices.readers import Audience

APPEAL_DAYS = 15
"""Calendar days from the day on which the notice is received."""


def _always(event: e.Event) -> bool:
    return True


def _ends_an_application(event: e.Event) -> bool:
    """Leave out an invitation that nobody answered: it ends at no disadvantage."""
    return isinstance(event, e.CaseLapsed) and event.period is not PeriodName.INVITATION


ADVERSE: Mapping[NoticeSlug, Callable[[e.Event], bool]] = {
    NoticeSlug.APPLICATION_REJECTED: _always,
    NoticeSlug.DECISION_REFUSED: _always,
    NoticeSlug.CASE_LAPSED: _ends_an_application,
}
"""Letters that tell an applicant of an adverse decision, and of which events they do."""


def appeal_days(occasion: Occasion) -> int | None:
    """Return the days in which the reader may appeal against what the notice tells; None without an appeal."""
    adverse = ADVERSE.get(occasion.key.slug)
    line, audience = occasion.line, occasion.readers.audience
    if adverse is None or line is None or audience is not Audience.APPLICANT:
        return None
    return APPEAL_DAYS if adverse(line.event) else None
