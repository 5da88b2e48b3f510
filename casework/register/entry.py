"""A register entry as a function of the journal, the establishment and the words of the program.

:class:`CertificationEntry` is the allow-list: a field that is not in it never leaves. Why these
fields and no others is in ``docs/decisions/0014-what-the-register-publishes.md``.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from casework.domain import events as e
from casework.domain._model import Frozen
from casework.domain.acts import Outcome
from casework.domain.calendar import WorkCalendar, last_day, local_date
from casework.domain.case import Case, Terms, evolve
from casework.domain.register import RegisterStatus
from casework.domain.stages import Stage
from casework.programs.model import ProgramVersion, Words
from casework.store.register import PublicEntry
from casework.store.tables import Establishment

_DECIMALS = 2
"""Two decimals of a degree are about a kilometer: enough for a map, not for a door."""

_STATUS_OF_STAGE = {
    Stage.CERTIFIED: RegisterStatus.ACTIVE,
    Stage.EXPIRED: RegisterStatus.EXPIRED,
}


class NothingToPublish(Exception):
    """The case has no certification at this version, so there is nothing to show. Never retried."""


class FeedbackCounts(Frozen):
    """How many representations the community made, by stance. What they said stays on file."""

    support: Annotated[int, Field(ge=0)] = 0
    neutral: Annotated[int, Field(ge=0)] = 0
    objection: Annotated[int, Field(ge=0)] = 0

    @property
    def total(self) -> int:
        """Count all of them."""
        return self.support + self.neutral + self.objection


class CertificationEntry(PublicEntry):
    """Everything the public learns from one entry, words included, so that it can stand alone.

    Latitude and longitude are WGS 84, rounded to two decimals of a degree.
    """

    program_name: Words
    level_name: Words | None = None
    feedback: FeedbackCounts = FeedbackCounts()


def certification_entry(
    journal: Sequence[e.Recorded], case_id: str, site: Establishment, program: ProgramVersion
) -> CertificationEntry:
    """Return what the register says after these events of one case.

    Args:
        journal: all events of the case up to the version that is published, in order.
        case_id: the case.
        site: the establishment.
        program: the version of the program under which the case was opened.

    Raises:
        NothingToPublish: no certification was granted.
    """
    case = _fold(journal, case_id, site, program)
    status = _STATUS_OF_STAGE.get(case.stage)
    if status is None or case.granted_at is None:
        raise NothingToPublish(f"{case_id} is at {case.stage}: there is no certification to show.")
    return CertificationEntry(
        case_id=case_id,
        version=case.version,
        establishment_id=site.id,
        program=program.program,
        program_version=program.version,
        program_name=program.name,
        status=status,
        province=site.province,
        level=case.level,
        level_name=program.levels[case.level].name if case.level else None,
        granted_on=local_date(case.granted_at),
        valid_until=last_day(case.valid_until) if case.valid_until else None,
        effective_at=_effective_at(journal),
        name_th=site.name_th,
        name_en=site.name_en,
        river_basin=site.river_basin,
        latitude=_about(site.latitude),
        longitude=_about(site.longitude),
        feedback=_counts(journal),
    )


def _fold(
    journal: Sequence[e.Recorded], case_id: str, site: Establishment, program: ProgramVersion
) -> Case:
    # No due date is published, so the holidays do not matter and a calendar without any will do.
    calendar = WorkCalendar.of((), through=date.min)
    case = Case(
        terms=Terms(
            case_id=case_id,
            establishment=site.id,
            province=site.province,
            rules=program.rules(),
            calendar=calendar,
        )
    )
    for recorded in journal:
        case = evolve(case, recorded)
    return case


def _effective_at(journal: Sequence[e.Recorded]) -> datetime:
    return next(line.at for line in reversed(journal) if _changes_status(line.event))


def _changes_status(event: e.Event) -> bool:
    match event:
        case e.DecisionMade(outcome=Outcome.GRANTED) | e.CertificationExpired():
            return True
        case _:
            return False


def _counts(journal: Sequence[e.Recorded]) -> FeedbackCounts:
    # A deferred decision can open a second period; each closing counts what no closing counted yet.
    closings = [line.event for line in journal if isinstance(line.event, e.FeedbackClosed)]
    return FeedbackCounts(
        support=sum(closing.support for closing in closings),
        neutral=sum(closing.neutral for closing in closings),
        objection=sum(closing.objection for closing in closings),
    )


def _about(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, _DECIMALS)
