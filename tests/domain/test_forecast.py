"""The forecast of a fiscal year can be checked by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from casework.domain.calendar import WorkCalendar, due_at, end_of_day
from casework.domain.forecast import (
    PART_OF_STAGE,
    Basis,
    Ended,
    Forecast,
    Horizon,
    Part,
    YearCounts,
    forecast,
)
from casework.domain.rules import Period, Unit
from casework.domain.stages import BEFORE_DECISION

YEAR = 2570
END = end_of_day(date(2027, 9, 30))
CALENDAR = WorkCalendar.of([], through=date(2028, 12, 31))

RAYONG = YearCounts(
    province="21",
    target=12,
    opened=40,
    submitted=30,
    certified=8,
    under_way=9,
    ended={
        Part.APPLICATION: Ended(certified=8, failed=8),
        Part.DECISION: Ended(certified=8, failed=2),
    },
    in_time={Part.APPLICATION: 4, Part.DECISION: 3},
)
LAMPHUN = YearCounts(
    province="51",
    target=5,
    opened=4,
    submitted=4,
    certified=1,
    under_way=3,
    ended={Part.APPLICATION: Ended(certified=1), Part.DECISION: Ended(certified=1)},
    in_time={Part.APPLICATION: 3},
)


def expected_of(*counts: YearCounts) -> list[int | None]:
    return [found.expected for found in forecast(counts, YEAR)]


def test_a_case_counts_by_how_far_it_has_come() -> None:
    """8 certified, half of the 4 applications and 8 in 10 of the 3 before the decision: 12.4."""
    rayong, country = forecast((RAYONG,), YEAR)
    assert (rayong.expected, rayong.missing, rayong.basis) == (12, 0, Basis.PROVINCE)
    assert (country.province, country.target, country.expected) == (None, 12, 12)


def test_a_province_with_few_goes_by_the_share_of_the_country() -> None:
    """9 of 17 of those who applied; 1 + 3 x 9/17 = 2.59, and 12.4 + 2.59 = 14.99."""
    _, lamphun, country = forecast((RAYONG, LAMPHUN), YEAR, country_target=150)
    assert (lamphun.basis, lamphun.expected, lamphun.missing) == (Basis.COUNTRY, 2, 3)
    assert (country.expected, country.target, country.missing) == (14, 150, 136)


def test_what_cannot_be_certified_in_time_is_not_expected() -> None:
    """On the last evening of the year all that is under way and has no decision before it counts nothing."""
    late = RAYONG.model_copy(update={"in_time": {}})
    assert expected_of(late) == [8, 8]
    said = forecast((late,), YEAR)[0]
    assert said.explain("en") == (
        "8 certified so far; of the 9 under way none can still be certified by 30 September 2027: "
        "8 expected."
    )
    assert "30 กันยายน 2570" in said.explain("th")


def test_provinces_with_a_case_each_are_something_together() -> None:
    """A fifth of a case in each of 140 provinces is nothing there, and 28 in the country."""
    done = YearCounts(
        province="10", certified=2, ended={Part.APPLICATION: Ended(certified=2, failed=8)}
    )
    many = [
        YearCounts(province="21", under_way=1, in_time={Part.APPLICATION: 1}) for _ in range(140)
    ]
    *provinces, country = expected_of(done, *many)
    assert set(provinces[1:]) == {0}
    assert country == 30


def test_without_experience_there_is_no_forecast_but_for_what_is_done() -> None:
    lamphun, country = forecast((LAMPHUN,), YEAR)
    assert (lamphun.basis, lamphun.expected, lamphun.missing) == (Basis.NONE, None, None)
    assert country.expected is None
    assert "fewer than 10" in lamphun.explain("en")
    assert "ไม่ถึง 10" in lamphun.explain("th")
    idle = LAMPHUN.model_copy(update={"under_way": 0, "in_time": {}})
    assert expected_of(idle) == [1, 1]
    assert forecast((idle,), YEAR)[0].explain("en") == (
        "1 certified so far, and none is under way: 1 expected."
    )


def test_the_explanation_has_every_number_of_the_sum() -> None:
    rayong = forecast((RAYONG,), YEAR)[0]
    assert rayong.explain("en") == (
        "8 certified so far; of the 9 under way 7 can still be certified by 30 September 2027, and of "
        "these 4 are likely to be, by how far they have come (the province's own experience): "
        "12 expected."
    )
    for number in ("8 แห่ง", "9 แห่ง", "7 แห่ง", "4 แห่ง", "12 แห่ง"):
        assert number in rayong.explain("th")


def test_no_cases_and_no_targets_give_an_empty_country() -> None:
    (country,) = forecast((), YEAR)
    assert (country.target, country.expected, country.missing) == (None, None, None)
    assert isinstance(country, Forecast)


def test_every_stage_under_way_is_a_part_of_the_way() -> None:
    assert set(PART_OF_STAGE) == set(BEFORE_DECISION)


@pytest.mark.parametrize(
    ("length", "unit", "last"),
    [
        (21, Unit.CALENDAR_DAYS, date(2027, 9, 9)),
        (15, Unit.CALENDAR_DAYS, date(2027, 9, 15)),
        (10, Unit.WORKING_DAYS, date(2027, 9, 16)),
    ],
)
def test_feedback_has_to_open_while_its_period_still_ends_within_the_year(
    length: int, unit: Unit, last: date
) -> None:
    """The last day on which it can: a day later it would end in October."""
    period = Period(length=length, unit=unit)
    by = Horizon.of(YEAR, END - timedelta(days=99), {"1": period}, CALENDAR).feedback_by["1"]
    assert by == end_of_day(last)
    assert due_at(period, by - timedelta(seconds=1), CALENDAR) <= END
    assert due_at(period, by, CALENDAR) > END


def test_a_period_in_seconds_reaches_to_the_last_of_them() -> None:
    now = datetime(2027, 9, 30, 3, tzinfo=UTC)
    horizon = Horizon.of(YEAR, now, {"s": Period(length=6, unit=Unit.SECONDS)}, CALENDAR)
    assert horizon.ends == END
    assert horizon.feedback_by["s"] == END - timedelta(seconds=6)
