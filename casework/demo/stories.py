"""Which site plays which part: the cases that fill the queues, and the one that is walked through.

What happens to a site here is made up. All swift stories together say no more than the API takes
from one address in a minute, with the tour's own words.
"""

from collections.abc import Iterable
from typing import NamedTuple

from casework.demo.sites import Site
from casework.demo.steps import Goal
from casework.domain.rules import Grade
from casework.domain.stages import Stage

ECO = "eco-network"
RIVER = "river-governance"


class Story(NamedTuple):
    """A site, by its name in the source, and where its case shall come to rest."""

    site: str
    goal: Goal


_BOTH = ("support", "objection")
_LENIENT = ("neutral",)

PATIENT: tuple[Story, ...] = (
    Story("Mae Sot", Goal(Stage.APPLICATION_REVIEW, ECO)),
    Story("Tha Luang Sugar Factory", Goal(Stage.APPLICATION_REVIEW, RIVER)),
    Story("Rangsit Factory", Goal(Stage.RETURNED, ECO)),
    Story("Angvian Sugar Mill", Goal(Stage.INSPECTION, RIVER, visit=False)),
    Story("Kaeng Khoi Factory", Goal(Stage.INSPECTION, ECO)),
    Story("Prachin Mill", Goal(Stage.CORRECTIVE_ACTION, ECO, finds=Grade.MAJOR, corrects=False)),
    Story("Eastern Sugar", Goal(Stage.CORRECTIVE_ACTION, RIVER, finds=Grade.MINOR)),
    Story("Kamphaengphet Mill", Goal(Stage.FEEDBACK, ECO, says=_BOTH)),
    Story("Ban Pong Sugar", Goal(Stage.FEEDBACK, RIVER, returns=True)),
    Story("Bang Bo", Goal(Stage.REJECTED, ECO)),
    Story("Huai Yot", Goal(Stage.WITHDRAWN, RIVER, withdraws_at=Stage.INSPECTION)),
)
"""Cases under the published versions, whose periods are weeks: they stay where they are."""

SWIFT: tuple[Story, ...] = (
    Story("Suphanburi Mill", Goal(Stage.ANSWERING, ECO, says=_BOTH)),
    Story("Singburi Biomass", Goal(Stage.ANSWERING, RIVER, says=("objection",))),
    Story("Udon Thani", Goal(Stage.REVIEW, ECO)),
    Story("Kumphawapi Sugar Mill", Goal(Stage.REVIEW, RIVER)),
    Story("Nakhon Sawan Biomass", Goal(Stage.DECISION, ECO)),
    Story("Ban Makleua Sugar Factory", Goal(Stage.DECISION, RIVER, says=_LENIENT)),
    Story("Nam Man", Goal(Stage.REFUSED, ECO, finds=Grade.MINOR, says=("objection",))),
    Story("Mae Chai", Goal(Stage.INSPECTION, ECO, visit=False, defers_to=Stage.INSPECTION)),
    Story("Bang Pahan", Goal(Stage.WITHDRAWN, ECO, withdraws_at=Stage.DECISION)),
    Story("Yala Mill", Goal(Stage.CERTIFIED, ECO)),
    Story("Roi-et Mill", Goal(Stage.CERTIFIED, ECO, finds=Grade.MAJOR, says=_LENIENT)),
    Story("Prachuap Sugar Mill", Goal(Stage.CERTIFIED, RIVER, says=("support",))),
    Story("Chaimongkol Sugar Factory", Goal(Stage.CERTIFIED, RIVER, finds=Grade.MINOR)),
)
"""Cases under the sample versions, whose feedback period is seconds: they get to the end."""

TOUR = Goal(Stage.CERTIFIED, RIVER, returns=True, finds=Grade.MINOR, says=_BOTH)
"""The way of the case that is walked through in front of the reader: every stage there is."""

_FIRST_ON_TOUR = "Khon Kaen Sugar Mill"


def tour_sites(sites: Iterable[Site]) -> list[Site]:
    """Return the sites that a tour can take, the best first; each start takes the next one."""
    taken = {story.site for story in (*PATIENT, *SWIFT)}
    free = [site for site in sites if site.name_en not in taken]
    return sorted(
        free,
        key=lambda site: (site.name_en != _FIRST_ON_TOUR, site.fuel != "Biomass", site.number),
    )
