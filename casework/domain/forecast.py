"""Will the fiscal year's target be met? A simple answer that can be checked by hand."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from pydantic import Field

from casework.domain._model import Frozen, ProvinceCode
from casework.domain.calendar import (
    Language,
    WorkCalendar,
    due_at,
    end_of_day,
    fiscal_year_bounds,
    format_date,
    last_day,
)
from casework.domain.rules import Period, Unit
from casework.domain.stages import Stage

ENOUGH_TO_JUDGE = 10
"""Fewer ended cases than this say nothing about the next ones."""

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class Part(StrEnum):
    """A part of the way to a certification: the farther a case has come, the more often it is certified."""

    INVITATION = "invitation"
    APPLICATION = "application"
    INSPECTION = "inspection"
    FEEDBACK = "feedback"
    DECISION = "decision"


PART_OF_STAGE: dict[Stage, Part] = {
    Stage.INVITED: Part.INVITATION,
    Stage.APPLICATION_REVIEW: Part.APPLICATION,
    Stage.RETURNED: Part.APPLICATION,
    Stage.INSPECTION: Part.INSPECTION,
    Stage.CORRECTIVE_ACTION: Part.INSPECTION,
    Stage.FEEDBACK: Part.FEEDBACK,
    Stage.ANSWERING: Part.DECISION,
    Stage.REVIEW: Part.DECISION,
    Stage.DECISION: Part.DECISION,
}
"""The part that each stage of a case under way belongs to."""

BEGINS_WITH: dict[Part, str] = {
    Part.INVITATION: "EstablishmentInvited",
    Part.APPLICATION: "ApplicationSubmitted",
    Part.INSPECTION: "ApplicationAccepted",
    Part.FEEDBACK: "FeedbackOpened",
    Part.DECISION: "FeedbackClosed",
}
"""The event that says that a case came as far as this part."""


class Horizon(NamedTuple):
    """A fiscal year (B.E.) seen from ``now``: which cases can still be certified in it.

    The shortest way is the one on which everybody acts at once and only the feedback period takes its
    time. ``feedback_by`` has, for each program version, the instant before which that period has to open.
    """

    fiscal_year: int
    now: datetime
    feedback_by: Mapping[str, datetime]

    @classmethod
    def of(
        cls,
        fiscal_year: int,
        now: datetime,
        feedback: Mapping[str, Period],
        calendar: WorkCalendar,
    ) -> "Horizon":
        """Return the horizon of a year from the feedback period of each program version."""
        ends = end_of_day(fiscal_year_bounds(fiscal_year)[1])
        opened_by = {v: _latest_opening(period, calendar, ends) for v, period in feedback.items()}
        return cls(fiscal_year, now, opened_by)

    @property
    def ends(self) -> datetime:
        """The midnight (UTC) with which the fiscal year ends."""
        return end_of_day(fiscal_year_bounds(self.fiscal_year)[1])


def _latest_opening(feedback: Period, calendar: WorkCalendar, ends: datetime) -> datetime:
    """Return the instant before which a feedback period has to open to be over when the year is."""
    if feedback.unit is Unit.SECONDS:
        return ends - timedelta(seconds=feedback.length)
    day = last_day(ends)
    while due_at(feedback, end_of_day(day) - _ONE_SECOND, calendar) > ends:
        day -= _ONE_DAY
    return end_of_day(day)


class Ended(Frozen):
    """Of the cases that came as far as some part of the way and ended in the year: how they ended."""

    certified: int = 0
    failed: int = 0


class YearCounts(Frozen):
    """The cases of a program in one fiscal year and province; ``target`` is None where none is set.

    ``opened`` were opened in the year, by invitation or application; ``submitted`` are those of
    them that applied. ``certified`` were granted in the year. ``ended`` are all that ended in it,
    with or without a grant and whenever they were opened, by how far they came. ``under_way`` are
    open and not decided yet; ``in_time`` are those of them that can still be certified in the year,
    by where they are.
    """

    province: ProvinceCode
    target: int | None = None
    opened: int = 0
    submitted: int = 0
    certified: int = 0
    under_way: int = 0
    ended: dict[Part, Ended] = Field(default_factory=dict[Part, Ended])
    in_time: dict[Part, int] = Field(default_factory=dict[Part, int])


class Basis(StrEnum):
    """Whose experience the expectation comes from; ``country`` if any of it comes from there."""

    PROVINCE = "province"
    COUNTRY = "country"
    NONE = "none"


class Forecast(Frozen):
    """What is to be expected of one province, or (``province`` None) of the country.

    ``in_time`` of those under way can still be certified by the last day of the fiscal year,
    ``until``. ``expected`` counts the certified ones too; it is None while too little is known, and
    ``missing`` is what is then still wanting to the target.
    """

    province: ProvinceCode | None
    until: date
    target: int | None
    opened: int
    submitted: int
    certified: int
    under_way: int
    in_time: int
    basis: Basis = Basis.NONE
    expected: int | None = None
    missing: int | None = None

    def explain(self, language: Language) -> str:
        """Say in one sentence how the number came about."""
        if self.expected is None:
            words = _UNKNOWN
        elif not self.under_way:
            words = _IDLE
        else:
            words = _KNOWN if self.in_time else _OVER
        return words[language].format(
            enough=ENOUGH_TO_JUDGE,
            certified=self.certified,
            under_way=self.under_way,
            in_time=self.in_time,
            until=format_date(self.until, language),
            likely=(self.expected or 0) - self.certified,
            whose=_WHOSE[language][self.basis],
            expected=self.expected,
        )


class _Expected(NamedTuple):
    """An exact expectation: of many provinces with a few cases each, none may get one alone."""

    number: Fraction
    basis: Basis


def forecast(
    counts: tuple[YearCounts, ...], fiscal_year: int, country_target: int | None = None
) -> tuple[Forecast, ...]:
    """Return the forecast of each province and, last, of the country.

    Expected are the cases certified in the year and, of those under way that can still be certified
    in it, the share that cases which came as far have had: ``certified / (certified + failed)`` of
    all that ended in the year after they had come to that part of the way. It is the province's own
    share if at least 10 of its cases have ended so, else the country's if at least 10 have there.
    A province's number is rounded down; the country's is the sum of the exact ones, rounded down
    once. Its target is ``country_target`` or, without one, the sum of the provinces'.
    """
    until = fiscal_year_bounds(fiscal_year)[1]
    country = {part: _rate(c.ended.get(part, Ended()) for c in counts) for part in Part}
    found = [(c, _expected(c, country)) for c in counts]
    provinces = tuple(_forecast(until, (c,), e, c.target, c.province) for c, e in found)
    targets = [c.target for c in counts if c.target is not None]
    target = country_target if country_target is not None else sum(targets) if targets else None
    exact = [e for _, e in found if e is not None]
    whole = None
    if counts and len(exact) == len(counts):
        bases = {e.basis for e in exact} - {Basis.NONE}
        whole = _Expected(
            sum((e.number for e in exact), Fraction(0)), Basis.COUNTRY if bases else Basis.NONE
        )
    return (*provinces, _forecast(until, counts, whole, target, None))


def _forecast(
    until: date,
    counts: tuple[YearCounts, ...],
    expected: _Expected | None,
    target: int | None,
    province: str | None,
) -> Forecast:
    number = None if expected is None else int(expected.number)
    return Forecast(
        province=province,
        until=until,
        target=target,
        opened=sum(c.opened for c in counts),
        submitted=sum(c.submitted for c in counts),
        certified=sum(c.certified for c in counts),
        under_way=sum(c.under_way for c in counts),
        in_time=sum(sum(c.in_time.values()) for c in counts),
        basis=Basis.NONE if expected is None else expected.basis,
        expected=number,
        missing=None if target is None or number is None else max(0, target - number),
    )


def _expected(counts: YearCounts, country: Mapping[Part, Fraction | None]) -> _Expected | None:
    number, basis = Fraction(counts.certified), Basis.NONE
    for part, cases in counts.in_time.items():
        if not cases:
            continue
        own = _rate([counts.ended.get(part, Ended())])
        rate = country[part] if own is None else own
        if rate is None:
            return None
        number += cases * rate
        if basis is not Basis.COUNTRY:
            basis = Basis.COUNTRY if own is None else Basis.PROVINCE
    return _Expected(number, basis)


def _rate(ended: Iterable[Ended]) -> Fraction | None:
    known = tuple(ended)
    certified = sum(each.certified for each in known)
    all_of_them = certified + sum(each.failed for each in known)
    return Fraction(certified, all_of_them) if all_of_them >= ENOUGH_TO_JUDGE else None


_KNOWN: dict[Language, str] = {
    "en": (
        "{certified} certified so far; of the {under_way} under way {in_time} can still be certified by {until},"
        " and of these {likely} are likely to be, by how far they have come ({whose}): {expected} expected."
    ),
    "th": (
        "ได้รับการรับรองแล้ว {certified} แห่ง อยู่ระหว่างดำเนินการ {under_way} แห่ง ซึ่งอาจได้รับการรับรองทันภายในวันที่ {until}"
        " จำนวน {in_time} แห่ง และคาดว่าจะได้รับการรับรอง {likely} แห่ง ตามขั้นตอนที่ดำเนินการถึง ({whose})"
        " รวมคาดการณ์ {expected} แห่ง"
    ),
}
_OVER: dict[Language, str] = {
    "en": (
        "{certified} certified so far; of the {under_way} under way none can still be certified by {until}:"
        " {expected} expected."
    ),
    "th": (
        "ได้รับการรับรองแล้ว {certified} แห่ง อยู่ระหว่างดำเนินการ {under_way} แห่ง"
        " ซึ่งไม่อาจได้รับการรับรองทันภายในวันที่ {until} รวมคาดการณ์ {expected} แห่ง"
    ),
}
_IDLE: dict[Language, str] = {
    "en": "{certified} certified so far, and none is under way: {expected} expected.",
    "th": "ได้รับการรับรองแล้ว {certified} แห่ง ไม่มีเรื่องที่อยู่ระหว่างดำเนินการ รวมคาดการณ์ {expected} แห่ง",
}
_UNKNOWN: dict[Language, str] = {
    "en": "No forecast yet: fewer than {enough} cases that came as far have ended this fiscal year.",
    "th": "ยังคาดการณ์ไม่ได้: ปีงบประมาณนี้มีเรื่องที่ดำเนินการถึงขั้นเดียวกันและสิ้นสุดแล้วไม่ถึง {enough} เรื่อง",
}
_WHOSE: dict[Language, dict[Basis, str]] = {
    "en": {
        Basis.PROVINCE: "the province's own experience",
        Basis.COUNTRY: "the country's experience",
        Basis.NONE: "",
    },
    "th": {
        Basis.PROVINCE: "อัตราของจังหวัดเอง",
        Basis.COUNTRY: "อัตราของทั้งประเทศ",
        Basis.NONE: "",
    },
}
