"""The rules of one published program version, pinned in each case for its whole life.

Texts are not here: a case carries codes, weights, methods, periods and the pass rule, and pages look the words up.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from casework.domain._model import Code, Compact, Frozen, Row


class Element(StrEnum):
    """The seven elements of the environmental-governance criteria."""

    ACCESS_TO_INFORMATION = "access-to-information"
    PARTICIPATION = "participation"
    TRANSPARENCY = "transparency"
    SOCIAL_RESPONSIBILITY = "social-responsibility"
    RULE_OF_LAW = "rule-of-law"
    JUSTICE = "justice"
    SUSTAINABILITY = "sustainability"


class RequirementLevel(StrEnum):
    """How binding a criterion is."""

    MUST = "must"
    SHOULD = "should"


class Method(StrEnum):
    """How a criterion is verified."""

    DOCUMENT = "document"
    ON_SITE = "on-site"
    COMMUNITY = "community"


class EvidenceRule(StrEnum):
    """When a finding must name evidence."""

    REQUIRED = "required"
    FOR_NONCONFORMITY = "for-nonconformity"
    OPTIONAL = "optional"


class Grade(StrEnum):
    """What an inspector found for one criterion."""

    CONFORMITY = "conformity"
    OBSERVATION = "observation"
    MINOR = "minor"
    MAJOR = "major"
    NOT_APPLICABLE = "not-applicable"


NONCONFORMITIES = frozenset({Grade.MINOR, Grade.MAJOR})


class CriterionRule(Row):
    """The part of a criterion that decides: everything but its words."""

    code: Code
    level: RequirementLevel
    weight: Annotated[int, Field(ge=1, le=100)]
    method: Method
    evidence: EvidenceRule = EvidenceRule.FOR_NONCONFORMITY
    not_applicable_allowed: bool = False
    knock_out: bool = False
    minor_allowed: bool = True


class GradeLevel(Frozen):
    """A level of certification and the score of the visit from which it is granted, in percent."""

    code: Code
    minimum_percent: Annotated[int, Field(ge=0, le=100)]


class PassRule(Compact):
    """When a grant is open.

    A minor nonconformity that is still open scores ``minor_scores_percent`` of its weight, a major one nothing;
    ``minimum_percent`` is the score that a grant needs once corrective action has been verified. A nonconformity of a
    grade in ``close_first`` leads to corrective action, and so does whatever else would bar the grant
    (:func:`casework.domain.scoring.must_close`): one on a knock-out criterion, or more minor ones than
    ``open_minors_allowed``.
    """

    minimum_percent: Annotated[int, Field(ge=0, le=100)]
    minor_scores_percent: Annotated[int, Field(ge=0, le=100)] = 50
    close_first: tuple[Grade, ...] = (Grade.MAJOR,)
    open_minors_allowed: Annotated[int, Field(ge=0)] = 0


class Unit(StrEnum):
    """What a period is counted in. Seconds are for sample programs only."""

    WORKING_DAYS = "working-days"
    CALENDAR_DAYS = "calendar-days"
    MONTHS = "months"
    SECONDS = "seconds"


class Holder(StrEnum):
    """Who the case waits for while a period runs."""

    OFFICE = "office"
    APPLICANT = "applicant"
    INSPECTOR = "inspector"
    COMMUNITY = "community"
    REVIEWER = "reviewer"
    DECISION_MAKER = "decision-maker"
    CERTIFICATE_HOLDER = "certificate-holder"


class PeriodName(StrEnum):
    """The periods of a program, one for each wait in the life of a case."""

    INVITATION = "invitation"
    APPLICATION_REVIEW = "application-review"
    RESUBMISSION = "resubmission"
    INSPECTION = "inspection"
    CORRECTIVE_ACTION = "corrective-action"
    VERIFICATION = "verification"
    FEEDBACK = "feedback"
    ANSWERING = "answering"
    REVIEW = "review"
    DECISION = "decision"
    VALIDITY = "validity"


HOLDERS: dict[PeriodName, Holder] = {
    PeriodName.INVITATION: Holder.APPLICANT,
    PeriodName.APPLICATION_REVIEW: Holder.OFFICE,
    PeriodName.RESUBMISSION: Holder.APPLICANT,
    PeriodName.INSPECTION: Holder.OFFICE,
    PeriodName.CORRECTIVE_ACTION: Holder.APPLICANT,
    PeriodName.VERIFICATION: Holder.INSPECTOR,
    PeriodName.FEEDBACK: Holder.COMMUNITY,
    PeriodName.ANSWERING: Holder.OFFICE,
    PeriodName.REVIEW: Holder.REVIEWER,
    PeriodName.DECISION: Holder.DECISION_MAKER,
    PeriodName.VALIDITY: Holder.CERTIFICATE_HOLDER,
}
"""Who holds the case during each period; the engine's, not the program's, to say."""

LAPSING = frozenset({PeriodName.INVITATION, PeriodName.RESUBMISSION, PeriodName.CORRECTIVE_ACTION})
"""Periods whose end closes the case as lapsed. Feedback closes, validity expires, the others escalate."""


class Period(Compact):
    """A length of time, with reminders before its end and escalations after it (days, or seconds where it has them)."""

    length: Annotated[int, Field(ge=1)]
    unit: Unit
    reminders: tuple[Annotated[int, Field(ge=1)], ...] = ()
    escalations: tuple[Annotated[int, Field(ge=0)], ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if list(self.reminders) != sorted(set(self.reminders), reverse=True):
            raise ValueError(
                "reminders: days before the end, from the earliest on, so falling, each once"
            )
        if list(self.escalations) != sorted(set(self.escalations)):
            raise ValueError(
                "escalations go from the earliest to the latest: days after the end, rising, each once"
            )
        if self.unit is not Unit.MONTHS and any(r >= self.length for r in self.reminders):
            raise ValueError(
                "a reminder comes after the period has begun: fewer days than its length"
            )
        return self


class ProgramRules(Frozen):
    """What a case needs to know of its program version, and keeps for life."""

    program: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
    version: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,31}$")]
    items: tuple[Code, ...] = Field(min_length=1, max_length=30)
    criteria: tuple[CriterionRule, ...] = Field(min_length=1, max_length=60)
    pass_rule: PassRule
    levels: tuple[GradeLevel, ...] = Field(min_length=1, max_length=10)
    periods: dict[PeriodName, Period]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        codes = [c.code for c in self.criteria]
        if len(set(codes)) != len(codes):
            raise ValueError(
                f"criteria: the code {next(c for c in codes if codes.count(c) > 1)} stands twice"
            )
        missing = [name for name in PeriodName if name not in self.periods]
        if missing:
            raise ValueError(f"periods: {', '.join(missing)} missing")
        minimums = [level.minimum_percent for level in self.levels]
        if minimums != sorted(set(minimums)):
            raise ValueError(
                "levels: from the lowest to the highest, each with a higher minimum_percent than the last"
            )
        if minimums[0] != 0:
            raise ValueError(
                "levels: the lowest level starts at 0, because a visit may find everything wrong "
                "and all of it be corrected"
            )
        return self

    def criterion(self, code: str) -> CriterionRule | None:
        """Return the criterion with this code, or None."""
        return next((c for c in self.criteria if c.code == code), None)
