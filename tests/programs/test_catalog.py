"""Which version is current, and what versions owe each other."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.programs.loader import DATA, ProgramFileError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the network's program alone."""
    shutil.copytree(DATA / "eco-network", tmp_path / "eco-network")
    return tmp_path


def add_version(folder: Path, version: str, *replacements: tuple[str, str]) -> Path:
    """Write another version of the network's program, changed in these places."""
    text = (folder / "eco-network" / "1.toml").read_text(encoding="utf-8")
    for old, new in (('version = "1"', f'version = "{version}"'), *replacements):
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "eco-network" / f"{version}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def end_first_version(folder: Path, day: str) -> None:
    path = folder / "eco-network" / "1.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"valid_until = {day}\n{text}", encoding="utf-8")


class TestShippedCatalog:
    def test_both_programs_are_there(self):
        assert ProgramCatalog.load().programs() == ("eco-network", "river-governance")

    def test_a_version_is_found_by_name(self):
        version = ProgramCatalog.load().get("river-governance", "1")
        assert version.name.to("en") == "River-basin Management and Environmental Governance"
        assert version.label.to("th") == "เกณฑ์ตั้งต้น"

    def test_samples_come_last_and_are_never_current(self):
        catalog = ProgramCatalog.load()
        for program in catalog.programs():
            assert [v.version for v in catalog.versions(program)] == ["1", "sample"]
            assert catalog.current(program, date(2026, 11, 22)).version == "1"

    def test_what_is_not_there_is_said_so(self):
        catalog = ProgramCatalog.load()
        with pytest.raises(NoSuchVersion, match="no program nothing"):
            catalog.current("nothing", date(2026, 11, 22))
        with pytest.raises(NoSuchVersion, match="no version 9 of eco-network"):
            catalog.get("eco-network", "9")
        with pytest.raises(NoSuchVersion, match="valid on 2025-09-30"):
            catalog.current("eco-network", date(2025, 9, 30))


class TestSuccession:
    def test_a_new_version_is_current_from_its_first_day(self, folder: Path):
        add_version(folder, "2", ("valid_from = 2025-10-01", "valid_from = 2027-10-01"))
        end_first_version(folder, "2027-09-30")
        catalog = ProgramCatalog.load(folder)
        assert catalog.current("eco-network", date(2027, 9, 30)).version == "1"
        assert catalog.current("eco-network", date(2027, 10, 1)).version == "2"
        assert [v.version for v in catalog.versions("eco-network")] == ["1", "2", "sample"]

    def test_no_version_is_current_in_a_gap(self, folder: Path):
        add_version(folder, "2", ("valid_from = 2025-10-01", "valid_from = 2027-10-01"))
        end_first_version(folder, "2027-08-31")
        with pytest.raises(NoSuchVersion):
            ProgramCatalog.load(folder).current("eco-network", date(2027, 9, 15))

    def test_published_versions_do_not_overlap(self, folder: Path):
        add_version(folder, "2", ("valid_from = 2025-10-01", "valid_from = 2027-10-01"))
        end_first_version(folder, "2027-10-01")
        with pytest.raises(ProgramFileError) as caught:
            ProgramCatalog.load(folder)
        assert str(caught.value) == (
            "eco-network/2.toml, line 11, valid_from: "
            "version 1 is valid until 2027-10-01; end it the day before"
        )

    def test_a_version_without_an_end_leaves_no_room_for_the_next(self, folder: Path):
        add_version(folder, "2", ("valid_from = 2025-10-01", "valid_from = 2027-10-01"))
        with pytest.raises(ProgramFileError, match="valid until further notice"):
            ProgramCatalog.load(folder)

    def test_a_draft_may_overlap_and_is_not_current(self, folder: Path):
        add_version(folder, "2", ("published = true", "published = false"))
        assert ProgramCatalog.load(folder).current("eco-network", date(2026, 1, 1)).version == "1"


class TestPrefixes:
    def test_all_versions_of_a_program_have_one_prefix(self, folder: Path):
        add_version(
            folder,
            "2",
            ('prefix = "eco"', 'prefix = "ecn"'),
            ("published = true", "published = false"),
        )
        with pytest.raises(ProgramFileError, match=r"2\.toml, line 9, prefix: one prefix for all"):
            ProgramCatalog.load(folder)

    def test_two_programs_do_not_share_a_prefix(self, folder: Path):
        shutil.copytree(DATA / "river-governance", folder / "river-governance")
        path = folder / "river-governance" / "1.toml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('prefix = "riv"', 'prefix = "eco"'), encoding="utf-8")
        with pytest.raises(ProgramFileError, match="eco is the prefix of eco-network"):
            ProgramCatalog.load(folder)
