"""A program version as the ministry writes it: the rules that decide and the words around them.

A case carries only :meth:`ProgramVersion.rules`; pages and notices look the words up here.
"""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from casework.domain._model import Code, Frozen
from casework.domain.calendar import Language
from casework.domain.rules import (
    CriterionRule,
    Element,
    EvidenceRule,
    GradeLevel,
    Method,
    PassRule,
    Period,
    PeriodName,
    ProgramRules,
    RequirementLevel,
)

_THAI_LETTER = re.compile(r"[\u0e01-\u0e2e]")


def _thai(text: str) -> str:
    if not _THAI_LETTER.search(text):
        raise ValueError("Thai text has Thai letters")
    return text


def _english(text: str) -> str:
    if _THAI_LETTER.search(text):
        raise ValueError("English text has no Thai letters")
    return text


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1500)]

ProgramCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
VersionCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,31}$")]
CasePrefix = Annotated[str, Field(pattern=r"^[a-z]{2,4}$")]


class Words(Frozen):
    """The same thing said in Thai and in English, 1 to 1,500 characters each."""

    th: Annotated[_Text, AfterValidator(_thai)]
    en: Annotated[_Text, AfterValidator(_english)]

    def to(self, language: Language) -> str:
        """Return the text in this language."""
        return self.th if language == "th" else self.en


class Criterion(Frozen):
    """One requirement with its words. Its code is its key in the file."""

    element: Element
    level: RequirementLevel
    weight: Annotated[int, Field(ge=1, le=100)]
    method: Method
    evidence: EvidenceRule = EvidenceRule.FOR_NONCONFORMITY
    not_applicable_allowed: bool = False
    knock_out: bool = False
    minor_allowed: bool = True
    """Whether a lapse can be minor; where the criterion says that any lapse is major, it cannot."""
    name: Words
    guidance: Words
    """What the establishment is expected to do."""
    verification: Words
    """What the inspector reads, looks at and asks."""

    @model_validator(mode="after")
    def _knocks_out_what_is_binding(self) -> Self:
        if self.knock_out and self.level is not RequirementLevel.MUST:
            raise ValueError("a knock-out criterion has the level must")
        return self


class Level(Frozen):
    """A level of certification with its words. Its code is its key in the file.

    It is granted from ``minimum_percent`` of the points on, as the visit found things, before any correction.
    """

    minimum_percent: Annotated[int, Field(ge=0, le=100)]
    name: Words


class ApplicationItem(Frozen):
    """One thing an application holds, and an officer can name when returning it."""

    required: bool = True
    name: Words
    hint: Words


class ProgramVersion(Frozen):
    """One version of a certification program.

    A published version never changes but for ``valid_until``, the last day on which a case can be
    opened under it; cases already open keep its rules for life. ``label`` says what kind of text
    the criteria are: the ones that ship are starter criteria, which the ministry's own replace. A
    ``sample`` has the criteria of the version it is ``based_on`` and other periods; it is never
    current and somebody has to name it to use it.
    """

    program: ProgramCode
    version: VersionCode
    prefix: CasePrefix
    published: bool = False
    sample: bool = False
    based_on: VersionCode | None = None
    valid_from: date
    valid_until: date | None = None
    name: Words
    summary: Words
    label: Words
    pass_rule: PassRule
    levels: Annotated[dict[Code, Level], Field(min_length=1, max_length=10)]
    periods: dict[PeriodName, Period]
    items: Annotated[dict[Code, ApplicationItem], Field(min_length=1, max_length=30)]
    criteria: Annotated[dict[Code, Criterion], Field(min_length=1, max_length=60)]

    def rules(self) -> ProgramRules:
        """Return what a case keeps: codes, weights, methods, periods and the pass rule, no words.

        Raises:
            pydantic.ValidationError: levels or periods do not fit together. The loader has checked
                that, so it only happens to a version made by hand.
        """
        return ProgramRules(
            program=self.program,
            version=self.version,
            items=tuple(self.items),
            criteria=tuple(
                CriterionRule(
                    code=code,
                    level=criterion.level,
                    weight=criterion.weight,
                    method=criterion.method,
                    evidence=criterion.evidence,
                    not_applicable_allowed=criterion.not_applicable_allowed,
                    knock_out=criterion.knock_out,
                    minor_allowed=criterion.minor_allowed,
                )
                for code, criterion in self.criteria.items()
            ),
            pass_rule=self.pass_rule,
            levels=tuple(
                GradeLevel(code=code, minimum_percent=level.minimum_percent)
                for code, level in self.levels.items()
            ),
            periods=self.periods,
        )

    def is_valid_on(self, day: date) -> bool:
        """Say whether a case can be opened under this version on this Bangkok day."""
        if not self.published or self.sample:
            return False
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class SampleVersion(Frozen):
    """What a sample's own file holds; everything else comes from the version it is based on."""

    program: ProgramCode
    version: VersionCode
    sample: Literal[True]
    based_on: VersionCode
    periods: Annotated[dict[PeriodName, Period], Field(min_length=1)]

    def on(self, base: ProgramVersion) -> ProgramVersion:
        """Return the base with this sample's periods in place of its own."""
        return base.model_copy(
            update={
                "version": self.version,
                "published": False,
                "sample": True,
                "based_on": self.based_on,
                "periods": {**base.periods, **self.periods},
            }
        )
