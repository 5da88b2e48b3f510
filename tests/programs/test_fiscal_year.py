"""The periods of the shipped programs fit a fiscal year, even when everybody takes all the time they have."""

from datetime import date, datetime, time, timedelta

import pytest

from casework.domain import acts as a
from casework.domain.actors import SYSTEM, Actor
from casework.domain.calendar import BANGKOK, fiscal_year, local_date
from casework.domain.case import Case
from casework.domain.rules import Grade, ProgramRules
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.programs.holidays import work_calendar
from tests.sample_case import (
    APPLICANT,
    DECIDER,
    INSPECTOR,
    OFFICER,
    REVIEWER,
    TERMS,
    act_of,
    close_feedback,
    findings,
    new_case,
    nonconformity,
    perform,
)

CALENDAR = work_calendar(date(2026, 1, 1), years=3)
PROGRAMS = tuple(
    ProgramCatalog.load().get(name, "1").rules() for name in ProgramCatalog.load().programs()
)


def last_minute(case: Case) -> datetime:
    assert case.running is not None
    return case.running.due_at - timedelta(minutes=1)


def decided_at_last(rules: ProgramRules, invited_on: date) -> datetime:
    """Return when a case is granted whose every period is used to the last minute.

    Its application is returned once, the visit finds a nonconformity, and the community speaks.
    """
    terms = TERMS.model_copy(update={"rules": rules, "calendar": CALENDAR})
    begin = datetime.combine(invited_on, time(9), BANGKOK)
    case = perform(new_case(terms), a.InviteEstablishment(drive="drive-1"), SYSTEM, begin)
    found = findings(nonconformity(rules.criteria[0].code, Grade.MAJOR), rules=rules)

    def at_last(kind: type[a.Act], actor: Actor) -> Case:
        now = last_minute(case)
        return perform(case, act_of(kind, case, now), actor, now)

    case = at_last(a.SubmitApplication, APPLICANT)
    case = at_last(a.ReturnApplication, OFFICER)
    case = at_last(a.ResubmitApplication, APPLICANT)
    case = at_last(a.AcceptApplication, OFFICER)
    now = last_minute(case)
    case = perform(case, act_of(a.ScheduleInspection, case, now), OFFICER, now)
    case = perform(case, a.FileInspection(visited_at=now, findings=found), INSPECTOR, now)
    case = at_last(a.SubmitCorrectiveAction, APPLICANT)
    case = at_last(a.VerifyCorrectiveAction, INSPECTOR)
    assert case.running is not None
    case = close_feedback(case, (1,), case.running.due_at)
    case = at_last(a.DisposeRepresentations, OFFICER)
    case = at_last(a.Recommend, REVIEWER)
    case = at_last(a.Decide, DECIDER)
    assert case.stage is Stage.CERTIFIED
    assert case.granted_at is not None
    return case.granted_at


@pytest.mark.parametrize("year", [2026, 2027])
@pytest.mark.parametrize("rules", PROGRAMS, ids=lambda rules: rules.program)
def test_who_is_invited_by_the_fifth_of_january_is_decided_within_the_fiscal_year(
    rules: ProgramRules, year: int
) -> None:
    """That date is in docs/drives.md: it is what a target of a fiscal year is planned by."""
    for invited_on in (date(year, 10, 1), date(year, 12, 1), date(year + 1, 1, 5)):
        decided = local_date(decided_at_last(rules, invited_on))
        assert fiscal_year(decided) == fiscal_year(invited_on), (invited_on, decided)
