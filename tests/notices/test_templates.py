"""Every notice in both languages, rendered from real rows as they come about."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import casework.notices
from casework.notices.catalogue import NoticeSlug
from casework.notices.composing import NoticeComposer, Preview
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import NoticeRow
from tests.notices.tale import PUBLIC_URL, Language, tell_everything

TEMPLATES = Path(casework.notices.__file__).parent / "templates"
NOT_NOTICES = {"_appeal", "_frame", "_layout"}

_THAI = re.compile(r"[\u0e00-\u0e7f]")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_OPAQUE = re.compile(r"<?https?://\S+|\S+@\S+|eco-\w+|rep-[\w-]+")


class _Page(HTMLParser):
    """Collects what matters of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language: str | None = None
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "html":
            self.language = values.get("lang")
        self.links += [str(values[name]) for name in ("href", "src") if name in values]


@pytest.fixture(scope="module", params=["th", "en"])
def language(request: pytest.FixtureRequest) -> Language:
    """Run the tests in both languages."""
    return request.param


@pytest.fixture(scope="module")
def previews(
    language: Language,
    catalog: ProgramCatalog,
    migrated_sqlite_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[tuple[NoticeRow, Preview]]:
    """Render every notice once, at the moment it is queued."""
    file = tmp_path_factory.mktemp("tales") / "casework.db"
    file.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{file}")
    composer = NoticeComposer(database, catalog, PUBLIC_URL, "Casework <no-reply@casework.example>")
    seen: list[tuple[NoticeRow, Preview]] = []
    tell_everything(
        database,
        catalog,
        language,
        see=lambda row: seen.append((row, composer.render_preview(row.key))),
    )
    database.close()
    return seen


def test_each_notice_has_a_template_for_each_language_and_no_other_exists() -> None:
    """The folders are the slugs."""
    folders = {path.name for path in TEMPLATES.iterdir()} - NOT_NOTICES
    assert folders == set(NoticeSlug)
    for folder in folders:
        names = {path.name for path in (TEMPLATES / folder).iterdir()}
        assert names == {"th.md.jinja", "en.md.jinja"}, folder


def test_the_tales_bring_about_every_notice(previews: list[tuple[NoticeRow, Preview]]) -> None:
    """What follows would otherwise prove less than it says."""
    assert {row.slug for row, _ in previews} == set(NoticeSlug)


def test_every_notice_says_what_it_is_about(previews: list[tuple[NoticeRow, Preview]]) -> None:
    """Subject, case and establishment are there, and nothing was left unfilled."""
    for row, preview in previews:
        whole = preview.subject + preview.text + preview.html
        assert preview.subject, row.key
        assert row.case_id in preview.subject, row.key
        assert row.case_id in preview.text, row.key
        assert row.case_id in preview.html, row.key
        assert not re.search(r"\{\{|\}\}|\{%|%\}|\bNone\b|Undefined", whole), row.key


def test_every_notice_is_in_its_language(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """No word of the other language comes in as a makeshift."""
    for row, preview in previews:
        words = _OPAQUE.sub("", preview.subject + preview.text)
        stray = _LATIN_WORD if language == "th" else _THAI
        assert not stray.search(words), (row.key, stray.findall(words))
        assert _Page(preview.html).language == language, row.key


def test_links_lead_to_our_own_pages_and_nothing_is_loaded(
    previews: list[tuple[NoticeRow, Preview]],
) -> None:
    """No picture, no font, no script: opening a message tells nobody."""
    for row, preview in previews:
        page = _Page(preview.html)
        assert page.links, row.key
        assert all(link.startswith(f"{PUBLIC_URL}/") for link in page.links), row.key
        assert page.tags <= {
            *("html", "head", "meta", "title", "style", "body", "div", "h1", "p", "br"),
            *("ul", "li", "blockquote", "hr", "a"),
        }, row.key
        assert "url(" not in preview.html, row.key
        assert "@import" not in preview.html, row.key


def test_paragraphs_stand_apart(previews: list[tuple[NoticeRow, Preview]]) -> None:
    """A tag at the end of a line must not swallow the line's end."""
    for row, preview in previews:
        lines = preview.text.splitlines()
        for above, below in pairwise(lines):
            listed = below.startswith(("- ", "> ")) and above[:2] == below[:2]
            assert not above or not below or listed, (row.key, above, below)


def test_whoever_has_to_act_is_told_until_when(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """The date is in the words, and once more among the facts of the case."""
    label = "กำหนดเวลา: ภายในวันที่ " if language == "th" else "Due by: "
    asked = {
        "invitation",
        "application-to-review",
        "application-returned",
        "application-resubmitted",
        "correction-required",
        "correction-submitted",
        "representations-to-answer",
        "case-to-review",
        "case-to-decide",
        "deferral-to-follow-up",
        "case-assigned",
    }
    for row, preview in previews:
        if row.slug in asked:
            body, _, facts = preview.text.partition("\n---\n")
            assert label in facts, row.key
            due = facts.split(label)[1].splitlines()[0]
            assert due in body, row.key
            assert re.search(r"\b25[67]\d$" if language == "th" else r"\b20[23]\d$", due), row.key


def test_nobody_is_shown_a_deadline_that_is_not_theirs(
    previews: list[tuple[NoticeRow, Preview]],
) -> None:
    """The office's time is told to the applicant in words, never as a date to keep."""
    for row, preview in previews:
        if row.slug in {"application-received", "application-accepted", "visit-canceled"}:
            facts = preview.text.partition("\n---\n")[2]
            assert not re.search("กำหนดเวลา|Due by", facts), row.key


def test_what_the_community_said_is_never_sent(
    previews: list[tuple[NoticeRow, Preview]],
) -> None:
    """Else anybody could have the ministry send their words to any address."""
    for row, preview in previews:
        assert "มีกลิ่นในตอนเช้า" not in preview.text, row.key
        assert "ชาวบ้าน" not in preview.text + "".join(preview.to), row.key
