"""Program files read, and every broken rule named with its file, line and key."""

import shutil
from pathlib import Path

import pytest

from casework.domain.rules import Period, PeriodName, Unit
from casework.programs._source import TomlSource
from casework.programs.loader import DATA, ProgramFileError, load_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of one's own with the programs that ship."""
    for name in ("eco-network", "river-governance"):
        shutil.copytree(DATA / name, tmp_path / name)
    return tmp_path


def edit(path: Path, old: str, new: str) -> int:
    """Replace the first occurrence and return the line of what stands there now."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1 + (len(new) - len(new.lstrip("\n")))


def line_of(path: Path, start: str) -> int:
    lines = path.read_text(encoding="utf-8").split("\n")
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


def message(folder: Path) -> str:
    with pytest.raises(ProgramFileError) as caught:
        load_folder(folder)
    return str(caught.value)


class TestShippedPrograms:
    def test_every_file_is_read(self):
        names = [f"{f.version.program}/{f.version.version}" for f in load_folder()]
        assert sorted(names) == [
            "eco-network/1",
            "eco-network/sample",
            "river-governance/1",
            "river-governance/sample",
        ]

    def test_a_sample_has_its_own_periods_and_the_rest_of_its_base(self):
        files = {(f.version.program, f.version.version): f.version for f in load_folder()}
        base, sample = files["river-governance", "1"], files["river-governance", "sample"]
        assert sample.criteria == base.criteria
        assert sample.periods[PeriodName.FEEDBACK] == Period(length=6, unit=Unit.SECONDS)
        assert sample.sample
        assert not sample.published
        assert sample.rules().version == "sample"

    def test_rules_keep_the_order_of_the_criteria_and_no_words(self):
        for file in load_folder():
            rules = file.version.rules()
            assert [c.code for c in rules.criteria] == list(file.version.criteria)
            assert "name" not in rules.model_dump_json()
            assert len(rules.model_dump_json()) < 8_000


class TestBrokenRules:
    def test_a_value_out_of_range(self, folder: Path):
        path = folder / "river-governance" / "1.toml"
        header = line_of(path, "[criteria.RG-01]")
        edit(path, "weight = 4", "weight = 0")
        assert message(folder).splitlines()[0] == (
            f"river-governance/1.toml, line {header + 3}, criteria.RG-01.weight: "
            "Input should be greater than or equal to 1, not 0"
        )

    def test_a_key_that_is_not_known(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "evidence =", "evidance =")
        assert message(folder).splitlines()[0] == (
            f"eco-network/1.toml, line {line}, criteria.EN-01.evidance: no such key is known here"
        )

    def test_a_key_that_is_missing_is_named_at_its_table(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        edit(path, 'method = "community"\n', "")
        line = line_of(path, "[criteria.EN-02]")
        expected = f"eco-network/1.toml, line {line}, criteria.EN-02.method: required"
        assert expected in message(folder)

    def test_a_word_that_is_not_one_of_the_list(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", 'level = "must"', 'level = "shall"')
        assert message(folder).splitlines()[0] == (
            f"eco-network/1.toml, line {line}, criteria.EN-01.level: "
            "Input should be 'must' or 'should', not 'shall'"
        )

    def test_a_number_in_quotes_is_not_a_number(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "weight = 7", 'weight = "7"')
        expected = f"line {line}, criteria.EN-01.weight: Input should be a valid integer, not '7'"
        assert expected in message(folder)

    def test_yes_is_not_true(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "published = true", 'published = "yes"')
        assert f"line {line}, published: Input should be a valid boolean" in message(folder)

    def test_a_period_that_does_not_exist(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "[periods.review]", "[periods.revew]")
        assert f"line {line}, periods.revew: Input should be" in message(folder)

    def test_a_period_that_is_missing(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        text = path.read_text(encoding="utf-8")
        start = text.index("[periods.review]")
        end = text.index("[periods.decision]")
        path.write_text(text[:start] + text[end:], encoding="utf-8")
        line = line_of(path, "[periods.")
        assert f"eco-network/1.toml, line {line}, periods: review missing" in message(folder)

    def test_reminders_out_of_order(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        edit(path, "reminders = [14, 3]", "reminders = [3, 14]")
        line = line_of(path, "[periods.invitation]")
        assert message(folder).startswith(
            f"eco-network/1.toml, line {line + 3}, periods.invitation.reminders: "
        )

    def test_a_reminder_before_the_certificate(self, folder: Path):
        edit(folder / "eco-network" / "1.toml", "[180, 90, 30]", "[1080, 90]")
        assert "periods.validity.reminders: a reminder comes after" in message(folder)

    def test_levels_that_leave_somebody_who_passes_without_one(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        edit(path, "[levels.member]\nminimum_percent = 0", "[levels.member]\nminimum_percent = 50")
        line = line_of(path, "[levels.member]")
        assert f"line {line}, levels: the lowest level starts at" in message(folder)

    def test_a_knock_out_that_is_not_binding(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        line = line_of(path, "[criteria.EN-10]")
        text = path.read_text(encoding="utf-8")
        head, tail = text.split("[criteria.EN-10]")
        tail = tail.replace('"must"', '"should"', 1)
        path.write_text(f"{head}[criteria.EN-10]{tail}", encoding="utf-8")
        assert f"line {line}, criteria.EN-10: a knock-out criterion has the level must" in message(
            folder
        )

    def test_only_nonconformities_are_closed(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", '["major"]', '["major", "observation"]')
        expected = f"line {line}, pass_rule.close_first: minor and major can be closed"
        assert expected in message(folder)

    def test_seconds_outside_samples(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", '"calendar-days"', '"seconds"')
        assert f"line {line}, periods.invitation.unit: seconds are for samples" in message(folder)

    def test_a_period_of_centuries(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "length = 30", "length = 30000")
        assert f"line {line}, periods.invitation.length: a period lasts" in message(folder)

    def test_an_end_before_the_beginning(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        edit(path, "valid_from", "valid_until = 2025-09-30\nvalid_from")
        assert "valid_until: the last day is not before valid_from" in message(folder)

    def test_languages_that_were_swapped(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        line = edit(path, 'name.th = "สมาชิกเครือข่าย"', 'name.th = "Member"')
        edit(path, 'name.en = "Member"', 'name.en = "สมาชิก"')
        found = message(folder)
        assert f"line {line}, levels.member.name.th: Thai text has Thai letters" in found
        assert f"line {line + 1}, levels.member.name.en: English text has no Thai" in found

    def test_a_name_that_is_not_the_folder_s(self, folder: Path):
        (folder / "eco-network").rename(folder / "other")
        found = message(folder)
        assert "other/1.toml, line 7, program: the folder is other" in found

    def test_a_version_that_is_not_the_file_s(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        path.rename(path.with_name("2.toml"))
        assert "eco-network/2.toml, line 8, version: the file is 2.toml" in message(folder)

    def test_a_sample_of_nothing(self, folder: Path):
        path = folder / "eco-network" / "sample.toml"
        line = edit(path, 'based_on = "1"', 'based_on = "7"')
        assert message(folder) == (
            f"eco-network/sample.toml, line {line}, based_on: there is no eco-network/7.toml"
        )

    def test_a_sample_of_a_sample(self, folder: Path):
        path = folder / "eco-network" / "sample.toml"
        text = path.read_text(encoding="utf-8").replace('"sample"', '"quick"')
        other = path.with_name("quick.toml")
        other.write_text(text.replace('based_on = "1"', 'based_on = "sample"'), encoding="utf-8")
        assert "based_on: there is no eco-network/sample.toml" in message(folder)

    def test_a_sample_with_criteria_of_its_own(self, folder: Path):
        line = edit(folder / "eco-network" / "sample.toml", "[periods]", "[pass_rule]\n[periods]")
        assert f"sample.toml, line {line}, pass_rule: no such key" in message(folder)

    def test_a_sample_that_says_it_is_none(self, folder: Path):
        line = edit(folder / "eco-network" / "sample.toml", "sample = true", "sample = false")
        assert f"sample.toml, line {line}, sample: Input should be True" in message(folder)

    def test_a_full_version_that_says_it_is_a_sample(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "published = true", "sample = true")
        assert f"1.toml, line {line}, sample: a sample names the version" in message(folder)

    def test_all_problems_of_all_files_are_listed(self, folder: Path):
        for name in ("eco-network", "river-governance"):
            path = folder / name / "1.toml"
            edit(path, 'level = "must"', 'level = "shall"')
            edit(path, "weight = 7" if name == "eco-network" else "weight = 4", "weight = 101")
        with pytest.raises(ProgramFileError) as caught:
            load_folder(folder)
        assert [(p.file, p.key) for p in caught.value.problems] == [
            ("eco-network/1.toml", "criteria.EN-01.level"),
            ("eco-network/1.toml", "criteria.EN-01.weight"),
            ("river-governance/1.toml", "criteria.RG-01.level"),
            ("river-governance/1.toml", "criteria.RG-01.weight"),
        ]


class TestUnreadableFiles:
    def test_a_slip_in_the_syntax(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "weight = 7", "weight 7")
        assert message(folder).startswith(f"eco-network/1.toml, line {line}: not TOML: Expected")

    def test_a_string_that_never_ends(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        path.write_text('name = """\nno end\n', encoding="utf-8")
        assert message(folder).startswith("eco-network/1.toml, line 3: not TOML: ")

    def test_a_criterion_that_stands_twice(self, folder: Path):
        line = edit(folder / "eco-network" / "1.toml", "[criteria.EN-02]", "[criteria.EN-01]")
        assert f"line {line}: not TOML: Cannot declare" in message(folder)

    def test_a_file_in_a_thai_windows_encoding(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        path.write_bytes('x = 1\nname = "ชื่อ"\n'.encode("cp874"))
        assert "eco-network/1.toml, line 2: not UTF-8 text" in message(folder)

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, folder: Path):
        path = folder / "eco-network" / "1.toml"
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert len(load_folder(folder)) == 4


