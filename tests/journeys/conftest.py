"""The town that journeys take place in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.town import Town, town_at


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A system of its own for each journey, because journeys kill parts of it."""
    with town_at(tmp_path) as town:
        yield town
