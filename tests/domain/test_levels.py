"""What a certification of a shipped program means: every level can be reached, and no finding is a dead end."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.domain import acts as a
from casework.domain.case import Case
from casework.domain.openness import allowed_acts, bar_of_grant
from casework.domain.rules import CriterionRule, Grade, ProgramRules
from casework.domain.scoring import Standing, assess
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from tests.sample_case import (
    APPLICANT,
    CAST,
    DECIDER,
    FILE,
    INSPECTOR,
    NOW,
    OFFICER,
    REVIEWER,
    TERMS,
    act_of,
    case_at,
    close_feedback,
    perform,
)

PROGRAMS = tuple(
    ProgramCatalog.load().get(name, "1").rules() for name in ProgramCatalog.load().programs()
)
LEVELS = [(rules, number) for rules in PROGRAMS for number in range(len(rules.levels))]


def grades_of(criterion: CriterionRule) -> list[Grade]:
    """Return what an inspector may find for a criterion."""
    return [
        grade
        for grade in Grade
        if (grade is not Grade.NOT_APPLICABLE or criterion.not_applicable_allowed)
        and (grade is not Grade.MINOR or criterion.minor_allowed)
    ]


def score_of_visit(rules: ProgramRules, grades: dict[str, Grade]) -> Fraction:
    """Return the percentage of the points that a visit found, with nothing of the engine in it."""
    share = {Grade.MINOR: Fraction(rules.pass_rule.minor_scores_percent, 100), Grade.MAJOR: 0}
    applicable = [c for c in rules.criteria if grades[c.code] is not Grade.NOT_APPLICABLE]
    points = sum(c.weight * share.get(grades[c.code], 1) for c in applicable)
    return Fraction(points * 100) / sum(c.weight for c in applicable)


def inspected(rules: ProgramRules, grades: dict[str, Grade]) -> Case:
    """Return a case under these rules right after a visit that found this."""
    case = case_at(Stage.INSPECTION, TERMS.model_copy(update={"rules": rules}))
    case = perform(case, act_of(a.ScheduleInspection, case), OFFICER)
    findings = tuple(
        a.Finding(criterion=code, grade=grade, remark="Seen on site.", evidence=(FILE,))
        for code, grade in grades.items()
    )
    return perform(case, a.FileInspection(visited_at=NOW, findings=findings), INSPECTOR)


def corrected(case: Case) -> Case:
    """Return the case once everything that has to be corrected is, at its feedback period."""
    while case.stage is Stage.CORRECTIVE_ACTION:
        case = perform(case, act_of(a.SubmitCorrectiveAction, case), APPLICANT)
        case = perform(case, act_of(a.VerifyCorrectiveAction, case), INSPECTOR)
    return case


def granted(case: Case) -> Case:
    """Return the case after feedback, recommendation and grant."""
    case = close_feedback(case)
    case = perform(case, act_of(a.Recommend, case), REVIEWER)
    return perform(case, act_of(a.Decide, case), DECIDER)


@pytest.mark.parametrize(
    ("rules", "number"), LEVELS, ids=[f"{r.program}-{r.levels[n].code}" for r, n in LEVELS]
)
def test_every_level_of_every_program_can_be_granted(rules: ProgramRules, number: int) -> None:
    """The more a visit finds, the lower the level, though everything is corrected in the end."""
    grades = {c.code: Grade.CONFORMITY for c in rules.criteria}
    above = rules.levels[number + 1 :]
    for code in list(grades):
        if not above or score_of_visit(rules, grades) < above[0].minimum_percent:
            break
        grades[code] = Grade.MAJOR
    case = granted(corrected(inspected(rules, grades)))
    assert case.stage is Stage.CERTIFIED
    assert case.level == rules.levels[number].code


@pytest.mark.parametrize("rules", PROGRAMS, ids=lambda rules: rules.program)
def test_who_had_everything_wrong_and_corrected_it_has_the_lowest_level(
    rules: ProgramRules,
) -> None:
    """And who had nothing wrong the highest: that is what a level tells."""
    wrong = {c.code: Grade.MAJOR for c in rules.criteria}
    right = {c.code: Grade.CONFORMITY for c in rules.criteria}
    assert granted(corrected(inspected(rules, wrong))).level == rules.levels[0].code
    assert granted(corrected(inspected(rules, right))).level == rules.levels[-1].code


@pytest.mark.parametrize("rules", PROGRAMS, ids=lambda rules: rules.program)
@settings(max_examples=60)
@given(data=st.data())
def test_no_combination_of_findings_is_a_dead_end(rules: ProgramRules, data: st.DataObject) -> None:
    """Whatever a visit finds and whichever actions are accepted when, a grant is open in the end."""
    grades = {c.code: data.draw(st.sampled_from(grades_of(c)), c.code) for c in rules.criteria}
    case = inspected(rules, grades)
    if case.stage is Stage.CORRECTIVE_ACTION:
        case = perform(case, act_of(a.SubmitCorrectiveAction, case), APPLICANT)
        accepted = data.draw(st.sets(st.sampled_from(case.to_verify)))
        verdicts = tuple(
            a.Verdict(criterion=code, accepted=code in accepted) for code in case.to_verify
        )
        case = perform(case, a.VerifyCorrectiveAction(verdicts=verdicts), INSPECTOR)
    case = corrected(case)
    assert case.stage is Stage.FEEDBACK
    assert bar_of_grant(case) is None
    score = score_of_visit(rules, grades)
    reached = [level.code for level in rules.levels if level.minimum_percent <= score]
    assert granted(case).level == reached[-1]


@pytest.mark.parametrize("rules", PROGRAMS, ids=lambda rules: rules.program)
def test_every_stage_under_way_has_an_act_or_a_period_that_leads_on(rules: ProgramRules) -> None:
    """Nothing but the feedback period waits for time alone, and that one ends by itself."""
    terms = TERMS.model_copy(update={"rules": rules})
    one_wrong = {c.code: Grade.CONFORMITY for c in rules.criteria}
    one_wrong[rules.criteria[0].code] = Grade.MAJOR
    cases = [
        inspected(rules, one_wrong) if stage is Stage.CORRECTIVE_ACTION else case_at(stage, terms)
        for stage in Stage
    ]
    for case in (case for case in cases if not case.is_closed):
        leading_on = {
            answer.act
            for actor in CAST
            for answer in allowed_acts(case, actor, NOW)
            if answer.is_open
        } - {"add-note", "reassign-officer", "declare-conflict", "withdraw-application"}
        assert leading_on or case.stage is Stage.CERTIFIED, case.stage
        assert case.running is not None or case.stage is Stage.NEW


@pytest.mark.parametrize("count", [3, 4])
def test_of_minor_findings_as_many_stay_open_as_the_program_allows(count: int) -> None:
    """With one more, all of them are corrected first; before, that was a case nobody could grant."""
    eco = PROGRAMS[0]
    grades = {
        c.code: Grade.MINOR if n < count else Grade.CONFORMITY for n, c in enumerate(eco.criteria)
    }
    case = inspected(eco, grades)
    assert case.stage is (Stage.FEEDBACK if count <= 3 else Stage.CORRECTIVE_ACTION)
    assert len(case.to_correct()) == (0 if count <= 3 else count)


@given(data=st.data())
def test_correcting_more_never_changes_the_level_of_the_visit(data: st.DataObject) -> None:
    rules = data.draw(st.sampled_from(PROGRAMS))
    standings = [
        Standing(
            code=c.code,
            grade=data.draw(st.sampled_from(grades_of(c))),
            closed=data.draw(st.booleans()),
        )
        for c in rules.criteria
    ]
    closed = [s.model_copy(update={"closed": True}) for s in standings]
    assert assess(rules, standings).visit_percent == assess(rules, closed).visit_percent
