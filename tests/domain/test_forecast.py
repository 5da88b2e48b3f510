"""The forecast of a fiscal year can be checked by hand."""

from casework.domain.forecast import Basis, YearCounts, forecast

RAYONG = YearCounts(
    province="21", target=12, opened=40, submitted=30, certified=8, failed=2, under_way=7
)
LAMPHUN = YearCounts(province="51", target=5, opened=4, submitted=4, certified=1, under_way=3)


def test_a_province_with_enough_ended_cases_goes_by_its_own_share() -> None:
    rayong, country = forecast((RAYONG,))
    assert (rayong.rate, rayong.basis) == (0.8, Basis.PROVINCE)
    # 8 and 0.8 x 7 = 5.6, rounded down.
    assert (rayong.expected, rayong.missing) == (13, 0)
    assert (country.province, country.target, country.expected) == (None, 12, 13)


def test_a_province_with_few_goes_by_the_share_of_the_country() -> None:
    _, lamphun, country = forecast((RAYONG, LAMPHUN), country_target=150)
    assert lamphun.rate == 9 / 11
    assert (lamphun.basis, lamphun.expected, lamphun.missing) == (Basis.COUNTRY, 3, 2)
    # 13.6 and 1 + 3 x 9/11 = 3.45: the fractions of both make one more.
    assert (country.expected, country.target, country.missing) == (17, 150, 133)


def test_provinces_with_a_case_each_are_something_together() -> None:
    """A fifth of a case in each of 140 provinces is nothing there, and 28 in the country."""
    done = YearCounts(province="10", certified=2, failed=8)
    many = [YearCounts(province="21", under_way=1) for _ in range(140)]
    *provinces, country = forecast((done, *many))
    assert {found.expected for found in provinces[1:]} == {0}
    assert country.expected == 30


def test_without_experience_there_is_no_forecast_but_for_what_is_done() -> None:
    lamphun, country = forecast((LAMPHUN,))
    assert (lamphun.rate, lamphun.basis, lamphun.expected, lamphun.missing) == (
        None,
        Basis.NONE,
        None,
        None,
    )
    assert country.expected is None
    assert "fewer than 10" in lamphun.explain("en")
    assert "ไม่ถึง 10" in lamphun.explain("th")
    idle = LAMPHUN.model_copy(update={"under_way": 0})
    assert forecast((idle,))[0].expected == 1


def test_the_explanation_has_every_number_of_the_sum() -> None:
    rayong = forecast((RAYONG,))[0]
    assert rayong.explain("en") == (
        "8 certified so far, and 80 % of the 7 under way (the province's own share): 13 expected."
    )
    assert "ร้อยละ 80" in rayong.explain("th")


def test_no_cases_and_no_targets_give_an_empty_country() -> None:
    (country,) = forecast(())
    assert (country.target, country.expected, country.missing) == (None, None, None)
