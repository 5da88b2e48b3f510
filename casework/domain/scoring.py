"""What an inspection adds up to: points, a level, and what still bars a grant.

The level says how the site was found, so it comes from the findings of the visit. Whether a grant is open comes from
where things stand after corrective action.

Exact integer arithmetic: a percentage is never a rounded number that passes by luck.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from casework.domain._model import Code, Frozen, Row
from casework.domain.rules import (
    NONCONFORMITIES,
    CriterionRule,
    Grade,
    ProgramRules,
    RequirementLevel,
)


class Standing(Row):
    """Where one criterion stands now.

    What was found, and whether that was corrected and verified since.
    """

    code: Code
    grade: Grade
    closed: bool = False

    @property
    def is_open(self) -> bool:
        """Say whether this is a nonconformity that nobody has closed."""
        return self.grade in NONCONFORMITIES and not self.closed


class FailureCode(StrEnum):
    """The ways to miss the pass rule."""

    KNOCK_OUT = "knock-out"
    OPEN_MAJOR = "open-major"
    NOT_ASSESSED = "not-assessed"
    TOO_MANY_OPEN_MINORS = "too-many-open-minors"
    TOO_FEW_POINTS = "too-few-points"


class Failure(Frozen):
    """One reason why a grant is not open; ``criterion`` is None when the reason is the whole."""

    code: FailureCode
    criterion: Code | None
    reason: str


class Assessment(Frozen):
    """What the standings add up to.

    ``percent`` is the score as things stand now, ``visit_percent`` that of the visit, before any correction; both are
    whole percent, rounded down. ``level`` is the highest that ``visit_percent`` reaches, if nothing bars a grant.
    """

    percent: int
    visit_percent: int
    level: Code | None
    passed: bool
    failures: tuple[Failure, ...]


def assess(rules: ProgramRules, standings: Iterable[Standing]) -> Assessment:
    """Score the standings by the program's rules and name everything that bars a grant.

    - Conformity and an observation score the full weight, a minor nonconformity
      ``minor_scores_percent`` of it, a major one nothing. As things stand now a closed one scores
      in full; in the score of the visit it counts as it was found. Not applicable leaves the sum on
      both sides.
    - ``knock-out``: an open nonconformity, minor or major, on a knock-out criterion.
    - ``open-major``: an open major nonconformity on any other criterion that is a ``must``. On a
      ``should`` it costs its points and bars nothing: that is the difference between the two.
    - ``not-assessed``: a criterion without a standing; it scores nothing. A filed inspection has
      none of these.
    - ``too-many-open-minors`` and ``too-few-points`` speak of the whole. When nothing is
      applicable, nothing was shown: 0 percent and too few points, whatever the minimum.

    Failures come in the order of the criteria, then those of the whole.

    Raises:
        ValueError: a standing names a criterion that the program does not have, or one criterion
            twice.
    """
    by_code = _by_code(rules, standings)
    total = points = visit_points = open_minors = 0
    failures: list[Failure] = []
    for criterion in rules.criteria:
        standing = by_code.get(criterion.code)
        if standing is not None and standing.grade is Grade.NOT_APPLICABLE:
            continue
        total += criterion.weight
        points += criterion.weight * _score(rules, standing)
        visit_points += criterion.weight * _score_of_visit(rules, standing)
        failure = _failure(criterion, standing)
        if failure is not None:
            failures.append(failure)
        if standing is not None and standing.is_open and standing.grade is Grade.MINOR:
            open_minors += 1
    percent = points // total if total else 0
    visit_percent = visit_points // total if total else 0
    failures += _failures_of_the_whole(rules, percent, open_minors, nothing=total == 0)
    return Assessment(
        percent=percent,
        visit_percent=visit_percent,
        level=None if failures else _level(rules, visit_percent),
        passed=not failures,
        failures=tuple(failures),
    )


def _level(rules: ProgramRules, visit_percent: int) -> str:
    # Levels are in rising order and the first starts at 0.
    return [level.code for level in rules.levels if level.minimum_percent <= visit_percent][-1]


def must_close(rules: ProgramRules, standings: Iterable[Standing]) -> tuple[str, ...]:
    """Return the criteria whose open nonconformities have to be closed, in the program's order.

    Those of the grades in ``close_first`` and those that bar a grant each by itself. If more minor ones would be left
    than ``open_minors_allowed``, all minor ones too; if there would still be too few points, all nonconformities. So
    when nothing is left to close, nothing but a program in which nothing applies bars the grant.

    Raises:
        ValueError: as :func:`assess`.
    """
    by_code = _by_code(rules, standings)
    found = [(c, s) for c in rules.criteria if (s := by_code.get(c.code)) and s.is_open]
    wanted = {s.code for c, s in found if s.grade in rules.pass_rule.close_first or _failure(c, s)}
    for code, grades in (
        (FailureCode.TOO_MANY_OPEN_MINORS, {Grade.MINOR}),
        (FailureCode.TOO_FEW_POINTS, NONCONFORMITIES),
    ):
        after = (
            s.model_copy(update={"closed": s.closed or s.code in wanted}) for s in by_code.values()
        )
        if any(failure.code is code for failure in assess(rules, after).failures):
            wanted |= {s.code for _, s in found if s.grade in grades}
    return tuple(s.code for _, s in found if s.code in wanted)


def _by_code(rules: ProgramRules, standings: Iterable[Standing]) -> Mapping[str, Standing]:
    known = {criterion.code for criterion in rules.criteria}
    by_code: dict[str, Standing] = {}
    for standing in standings:
        if standing.code not in known:
            raise ValueError(f"{standing.code} is no criterion of {rules.program} {rules.version}")
        if standing.code in by_code:
            raise ValueError(f"{standing.code} has two standings")
        by_code[standing.code] = standing
    return by_code


def _score(rules: ProgramRules, standing: Standing | None) -> int:
    """Return the percentage of its weight that a criterion scores as things stand now."""
    return 100 if standing is not None and standing.closed else _score_of_visit(rules, standing)


def _score_of_visit(rules: ProgramRules, standing: Standing | None) -> int:
    """Return the percentage of its weight that a criterion scored when the site was visited."""
    if standing is None or standing.grade is Grade.MAJOR:
        return 0
    return rules.pass_rule.minor_scores_percent if standing.grade is Grade.MINOR else 100


def _failure(criterion: CriterionRule, standing: Standing | None) -> Failure | None:
    if standing is None:
        code, reason = FailureCode.NOT_ASSESSED, "has no finding"
    elif standing.is_open and criterion.knock_out:
        code = FailureCode.KNOCK_OUT
        reason = f"is a knock-out criterion with an open {standing.grade} nonconformity"
    elif (
        standing.is_open
        and standing.grade is Grade.MAJOR
        and criterion.level is RequirementLevel.MUST
    ):
        code, reason = FailureCode.OPEN_MAJOR, "has an open major nonconformity"
    else:
        return None
    return Failure(code=code, criterion=criterion.code, reason=f"{criterion.code} {reason}.")


def _failures_of_the_whole(
    rules: ProgramRules, percent: int, open_minors: int, *, nothing: bool
) -> Iterable[Failure]:
    allowed, minimum = rules.pass_rule.open_minors_allowed, rules.pass_rule.minimum_percent
    if open_minors > allowed:
        yield Failure(
            code=FailureCode.TOO_MANY_OPEN_MINORS,
            criterion=None,
            reason=f"Open minor nonconformities: {open_minors}, allowed: {allowed}.",
        )
    if nothing:
        reason = "No criterion is applicable, so there are no points."
    elif percent < minimum:
        reason = f"The score is {percent} percent and the minimum {minimum}."
    else:
        return
    yield Failure(code=FailureCode.TOO_FEW_POINTS, criterion=None, reason=reason)
