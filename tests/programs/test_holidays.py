"""Holidays of government offices, with the ministry's corrections; provinces and basins."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from casework.domain.calendar import due_at, last_day, local_date
from casework.domain.rules import Period, Unit
from casework.programs.holidays import current_calendar, public_holidays, work_calendar
from casework.programs.loader import ProgramFileError
from casework.programs.provinces import provinces
from casework.programs.river_basins import river_basins

TODAY = date(2026, 11, 22)


@pytest.fixture
def override(tmp_path: Path):
    """Write an override file and return its path."""

    def write(text: str) -> Path:
        path = tmp_path / "holidays.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def message(path: Path) -> str:
    with pytest.raises(ProgramFileError) as caught:
        work_calendar(TODAY, override_file=path)
    return str(caught.value)


class TestThaiHolidays:
    def test_songkran_2027_is_tuesday_to_thursday(self):
        calendar = work_calendar(TODAY)
        days = [date(2027, 4, day) for day in range(12, 17)]
        assert [calendar.is_working_day(day) for day in days] == [True, False, False, False, True]

    def test_a_holiday_at_a_weekend_has_a_day_in_lieu(self):
        """5 December 2026 is a Saturday, 10 December a Thursday."""
        calendar = work_calendar(TODAY)
        assert not calendar.is_working_day(date(2026, 12, 7))
        assert not calendar.is_working_day(date(2026, 12, 10))
        assert calendar.working_days(date(2026, 12, 4), date(2026, 12, 11)) == 3

    def test_thirty_working_days_from_late_november_2026(self):
        """Four holidays lie between: 7, 10 and 31 December, and 1 January."""
        period = Period(length=30, unit=Unit.WORKING_DAYS)
        due = due_at(period, datetime(2026, 11, 23, 3, tzinfo=UTC), work_calendar(TODAY))
        assert last_day(due) == date(2027, 1, 8)

    def test_offices_work_on_labor_day(self):
        """It is a holiday of banks and private firms; Monday 3 May 2027 is its day in lieu."""
        assert work_calendar(TODAY).is_working_day(date(2026, 5, 1))
        assert work_calendar(TODAY).is_working_day(date(2027, 5, 3))
        assert not any("แรงงาน" in holiday.name_th for holiday in public_holidays(TODAY))

    def test_offices_close_for_the_royal_plowing_ceremony(self):
        assert not work_calendar(TODAY).is_working_day(date(2026, 5, 13))

    def test_holidays_have_names_in_both_languages(self):
        names = {h.date: (h.name_th, h.name_en) for h in public_holidays(TODAY)}
        assert names[date(2027, 4, 13)] == ("วันสงกรานต์", "Songkran Festival")

    def test_the_twelfth_of_august_has_its_other_name_and_stays_a_holiday(self):
        """Days in lieu too: 2028 it is a Saturday, and in 2029 a Sunday."""
        august = [h for h in public_holidays(TODAY, years=5) if h.date.month == 8]
        assert [h.date for h in august] == [
            date(2026, 8, 12),
            date(2027, 8, 12),
            date(2028, 8, 12),
            date(2028, 8, 14),
            date(2029, 8, 12),
            date(2029, 8, 13),
            date(2030, 8, 12),
        ]
        for holiday in august:
            assert holiday.name_th.removeprefix("ชดเชย") == "วันแม่แห่งชาติ"
            assert holiday.name_en.removesuffix(" (in lieu)") == "National Mother's Day"

    def test_whole_years_are_covered_so_that_a_year_has_one_revision(self):
        first, last = work_calendar(date(2026, 1, 1)), work_calendar(date(2026, 12, 31))
        assert first == last
        assert first.through == date(2028, 12, 31)
        assert work_calendar(date(2027, 1, 1)).revision != first.revision

    def test_the_current_calendar_goes_from_last_year_to_the_end_of_the_next(self):
        """A period that began before New Year is counted again with the calendar of the new year."""
        year = local_date(datetime.now(UTC)).year
        calendar = current_calendar()
        assert calendar == work_calendar(date(year - 1, 1, 1), years=3)
        assert calendar.holidays[0].year == year - 1
        assert calendar.through == date(year + 1, 12, 31)

    def test_a_calendar_is_small_enough_to_travel(self):
        assert len(work_calendar(TODAY).model_dump_json()) < 1_500


class TestOverrides:
    def test_a_special_holiday_is_added(self, override):
        path = override(
            '[[add]]\ndate = 2027-05-14\nname_th = "วันหยุดพิเศษ"\nname_en = "Special holiday"\n'
        )
        calendar = work_calendar(TODAY, override_file=path)
        assert not calendar.is_working_day(date(2027, 5, 14))
        assert calendar.revision != work_calendar(TODAY).revision

    def test_a_holiday_is_renamed(self, override):
        path = override('[[add]]\ndate = 2027-04-13\nname_th = "วันสงกรานต์"\nname_en = "Songkran"\n')
        names = [h.name_en for h in public_holidays(TODAY, override_file=path)]
        assert "Songkran" in names
        assert work_calendar(TODAY, override_file=path) == work_calendar(TODAY)

    def test_a_holiday_is_removed(self, override):
        path = override("remove = [2027-12-31]\n")
        assert work_calendar(TODAY, override_file=path).is_working_day(date(2027, 12, 31))

    def test_days_outside_the_years_change_nothing(self, override):
        path = override(
            "remove = [2020-01-01]\n"
            '[[add]]\ndate = 2040-05-14\nname_th = "วันหยุด"\nname_en = "Holiday"\n'
        )
        assert work_calendar(TODAY, override_file=path) == work_calendar(TODAY)

    def test_an_empty_file_changes_nothing(self, override):
        assert work_calendar(TODAY, override_file=override("")) == work_calendar(TODAY)

    def test_a_file_that_is_not_there_is_an_error(self, tmp_path: Path):
        with pytest.raises(FileNotFoundError):
            work_calendar(TODAY, override_file=tmp_path / "none.toml")

    def test_a_broken_date_is_named_with_its_line(self, override):
        path = override(
            '[[add]]\ndate = 2027-05-14\nname_th = "ก"\nname_en = "A"\n'
            '[[add]]\ndate = "14 May"\nname_th = "ข"\n'
        )
        problems = message(path).splitlines()
        folder = path.parent.name
        assert problems[0].startswith(f"{folder}/holidays.toml, line 6, add[1].date: Input should")
        assert problems[1] == (
            f"{folder}/holidays.toml, line 5, add[1].name_en: required, but not there"
        )

    def test_a_day_that_stands_twice_is_named_at_both_places(self, override):
        path = override(
            'remove = [2027-05-14]\n[[add]]\ndate = 2027-05-14\nname_th = "ก"\nname_en = "A"\n'
        )
        found = message(path)
        assert "line 3, add[0].date: 2027-05-14 stands in this file 2 times" in found
        assert "line 1, remove[0]: 2027-05-14 stands in this file 2 times" in found

    def test_an_impossible_date_is_a_slip_in_the_syntax(self, override):
        assert "line 1: not TOML: Invalid date" in message(override("remove = [2027-02-30]\n"))


class TestPlaces:
    def test_there_are_77_provinces_and_76_offices(self):
        assert len(provinces()) == 77
        assert sum(province.has_office for province in provinces().values()) == 76

    def test_a_province_is_found_by_its_code(self):
        lop_buri = provinces()["16"]
        assert (lop_buri.iso_3166_2, lop_buri.name_th, lop_buri.name_en, lop_buri.region) == (
            "TH-16",
            "ลพบุรี",
            "Lop Buri",
            "Central",
        )
        assert provinces()["50"].name("th") == "เชียงใหม่"

    def test_codes_equal_the_iso_codes(self):
        assert all(p.iso_3166_2 == f"TH-{code}" for code, p in provinces().items())

    def test_there_are_22_basins_in_the_order_of_the_decree(self):
        assert list(river_basins()) == list(range(1, 23))
        assert river_basins()[10].name("en") == "Chao Phraya"
        assert river_basins()[22].name("th") == "ภาคใต้ฝั่งตะวันตก"
