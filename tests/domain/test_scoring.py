"""What an inspection adds up to."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.domain.rules import (
    NONCONFORMITIES,
    CriterionRule,
    Grade,
    GradeLevel,
    Method,
    PassRule,
    Period,
    PeriodName,
    ProgramRules,
    RequirementLevel,
    Unit,
)
from casework.domain.scoring import FailureCode, Standing, assess, must_close

PERIODS = {name: Period(length=10, unit=Unit.CALENDAR_DAYS) for name in PeriodName}


def criterion(
    code: str, weight: int, level: str = "must", *, knock_out: bool = False
) -> CriterionRule:
    return CriterionRule(
        code=code,
        level=RequirementLevel(level),
        weight=weight,
        method=Method.DOCUMENT,
        not_applicable_allowed=True,
        knock_out=knock_out,
    )


def program(*criteria: CriterionRule, minimum: int = 60, **pass_rule: object) -> ProgramRules:
    return ProgramRules(
        program="test",
        version="1",
        items=("license",),
        criteria=criteria,
        pass_rule=PassRule.model_validate({"minimum_percent": minimum, **pass_rule}),
        levels=(
            GradeLevel(code="pass", minimum_percent=0),
            GradeLevel(code="excellent", minimum_percent=90),
        ),
        periods=PERIODS,
    )


RULES = program(
    criterion("A", 5, knock_out=True),
    criterion("B", 3),
    criterion("C", 2, "should"),
    close_first=[Grade.MAJOR],
    open_minors_allowed=1,
)


def standings(closed: str = "", **grades: str) -> list[Standing]:
    return [
        Standing(code=code, grade=Grade(grade), closed=code in closed)
        for code, grade in {
            "A": "conformity",
            "B": "conformity",
            "C": "conformity",
            **grades,
        }.items()
    ]


class TestPoints:
    def test_conformity_everywhere_is_full_marks_and_the_highest_level(self):
        result = assess(RULES, standings())
        assert (result.percent, result.level, result.passed) == (100, "excellent", True)
        assert result.failures == ()

    def test_an_observation_scores_full(self):
        assert assess(RULES, standings(B="observation")).percent == 100

    def test_an_open_minor_scores_its_share(self):
        result = assess(RULES, standings(B="minor"))
        assert (result.percent, result.level) == (85, "pass")

    def test_an_open_major_scores_nothing(self):
        assert assess(RULES, standings(C="major")).percent == 80

    def test_a_closed_nonconformity_scores_full_now_and_as_it_was_found_for_the_visit(self):
        """So the pass comes from what was corrected and the level from what was found: 15 of 100."""
        result = assess(RULES, standings(A="major", B="minor", C="major", closed="ABC"))
        assert (result.percent, result.passed) == (100, True)
        assert (result.visit_percent, result.level) == (15, "pass")

    def test_not_applicable_leaves_the_sum(self):
        """5 of 5 + 2 points, not of 10."""
        result = assess(RULES, standings(B="not-applicable", C="major"))
        assert result.percent == 71

    def test_the_percentage_is_rounded_down(self):
        """2 of 3 points are 66.67 percent, and 67 are asked."""
        rules = program(criterion("B", 2), criterion("C", 1, "should"), minimum=67)
        result = assess(rules, standings(C="major")[1:])
        assert (result.percent, result.passed) == (66, False)


class TestFailures:
    def codes(self, rules: ProgramRules, found: list[Standing]) -> list[tuple[str, str | None]]:
        return [
            (failure.code.value, failure.criterion) for failure in assess(rules, found).failures
        ]

    def test_any_open_nonconformity_knocks_out_on_a_knock_out_criterion(self):
        for grade in ("minor", "major"):
            assert ("knock-out", "A") in self.codes(RULES, standings(A=grade))

    def test_an_open_major_on_a_must_bars_a_grant(self):
        assert self.codes(RULES, standings(B="major")) == [("open-major", "B")]

    def test_an_open_major_on_a_should_costs_points_and_bars_nothing(self):
        assert self.codes(RULES, standings(C="major")) == []

    def test_more_open_minors_than_allowed_bar_a_grant(self):
        assert self.codes(RULES, standings(C="minor")) == []
        found = self.codes(RULES, standings(B="minor", C="minor"))
        assert found == [("too-many-open-minors", None)]

    def test_closed_minors_are_not_counted(self):
        assert self.codes(RULES, standings(B="minor", C="minor", closed="C")) == []

    def test_too_few_points_bar_a_grant(self):
        rules = program(criterion("B", 5), criterion("C", 5, "should"))
        assert self.codes(rules, standings(C="major")[1:]) == [("too-few-points", None)]

    def test_nothing_applicable_is_nothing_shown(self):
        none = standings(A="not-applicable", B="not-applicable", C="not-applicable")
        for rules in (RULES, program(*RULES.criteria, minimum=0)):
            result = assess(rules, none)
            assert (result.percent, result.level, result.passed) == (0, None, False)
            assert [failure.code for failure in result.failures] == [FailureCode.TOO_FEW_POINTS]

    def test_a_criterion_without_a_standing_bars_a_grant(self):
        assert ("not-assessed", "A") in self.codes(RULES, standings()[1:])

    def test_every_reason_is_named_in_the_order_of_the_criteria(self):
        found = self.codes(RULES, standings(A="major", B="major", C="minor")[::-1])
        assert found == [("knock-out", "A"), ("open-major", "B"), ("too-few-points", None)]

    def test_reasons_are_sentences(self):
        failures = assess(RULES, standings(A="minor", B="minor", C="minor")).failures
        assert [failure.reason for failure in failures] == [
            "A is a knock-out criterion with an open minor nonconformity.",
            "Open minor nonconformities: 3, allowed: 1.",
            "The score is 50 percent and the minimum 60.",
        ]

    def test_a_criterion_of_another_program_is_refused(self):
        with pytest.raises(ValueError, match="Z is no criterion of test 1"):
            assess(RULES, standings(Z="minor"))

    def test_two_standings_of_one_criterion_are_refused(self):
        with pytest.raises(ValueError, match="A has two standings"):
            must_close(RULES, [*standings(), *standings()])


class TestMustClose:
    def test_open_nonconformities_of_the_named_grades_in_the_order_of_the_program(self):
        both = program(*RULES.criteria, close_first=["major", "minor"])
        found = standings(B="major", C="minor")[::-1]
        assert must_close(RULES, found) == ("B",)
        assert must_close(both, found) == ("B", "C")

    def test_what_would_bar_a_grant_by_itself_whatever_its_grade(self):
        """A minor one on a knock-out, and a major one on a must."""
        none = program(*RULES.criteria, close_first=[], open_minors_allowed=1)
        assert must_close(RULES, standings(A="minor")) == ("A",)
        assert must_close(none, standings(A="minor", B="major", C="minor")) == ("A", "B")

    def test_all_minor_ones_when_more_would_be_left_than_allowed(self):
        assert must_close(RULES, standings(C="minor")) == ()
        assert must_close(RULES, standings(B="minor", C="minor")) == ("B", "C")
        assert must_close(RULES, standings(B="minor", C="minor", closed="C")) == ()

    def test_everything_when_there_would_still_be_too_few_points(self):
        rules = program(criterion("B", 5), criterion("C", 5, "should"), close_first=[])
        assert must_close(rules, standings(C="major")[1:]) == ("C",)

    def test_closed_ones_are_done(self):
        assert must_close(RULES, standings(B="major", closed="B")) == ()


@st.composite
def assessed_programs(draw: st.DrawFn) -> tuple[ProgramRules, list[Standing]]:
    """A program of up to eight criteria and a standing for each."""
    codes = [f"C{n}" for n in range(draw(st.integers(1, 8)))]
    rules = program(
        *(
            criterion(
                code,
                draw(st.integers(1, 100)),
                draw(st.sampled_from(["must", "should"])),
                knock_out=draw(st.booleans()),
            )
            for code in codes
        ),
        minimum=draw(st.integers(0, 89)),
        minor_scores_percent=draw(st.integers(0, 100)),
        close_first=draw(st.lists(st.sampled_from(sorted(NONCONFORMITIES)), unique=True)),
        open_minors_allowed=draw(st.integers(0, 8)),
    )
    found = [
        Standing(code=code, grade=draw(st.sampled_from(Grade)), closed=draw(st.booleans()))
        for code in codes
    ]
    return rules, found


class TestProperties:
    @given(assessed_programs())
    def test_the_score_is_the_exact_fraction_rounded_down(
        self, case: tuple[ProgramRules, list[Standing]]
    ):
        rules, found = case
        weights = {rule.code: rule.weight for rule in rules.criteria}
        share = {Grade.MINOR: Fraction(rules.pass_rule.minor_scores_percent, 100), Grade.MAJOR: 0}
        counted = [s for s in found if s.grade is not Grade.NOT_APPLICABLE]
        total = sum(weights[s.code] for s in counted)
        points = sum(
            weights[s.code] * (share[s.grade] if s.is_open else Fraction(1)) for s in counted
        )
        expected = int(points * 100 / total) if total else 0
        assert assess(rules, found).percent == expected

    @given(assessed_programs(), st.randoms())
    def test_the_order_of_the_standings_does_not_matter(self, case, random):
        rules, found = case
        shuffled = random.sample(found, len(found))
        assert assess(rules, shuffled) == assess(rules, found)
        assert must_close(rules, shuffled) == must_close(rules, found)

    @given(assessed_programs())
    def test_a_level_is_reached_exactly_when_nothing_bars_a_grant(self, case):
        result = assess(*case)
        assert result.passed == (result.failures == ()) == (result.level is not None)
        assert 0 <= result.percent <= 100

    @given(assessed_programs())
    def test_closing_a_nonconformity_never_makes_it_worse(self, case):
        rules, found = case
        before = assess(rules, found)
        for n, standing in enumerate(found):
            closed = standing.model_copy(update={"closed": True})
            after = assess(rules, [*found[:n], closed, *found[n + 1 :]])
            assert after.percent >= before.percent
            assert {f.code for f in after.failures} <= {f.code for f in before.failures}

    @given(assessed_programs())
    def test_once_all_that_must_be_closed_is_closed_a_grant_is_open(self, case):
        """No finding is a dead end, whatever the program; but where nothing applies nothing is shown."""
        rules, found = case
        closing = must_close(rules, found)
        after = [s.model_copy(update={"closed": s.closed or s.code in closing}) for s in found]
        applies = any(s.grade is not Grade.NOT_APPLICABLE for s in found)
        assert assess(rules, after).passed == applies

    @given(assessed_programs())
    def test_nothing_is_left_to_close_once_all_is_closed(self, case):
        rules, found = case
        assert must_close(rules, [s.model_copy(update={"closed": True}) for s in found]) == ()
