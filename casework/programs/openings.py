"""Under which version of a program a case opens now."""

from datetime import datetime

from casework.domain.calendar import local_date
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
