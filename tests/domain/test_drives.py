"""How an establishment stands to an invitation, and what the dry run says of a row."""

from datetime import timedelta

import pytest

from casework.domain.drives import (
    DriveTerms,
    Judged,
    Known,
    LastCase,
    ListedSite,
    RowVerdict,
    Stand,
    Standing,
    is_provisional,
    judge_row,
    meters_between,
    provisional_number,
    standing_of,
)
from casework.domain.stages import Stage
from tests.sample_case import NOW

GIVE_UP = timedelta(minutes=15)
TERMS = DriveTerms(provinces=frozenset({"21"}))
SITE = ListedSite(registration_no="3-1", name_th="โรงงาน", province="21", email="a@b.example")


def case(stage: Stage | None, cycle: int = 1, **more: object) -> LastCase:
    return LastCase.model_validate(
        {"case_id": f"eco-{cycle}", "cycle": cycle, "stage": stage, "reserved_at": NOW, **more}
    )


def closed(stage: Stage, cycle: int = 1, **more: object) -> LastCase:
    return case(stage, cycle, is_closed=True, **more)


CERTIFIED = case(Stage.CERTIFIED, has_applied=True, valid_until=NOW + timedelta(days=90))
GIVEN_UP = case(None, reserved_at=NOW - GIVE_UP)


@pytest.mark.parametrize(
    ("cases", "stand"),
    [
        ((), Stand(Standing.FREE)),
        ((case(None),), Stand(Standing.RESERVED, "eco-1")),
        ((GIVEN_UP,), Stand(Standing.FREE, None, 1, "eco-1")),
        ((case(Stage.INVITED),), Stand(Standing.OPEN, "eco-1")),
        ((case(Stage.REVIEW, has_applied=True),), Stand(Standing.OPEN, "eco-1")),
        ((CERTIFIED,), Stand(Standing.CERTIFIED, "eco-1", 2)),
        ((CERTIFIED, case(Stage.INVITED, 2)), Stand(Standing.OPEN, "eco-2")),
        ((CERTIFIED, closed(Stage.DECLINED, 2)), Stand(Standing.CERTIFIED, "eco-1", 3)),
        ((closed(Stage.DECLINED),), Stand(Standing.INVITED_BEFORE, "eco-1", 2)),
        ((closed(Stage.LAPSED),), Stand(Standing.INVITED_BEFORE, "eco-1", 2)),
        ((closed(Stage.LAPSED, has_applied=True),), Stand(Standing.FREE, None, 2)),
        ((closed(Stage.EXPIRED, has_applied=True),), Stand(Standing.FREE, None, 2)),
    ],
)
def test_the_cases_of_an_establishment_decide_how_it_stands(
    cases: tuple[LastCase, ...], stand: Stand
) -> None:
    assert standing_of(cases, TERMS, NOW, GIVE_UP) == stand


def test_a_reservation_that_was_given_up_leaves_what_was_before_it() -> None:
    given_up = case(None, 2, reserved_at=NOW - GIVE_UP)
    stand = standing_of((closed(Stage.REFUSED, has_applied=True), given_up), TERMS, NOW, GIVE_UP)
    assert stand == Stand(Standing.FREE, None, 2, "eco-2")


def test_those_who_left_an_invitation_unanswered_are_asked_again_only_if_the_drive_says_so() -> (
    None
):
    again = TERMS.model_copy(update={"invite_again": True})
    assert standing_of((closed(Stage.DECLINED),), again, NOW, GIVE_UP).standing is Standing.FREE


def test_a_certification_that_ends_soon_is_renewed_by_the_next_cycle() -> None:
    ends = CERTIFIED.valid_until
    assert ends is not None
    for before, standing in (
        (ends, Standing.CERTIFIED),
        (ends + timedelta(seconds=1), Standing.FREE),
    ):
        terms = TERMS.model_copy(update={"renew_before": before})
        stand = standing_of((CERTIFIED,), terms, NOW, GIVE_UP)
        assert (stand.standing, stand.next_cycle) == (standing, 2)


def known(*cases: LastCase, province: str = "21", has_contact: bool = True) -> Known:
    return Known(establishment="est-1", province=province, has_contact=has_contact, cases=cases)


@pytest.mark.parametrize(
    ("site", "known", "judged"),
    [
        (SITE, None, Judged(RowVerdict.NEW)),
        (SITE, known(case(Stage.INVITED)), Judged(RowVerdict.ALREADY_OPEN, "eco-1")),
        (SITE, known(case(None)), Judged(RowVerdict.ALREADY_OPEN, "eco-1")),
        (SITE, known(CERTIFIED), Judged(RowVerdict.ALREADY_CERTIFIED, "eco-1")),
        (SITE, known(closed(Stage.DECLINED)), Judged(RowVerdict.INVITED_BEFORE, "eco-1")),
        (SITE, known(province="50"), Judged(RowVerdict.OUTSIDE_JURISDICTION, "50")),
        (
            SITE.model_copy(update={"province": "50"}),
            None,
            Judged(RowVerdict.OUTSIDE_JURISDICTION, "50"),
        ),
        (SITE.model_copy(update={"email": None}), None, Judged(RowVerdict.NO_CONTACT)),
        (SITE.model_copy(update={"email": None}), known(), Judged(RowVerdict.NEW)),
        (
            SITE.model_copy(update={"email": None}),
            known(has_contact=False),
            Judged(RowVerdict.NO_CONTACT),
        ),
        (ListedSite(registration_no="3-1"), None, Judged(RowVerdict.INVALID, "name")),
        (ListedSite(name_en="Mill"), None, Judged(RowVerdict.INVALID, "province")),
        (ListedSite(registration_no="3-1"), known(), Judged(RowVerdict.NEW)),
    ],
)
def test_a_row_gets_the_verdict(site: ListedSite, known: Known | None, judged: Judged) -> None:
    """Where an establishment lies is what is on file, whatever the list says."""
    assert judge_row(site, known, TERMS, NOW, GIVE_UP) == judged


def test_distances_are_right_within_a_percent() -> None:
    # One minute of latitude is a nautical mile; at 60 degrees a degree of longitude is half as wide.
    assert meters_between(13, 100, 13 + 1 / 60, 100) == pytest.approx(1852, rel=0.01)
    assert meters_between(60, 10, 60, 10.01) == pytest.approx(1111.95 / 2, rel=0.01)
    assert meters_between(0, 179.9995, 0, -179.9995) == pytest.approx(111.195, rel=0.01)


def test_a_provisional_number_depends_on_name_and_place_alone() -> None:
    number = provisional_number("โรงงาน", "21", 12.7, 101.1)
    assert is_provisional(number)
    assert not is_provisional("3-101-1/21")
    assert number == provisional_number("โรงงาน", "21", 12.70000001, 101.1)
    others = {
        provisional_number("โรงสี", "21", 12.7, 101.1),
        provisional_number("โรงงาน", "22", 12.7, 101.1),
        provisional_number("โรงงาน", "21", None, None),
    }
    assert len(others | {number}) == 4