class TestLines:
    """The line of every key, found with the real grammar."""

    def test_every_form_of_key(self):
        source = TomlSource(
            "x.toml",
            """\
# a comment
top = 1 # and another

text = \"\"\"
[not.a.table]
key = 1
\"\"\"
array = [
  1, # one
  { inner = 2 },
]
[a.b]
c.d = 1
"quoted key" = 2
inline = { x = { y = 1 } }
[[list]]
v = 1
[list.sub]
w = 1
[[list]]
v = 2
[list.sub]
w = 2
""",
        )
        places = {
            ("top",): 2,
            ("text",): 4,
            ("array", 1, "inner"): 8,
            ("a", "b"): 12,
            ("a", "b", "c"): 13,
            ("a", "b", "c", "d"): 13,
            ("a", "b", "quoted key"): 14,
            ("a", "b", "inline", "x", "y"): 15,
            ("list", 0): 16,
            ("list", 0, "v"): 17,
            ("list", 0, "sub", "w"): 19,
            ("list", 1, "v"): 21,
            ("list", 1, "sub", "w"): 23,
        }
        assert {path: source.line_of(path) for path in places} == places

    def test_what_is_not_there_has_the_line_of_what_is_around_it(self):
        source = TomlSource("x.toml", "\n[a]\nb = 1\n")
        assert source.line_of(("a", "missing")) == 2
        assert source.line_of(("nothing", "here")) == 1

    @pytest.mark.parametrize("path", sorted(DATA.glob("*/*.toml")), ids=lambda p: p.parent.name)
    def test_every_key_of_the_shipped_files_is_found_on_its_line(self, path: Path):
        source = TomlSource.read(path)
        lines = path.read_text(encoding="utf-8").split("\n")

        def check(value: object, place: tuple[str | int, ...]) -> None:
            if isinstance(value, dict):
                for key, inner in value.items():
                    check(inner, (*place, key))
            elif place:
                line = lines[source.line_of(place) - 1]
                assert line.split("=")[0].strip() in {
                    place[-1],
                    ".".join(map(str, place[-2:])),
                } or (place[0] == "periods" and line.startswith(f"{place[1]} = {{"))

        check(source.content, ())
