"""A published version never changes but for its end date; and what ships reads well."""

import re
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from casework.domain.rules import Element, Method, RequirementLevel
from casework.programs.catalog import (
    DIGESTS,
    ProgramCatalog,
    PublishedVersionChanged,
    check_published,
    record_published,
)
from casework.programs.loader import DATA

SHIPPED = [ProgramCatalog.load().get(name, "1") for name in ("eco-network", "river-governance")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the data that ships."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def edit(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "eco-network" / "1.toml"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def test_the_published_versions_that_ship_are_what_they_were():
    check_published()


class TestGuard:
    def test_an_end_date_may_change(self, folder: Path):
        edit(folder, lambda text: f"valid_until = 2027-09-30\n{text}")
        check_published(folder)

    def test_comments_and_line_breaks_may_change(self, folder: Path):
        edit(folder, lambda text: re.sub(r"^# .*$", "# other", text, flags=re.MULTILINE) + "\n\n")
        check_published(folder)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("weight = 7", "weight = 6"),
            ('name.en = "Member"', 'name.en = "Members"'),
            ("length = 15", "length = 16"),
            ("valid_from = 2025-10-01", "valid_from = 2025-10-02"),
        ],
    )
    def test_nothing_else_may_and_the_error_says_what_to_do(self, folder: Path, old: str, new: str):
        edit(folder, lambda text: text.replace(old, new, 1))
        with pytest.raises(PublishedVersionChanged) as caught:
            check_published(folder)
        found = str(caught.value)
        assert "eco-network/1 is published and has changed" in found
        assert "put it back" in found
        assert "new version" in found
        assert "valid_until" in found

    def test_criteria_stay_in_their_order(self, folder: Path):
        def swap(text: str) -> str:
            head, first, second = re.split(r"(?=\[criteria\.EN-0[12]\])", text, maxsplit=2)
            second, tail = re.split(r"(?=\[criteria\.EN-03\])", second, maxsplit=1)
            return head + second + first + tail

        edit(folder, swap)
        with pytest.raises(PublishedVersionChanged):
            check_published(folder)

    def test_a_published_version_is_not_taken_back(self, folder: Path):
        edit(folder, lambda text: text.replace("published = true", "published = false"))
        with pytest.raises(PublishedVersionChanged, match="eco-network/1 was published"):
            check_published(folder)

    def test_a_new_published_version_has_to_be_recorded(self, folder: Path):
        (folder / DIGESTS).unlink()
        with pytest.raises(PublishedVersionChanged, match="has no line"):
            check_published(folder)
        assert record_published(folder) == ("eco-network/1", "river-governance/1")
        check_published(folder)

    def test_recording_writes_the_file_that_ships(self, folder: Path):
        shipped = (folder / DIGESTS).read_bytes()
        (folder / DIGESTS).unlink()
        record_published(folder)
        assert (folder / DIGESTS).read_bytes() == shipped

    def test_recording_never_makes_a_changed_version_pass(self, folder: Path):
        edit(folder, lambda text: text.replace("weight = 7", "weight = 6", 1))
        assert record_published(folder) == ()
        with pytest.raises(PublishedVersionChanged):
            check_published(folder)


@pytest.mark.parametrize("version", SHIPPED, ids=lambda v: v.program)
class TestShippedCriteria:
    def test_all_elements_and_all_methods_are_used(self, version):
        criteria = version.criteria.values()
        assert {c.element for c in criteria} == set(Element)
        assert {c.method for c in criteria} == set(Method)
        assert {c.level for c in criteria} == set(RequirementLevel)
        assert any(c.knock_out for c in criteria)
        assert any(c.not_applicable_allowed for c in criteria)

    def test_weights_add_up_to_a_hundred(self, version):
        """So that a weight reads as a percentage of the whole."""
        assert sum(c.weight for c in version.criteria.values()) == 100

    def test_not_applicable_is_explained_where_it_is_allowed_and_only_there(self, version):
        for criterion in version.criteria.values():
            explained = "Not applicable" in criterion.guidance.en
            assert explained == criterion.not_applicable_allowed
            assert explained == ("ไม่เกี่ยวข้อง" in criterion.guidance.th)

    def test_a_criterion_takes_no_minor_finding_exactly_where_it_says_that_any_lapse_is_major(
        self, version
    ):
        for criterion in version.criteria.values():
            said = "Any lapse here is a major nonconformity" in criterion.guidance.en
            assert said == criterion.knock_out == (not criterion.minor_allowed)
            assert said == ("ข้อบกพร่องสำคัญ" in criterion.guidance.th)

    def test_thai_is_spelled_with_whole_characters(self, version):
        """Sara am and sara ae are one character each; typed as two they look alike and search fails."""
        text = version.model_dump_json()
        assert text == unicodedata.normalize("NFC", text)
        assert "\u0e4d\u0e32" not in text
        assert "เเ" not in text
        assert not re.search(r"[\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]{3,}", text)


def test_the_program_of_the_river_basins_has_at_least_24_criteria():
    assert [len(version.criteria) for version in SHIPPED] == [16, 28]
