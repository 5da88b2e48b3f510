"""What an inspection adds up to: points, a level, and what still bars a grant.

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

    The score in whole percent, rounded down, and the highest level it reaches, if nothing bars it.
    """

    percent: int
    level: Code | None
    passed: bool
    failures: tuple[Failure, ...]


def assess(rules: ProgramRules, standings: Iterable[Standing]) -> Assessment:
    """Score the standings by the program's rules and name everything that bars a grant.

    - Conformity, an observation and a closed nonconformity score the full weight; an open minor
      nonconformity scores ``minor_scores_percent`` of it; an open major one nothing. Not applicable
      leaves the sum on both sides.
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
    total = points = open_minors = 0
    failures: list[Failure] = []
    for criterion in rules.criteria:
        standing = by_code.get(criterion.code)
        if standing is not None and standing.grade is Grade.NOT_APPLICABLE:
            continue
        total += criterion.weight
        points += criterion.weight * _score(rules, standing)
        failure = _failure(criterion, standing)
        if failure is not None:
            failures.append(failure)
        if standing is not None and standing.is_open and standing.grade is Grade.MINOR:
            open_minors += 1
    percent = points // total if total else 0
    failures += _failures_of_the_whole(rules, percent, open_minors, nothing=total == 0)
    if failures:
        return Assessment(percent=percent, level=None, passed=False, failures=tuple(failures))
    level = max(
        (level for level in rules.levels if level.minimum_percent <= percent),
        key=lambda level: level.minimum_percent,
    )
    return Assessment(percent=percent, level=level.code, passed=True, failures=())


def must_close(rules: ProgramRules, standings: Iterable[Standing]) -> tuple[str, ...]:
    """Return the criteria whose open nonconformities the program wants closed, in its order.

    Raises:
        ValueError: as :func:`assess`.
    """
    by_code = _by_code(rules, standings)
    wanted = rules.pass_rule.close_first
    found = (by_code.get(criterion.code) for criterion in rules.criteria)
    return tuple(s.code for s in found if s is not None and s.is_open and s.grade in wanted)


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
    """Return the percentage of its weight that a criterion scores."""
    if standing is None:
        return 0
    if not standing.is_open:
        return 100
    return rules.pass_rule.minor_scores_percent if standing.grade is Grade.MINOR else 0


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
