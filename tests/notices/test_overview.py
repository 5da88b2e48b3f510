"""The documentation of the notices."""

from pathlib import Path

from casework.notices.catalogue import SILENT
from casework.notices.overview import with_table

PAGE = Path(__file__).parents[2] / "docs" / "notices.md"


def test_the_documented_table_is_the_catalogue() -> None:
    """Write it anew with `python -m casework.notices.overview docs/notices.md`."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_table(page)


def test_the_silent_events_are_documented() -> None:
    """Whoever misses a notice finds out that it is meant so."""
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{event.__name__}`" in page for event in SILENT)
