"""Will the fiscal year's target be met? A simple answer that can be checked by hand."""

from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from casework.domain._model import Frozen, ProvinceCode
from casework.domain.calendar import Language

ENOUGH_TO_JUDGE = 10
"""Fewer ended cases than this say nothing about the next ones."""


class YearCounts(Frozen):
    """The cases of a program in one fiscal year and province; ``target`` is None where none is set.

    ``opened`` were opened in the year, by invitation or application; ``submitted`` are those of
    them that applied. ``certified`` were granted in the year, ``failed`` were opened in it and ended
    without a grant. ``under_way`` are open and not decided yet, whenever they were opened.
    """

    province: ProvinceCode
    target: int | None = None
    opened: int = 0
    submitted: int = 0
    certified: int = 0
    failed: int = 0
    under_way: int = 0


class Basis(StrEnum):
    """Whose experience the conversion rate comes from."""

    PROVINCE = "province"
    COUNTRY = "country"
    NONE = "none"


class Forecast(Frozen):
    """What is to be expected of one province, or (``province`` None) of the country.

    ``expected`` counts the certified ones too; it is None while no rate is known, and ``missing``
    is what is then still wanting to the target.
    """

    province: ProvinceCode | None
    target: int | None
    opened: int
    submitted: int
    certified: int
    under_way: int
    rate: float | None = Field(default=None, ge=0, le=1)
    basis: Basis = Basis.NONE
    expected: int | None = None
    missing: int | None = None

    def explain(self, language: Language) -> str:
        """Say in one sentence how the number came about."""
        if self.rate is None or self.expected is None:
            return _UNKNOWN[language].format(enough=ENOUGH_TO_JUDGE)
        return _KNOWN[language].format(
            certified=self.certified,
            under_way=self.under_way,
            percent=round(self.rate * 100),
            whose=_WHOSE[language][self.basis],
            expected=self.expected,
        )


def forecast(
    counts: tuple[YearCounts, ...], country_target: int | None = None
) -> tuple[Forecast, ...]:
    """Return the forecast of each province and, last, of the country.

    Expected are the cases certified in the year and, of those under way, the share that a case has
    had of being certified: ``certified / (certified + failed)`` of the province if at least 10 of its
    cases have ended, else of the country if at least 10 have there, rounded down. The country's
    expected number is the sum of the provinces', rounded down only once: of many provinces with a
    few cases each, none may get one alone. Its target is ``country_target`` or, without one, the
    sum of theirs.
    """
    country_rate = _rate(sum(c.certified for c in counts), sum(c.failed for c in counts))
    provinces = tuple(_of_province(c, country_rate) for c in counts)
    targets = [c.target for c in counts if c.target is not None]
    target = country_target if country_target is not None else sum(targets) if targets else None
    exact = [e for c in counts if (e := _expected(c, country_rate)) is not None]
    expected = int(sum(exact)) if counts and len(exact) == len(counts) else None
    whole = Forecast(
        province=None,
        target=target,
        opened=sum(c.opened for c in counts),
        submitted=sum(c.submitted for c in counts),
        certified=sum(c.certified for c in counts),
        under_way=sum(c.under_way for c in counts),
        rate=None if country_rate is None else float(country_rate),
        basis=Basis.NONE if country_rate is None else Basis.COUNTRY,
        expected=expected,
        missing=_missing(target, expected),
    )
    return (*provinces, whole)


def _of_province(counts: YearCounts, country_rate: Fraction | None) -> Forecast:
    own = _rate(counts.certified, counts.failed)
    rate = country_rate if own is None else own
    basis = Basis.NONE if rate is None else Basis.COUNTRY if own is None else Basis.PROVINCE
    exact = _expected(counts, country_rate)
    expected = None if exact is None else int(exact)
    return Forecast(
        province=counts.province,
        target=counts.target,
        opened=counts.opened,
        submitted=counts.submitted,
        certified=counts.certified,
        under_way=counts.under_way,
        rate=None if rate is None else float(rate),
        basis=basis,
        expected=expected,
        missing=_missing(counts.target, expected),
    )


def _expected(counts: YearCounts, country_rate: Fraction | None) -> Fraction | None:
    own = _rate(counts.certified, counts.failed)
    rate = country_rate if own is None else own
    if rate is None and counts.under_way:
        return None
    return counts.certified + counts.under_way * (rate or Fraction(0))


def _rate(certified: int, failed: int) -> Fraction | None:
    ended = certified + failed
    return Fraction(certified, ended) if ended >= ENOUGH_TO_JUDGE else None


def _missing(target: int | None, expected: int | None) -> int | None:
    return None if target is None or expected is None else max(0, target - expected)


_KNOWN: dict[Language, str] = {
    "en": (
        "{certified} certified so far, and {percent} % of the {under_way} under way ({whose}):"
        " {expected} expected."
    ),
    "th": (
        "ได้รับการรับรองแล้ว {certified} แห่ง และคาดว่าอีกร้อยละ {percent} ของ {under_way} แห่ง"
        "ที่อยู่ระหว่างดำเนินการ ({whose}) รวมคาดการณ์ {expected} แห่ง"
    ),
}
_UNKNOWN: dict[Language, str] = {
    "en": "No forecast yet: fewer than {enough} cases have ended this fiscal year.",
    "th": "ยังคาดการณ์ไม่ได้: ปีงบประมาณนี้มีเรื่องที่สิ้นสุดแล้วไม่ถึง {enough} เรื่อง",
}
_WHOSE: dict[Language, dict[Basis, str]] = {
    "en": {
        Basis.PROVINCE: "the province's own share",
        Basis.COUNTRY: "the country's share",
        Basis.NONE: "",
    },
    "th": {
        Basis.PROVINCE: "อัตราของจังหวัดเอง",
        Basis.COUNTRY: "อัตราของทั้งประเทศ",
        Basis.NONE: "",
    },
}
