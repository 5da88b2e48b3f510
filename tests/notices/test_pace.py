"""How fast messages may leave for one mail domain."""

from datetime import timedelta

import pytest

from casework.notices.pace import Pace
from tests.sample_case import NOW

HERE, THERE = ["here.example"], ["there.example"]


def test_as_many_leave_as_the_pace_says_and_then_one_by_one() -> None:
    """The window moves: what left a minute ago makes room."""
    pace = Pace("2/minute")
    assert pace.admit(HERE, NOW) is None
    assert pace.admit(HERE, NOW + timedelta(seconds=20)) is None
    assert pace.admit(HERE, NOW + timedelta(seconds=30)) == NOW + timedelta(seconds=60)
    assert pace.admit(HERE, NOW + timedelta(seconds=60)) is None
    assert pace.admit(HERE, NOW + timedelta(seconds=61)) is not None
    assert pace.admit(HERE, NOW + timedelta(seconds=80)) is None


def test_each_domain_has_a_pace_of_its_own() -> None:
    """A message to several domains waits for the slowest and counts for all."""
    pace = Pace("1/minute")
    assert pace.admit(HERE, NOW) is None
    assert pace.admit(THERE, NOW + timedelta(seconds=10)) is None
    assert pace.admit([*HERE, *THERE], NOW + timedelta(seconds=20)) == NOW + timedelta(seconds=70)
    both = NOW + timedelta(seconds=70)
    assert pace.admit([*HERE, *THERE], both) is None
    assert pace.admit(HERE, both) is not None
    assert pace.admit(THERE, both) is not None


def test_those_put_back_are_spread_and_leave_room_for_what_is_new() -> None:
    """Ten thousand invitations come back once each, not all of them every minute."""
    pace = Pace("60/minute")
    for _ in range(60):
        assert pace.admit(HERE, NOW) is None
    turns = [turn for _ in range(480) if (turn := pace.admit(HERE, NOW)) is not None]
    assert len(turns) == 480
    assert turns == sorted(set(turns))
    assert turns[0] == NOW + timedelta(minutes=1)
    assert turns[-1] - turns[0] == 479 * timedelta(seconds=1.25)
    back_again = 0
    for turn in turns:
        back_again += pace.admit(HERE, turn) is not None
    assert back_again == 0
    # One of today in between finds room at once.
    assert pace.admit(HERE, turns[-1]) is None


def test_the_next_turn_starts_anew_when_the_rush_is_over() -> None:
    """What was promised long ago delays nobody."""
    pace = Pace("1/minute")
    pace.admit(HERE, NOW)
    pace.admit(HERE, NOW)
    later = NOW + timedelta(days=1)
    assert pace.admit(HERE, later) is None
    assert pace.admit(HERE, later) == later + timedelta(minutes=1)


@pytest.mark.parametrize("notation", ["", "fast", "60 per fortnight"])
def test_a_pace_nobody_understands_is_found_at_the_start(notation: str) -> None:
    """Not with the first notice."""
    with pytest.raises(ValueError, match=r".*"):
        Pace(notation)
