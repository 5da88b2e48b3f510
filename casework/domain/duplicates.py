"""Which sites of one name are the same site: pure, and quick for thousands that share a name."""

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from casework.domain.drives import SAME_PLACE_METERS, meters_between

_CELL_DEGREES = 0.002
"""A little more than the distance above, in degrees of latitude: neighbors are in this cell or the next."""


class Spot(NamedTuple):
    """A site among those of one name and province. ``address`` is in the form that search compares."""

    line: int
    registration_no: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None

    @property
    def is_placed(self) -> bool:
        """Say whether its coordinates are known."""
        return self.latitude is not None and self.longitude is not None


def same_place(one: Spot, other: Spot) -> bool:
    """Say whether two sites of one name and province are in one place.

    Within 200 meters where both have coordinates, else at one address where both have one. With
    less than that, two different registration numbers say that there are two sites.
    """
    a, b, c, d = one.latitude, one.longitude, other.latitude, other.longitude
    if a is not None and b is not None and c is not None and d is not None:
        return meters_between(a, b, c, d) <= SAME_PLACE_METERS
    if one.address and other.address:
        return one.address == other.address
    return not (one.registration_no and other.registration_no)


class Places:
    """The sites of one name and province met so far, each of them a place of its own."""

    def __init__(self) -> None:
        """Start with none."""
        self._by_cell: defaultdict[int, list[Spot]] = defaultdict(list)
        self._by_address: dict[tuple[str, bool], Spot] = {}
        self._first_of_kind: dict[tuple[bool, bool, bool], Spot] = {}

    def find_or_add(self, spot: Spot) -> Spot | None:
        """Return a site met before that is in the same place; if there is none, keep this one."""
        for candidate in self._candidates(spot):
            if same_place(spot, candidate):
                return candidate
        self._add(spot)
        return None

    def _candidates(self, spot: Spot) -> Iterator[Spot]:
        if spot.latitude is not None:
            cell = math.floor(spot.latitude / _CELL_DEGREES)
            for near in (cell - 1, cell, cell + 1):
                yield from self._by_cell.get(near, ())
        for placed in (False, True):
            if spot.address and (found := self._by_address.get((spot.address, placed))):
                yield found
        # Of those that differ in nothing the rule looks at, one answers for all.
        yield from self._first_of_kind.values()

    def _add(self, spot: Spot) -> None:
        if spot.latitude is not None:
            self._by_cell[math.floor(spot.latitude / _CELL_DEGREES)].append(spot)
        if spot.address:
            self._by_address.setdefault((spot.address, spot.is_placed), spot)
        kind = (spot.is_placed, bool(spot.address), bool(spot.registration_no))
        self._first_of_kind.setdefault(kind, spot)
