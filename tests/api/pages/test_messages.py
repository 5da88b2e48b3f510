"""Every word of the pages is there in Thai and in English."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import api
from api.locale import FOLDER, LANGUAGES, translations
from api.pages.rendering import render
from casework.domain.calendar import Language

API = Path(api.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html.jinja", "jinja2")]
OPTIONS = {"templates/**.html.jinja": {"silent": "false", "trimmed": "true"}}
HOW = (
    "Run `pybabel extract -F api/locale/babel.cfg --no-location --sort-output -o messages.pot api`"
    " and `pybabel update -i messages.pot -d api/locale -w 100 --no-fuzzy-matching"
    " --ignore-obsolete --ignore-pot-creation-date`, fill in what is empty in both catalogs, and"
    " delete messages.pot."
)

PLACEHOLDER = re.compile(r"%\(\w+\)s")
THAI = re.compile(r"[\u0e01-\u0e2e]")


@cache
def said() -> frozenset[str]:
    """Return the messages of templates and code: the singular where there are two forms."""
    found = extract_from_dir(API, METHODS, OPTIONS)
    return frozenset(
        message if isinstance(message, str) else message[0] for _, _, message, _, _ in found
    )


def catalog(language: Language) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def forms(message: object) -> tuple[str, ...]:
    return (message,) if isinstance(message, str) else tuple(message)  # type: ignore[arg-type]  # Babel's own type is any


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_has_its_words(language: Language):
    words = {forms(m.id)[0]: m for m in catalog(language) if m.id}
    missing = sorted(m for m in said() if m not in words or not all(forms(words[m].string)))
    assert not missing, HOW


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalog_has_words_that_nobody_says(language: Language):
    unused = sorted(
        forms(m.id)[0] for m in catalog(language) if m.id and forms(m.id)[0] not in said()
    )
    assert not unused, HOW


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: Language):
    for message in catalog(language):
        if message.id:
            wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
            for form in forms(message.string):
                assert set(PLACEHOLDER.findall(form)) == wanted, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_stand_in_order(language: Language):
    """As the two commands put them: a message is found, and a change shows as one."""
    found = [forms(m.id)[0] for m in catalog(language) if m.id]
    assert found == sorted(found), HOW


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_marked_as_uncertain(language: Language):
    assert not [m.id for m in catalog(language) if m.id and m.fuzzy]


def test_thai_is_thai_and_english_is_english():
    neutral = {"%(day)s, %(time)s"}
    for message in catalog("th"):
        if message.id and forms(message.id)[0] not in neutral:
            assert all(THAI.search(form) for form in forms(message.string)), message.id
    for message in catalog("en"):
        assert not any(THAI.search(form) for form in forms(message.string)), message.id


def test_templates_hold_no_thai_of_their_own():
    """The name of the language is the one exception: it stands in that language on every page."""
    for path in (API / "templates").rglob("*.jinja"):
        text = path.read_text(encoding="utf-8").replace(">ภาษาไทย<", "")
        assert not THAI.search(text), path


def test_the_words_of_a_program_are_kept_together_wherever_a_line_can_break():
    """Names of programs break inside words otherwise; the lines of a menu do not break."""
    for path in (API / "templates").rglob("*.jinja"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert ".to(language) }}" not in line or line.startswith("<option"), (path, line)


def test_a_message_keeps_the_sign_of_repetition_with_its_word():
    page = render(
        "case/find.html.jinja", "th", "/th/cases", demonstration=False, typed="", error=""
    )
    assert "ส่วนต่าง\u00a0ๆ" in page
    assert "ต่าง ๆ" not in page


def test_catalogs_are_read_from_their_source():
    """There is no compiled catalog to forget."""
    assert not list(FOLDER.rglob("*.mo"))
    assert translations("th").gettext("Register") == "ทะเบียน"
