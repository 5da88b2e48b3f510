"""Where a line of Thai may not break."""

import itertools

import pytest

from casework.domain.line_breaks import (
    BREAK_HERE,
    TOGETHER,
    WORD_JOINER,
    keep_repetition,
    keep_together,
)
from casework.programs.catalog import ProgramCatalog

MARKS = {"\u0e31", *map(chr, range(0x0E33, 0x0E3B)), *map(chr, range(0x0E47, 0x0E4F))}
"""Vowels and tones that stand on the letter before them."""


def shown(text: str) -> str:
    """Return what a reader sees: the marks have no width, and the space is a space."""
    return text.replace(WORD_JOINER, "").replace(BREAK_HERE, "").replace("\u00a0", " ")


@pytest.mark.parametrize("word", TOGETHER)
def test_a_word_is_joined_between_all_its_letters(word: str):
    joined = keep_together(word)
    assert shown(joined) == word
    for before, after in itertools.pairwise(word):
        assert after in MARKS or f"{before}{WORD_JOINER}{after}" in joined


def test_no_mark_is_parted_from_the_letter_it_stands_on():
    joined = keep_together("".join(TOGETHER))
    assert not [mark for mark in MARKS if WORD_JOINER + mark in joined]


def test_a_line_may_break_before_and_after_a_joined_word_inside_thai():
    joined = keep_together("ระบบธรรมาภิบาลสิ่งแวดล้อมที่ดี")
    assert joined.split(BREAK_HERE)[0] == "ระบบ"
    assert [shown(piece) for piece in joined.split(BREAK_HERE)] == [
        *("ระบบ", "ธรรมาภิบาล", "สิ่งแวดล้อม", "ที่ดี")
    ]


@pytest.mark.parametrize("text", ["ลุ่มน้ำ", "(ลุ่มน้ำ)", "the ลุ่มน้ำ", "ลุ่มน้ำ 22"])
def test_no_break_is_added_where_thai_ends(text: str):
    assert BREAK_HERE not in keep_together(text)


@pytest.mark.parametrize("text", ["ใด ๆ ต่อท่าน", "ใดๆ ต่อท่าน", "ใด\u00a0ๆ ต่อท่าน"])
def test_the_sign_of_repetition_stays_with_its_word(text: str):
    assert keep_together(text) == "ใด\u00a0ๆ ต่อท่าน"
    assert keep_repetition(text) == "ใด\u00a0ๆ ต่อท่าน"


def test_nothing_else_is_touched_and_nothing_is_added_twice():
    assert keep_together("Clear Water 3-88-1/50 <a@b.example>") == (
        "Clear Water 3-88-1/50 <a@b.example>"
    )
    once = keep_together("เครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อมต่าง ๆ")
    assert keep_together(once) == once


def test_each_word_stands_in_a_program():
    """Otherwise the table is about nothing that is shown."""
    catalog = ProgramCatalog.load()
    versions = [version for code in catalog.programs() for version in catalog.versions(code)]
    names = [v.name.th for v in versions]
    names += [criterion.name.th for v in versions for criterion in v.criteria.values()]
    assert [word for word in TOGETHER if not any(word in name for name in names)] == []
