"""Two lines of one name are one site if they are in one place."""

from hypothesis import given
from hypothesis import strategies as st

from casework.domain.duplicates import Places, Spot, same_place


def test_sites_within_200_meters_are_one() -> None:
    here = Spot(1, "a", 13.0, 100.0)
    assert same_place(here, Spot(2, "b", 13.0017, 100.0))
    assert not same_place(here, Spot(2, None, 13.0019, 100.0))


def test_without_coordinates_the_address_decides() -> None:
    here = Spot(1, "a", address="1 หมู่ 2")
    assert same_place(here, Spot(2, "b", address="1 หมู่ 2"))
    assert not same_place(here, Spot(2, address="9 หมู่ 2"))
    assert same_place(here._replace(latitude=13.0, longitude=100.0), here._replace(line=2))


def test_with_neither_two_registration_numbers_say_that_there_are_two_sites() -> None:
    assert not same_place(Spot(1, "a"), Spot(2, "b", 13.0, 100.0))
    assert same_place(Spot(1, "a"), Spot(2))
    assert same_place(Spot(1), Spot(2, address="1 หมู่ 2"))


def spots() -> st.SearchStrategy[Spot]:
    near = st.sampled_from([13.0, 13.001, 13.0019, 13.004, 13.0058])
    placed = st.tuples(near, st.sampled_from([100.0, 100.001, 100.01]))
    return st.builds(
        lambda number, place, address: Spot(0, number, place[0], place[1], address),
        st.sampled_from([None, "a", "b", "c"]),
        st.one_of(st.just((None, None)), placed),
        st.sampled_from([None, "x", "y"]),
    )


@given(st.lists(spots(), max_size=30))
def test_looking_only_at_neighbors_finds_what_looking_at_all_would(some: list[Spot]) -> None:
    places = Places()
    kept: list[Spot] = []
    for line, spot in enumerate(some):
        here = spot._replace(line=line)
        found = places.find_or_add(here)
        by_all = any(same_place(here, other) for other in kept)
        assert (found is not None) == by_all
        if found is None:
            kept.append(here)
        else:
            assert same_place(here, found)
