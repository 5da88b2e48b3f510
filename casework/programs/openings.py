"""What is open in a program now: the version under which a case opens, and how far its fiscal year reaches."""

from datetime import datetime

from casework.domain.calendar import WorkCalendar, local_date
from casework.domain.forecast import Horizon
from casework.domain.rules import PeriodName
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import ProgramVersion


def version_open_on(
    catalog: ProgramCatalog, program: str, now: datetime, *, samples: bool
) -> ProgramVersion:
    """Return the version under which a case opens: the current one, or the sample in a demonstration.

    Raises:
        NoSuchVersion: there is none.
    """
    if samples:
        sample = next((v for v in catalog.versions(program) if v.sample), None)
        if sample is not None:
            return sample
    return catalog.current(program, local_date(now))


def horizon_of(
    catalog: ProgramCatalog, program: str, fiscal_year: int, now: datetime, calendar: WorkCalendar
) -> Horizon:
    """Return a fiscal year (B.E.) as it is seen now from the cases of a program.

    Raises:
        NoSuchVersion: there is no such program.
    """
    feedback = {v.version: v.periods[PeriodName.FEEDBACK] for v in catalog.versions(program)}
    return Horizon.of(fiscal_year, now, feedback, calendar)
