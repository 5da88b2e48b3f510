"""Every notice in both languages, rendered from real rows as they come about."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import casework.notices
from casework.domain.line_breaks import keep_together
from casework.identity.invitation_links import InvitationLinks
from casework.notices.appeal import ADVERSE
from casework.notices.catalogue import NoticeSlug
from casework.notices.composing import NoticeComposer, Preview
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import NoticeRow
from tests.notices.tale import MAIL_FROM, PUBLIC_URL, Language, tell_everything

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


class Told(NamedTuple):
    """Every notice, as it reads when it is queued, and as it would read after its case has ended."""

    at_once: list[tuple[NoticeRow, Preview]]
    late: list[tuple[NoticeRow, Preview]]


@pytest.fixture(scope="module")
def told(
    language: Language,
    catalog: ProgramCatalog,
    migrated_sqlite_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Told:
    """Render every notice at both moments."""
    folder = tmp_path_factory.mktemp("tales")
    file = folder / "casework.db"
    file.write_bytes(migrated_sqlite_file.read_bytes())
    database = Database(f"sqlite:///{file}")
    links = InvitationLinks(folder / "issuer.jwk.json")
    composer = NoticeComposer(database, catalog, PUBLIC_URL, MAIL_FROM, links=links)
    told = Told([], [])
    tell_everything(
        database,
        catalog,
        language,
        see=lambda row: told.at_once.append((row, composer.render_preview(row.key))),
    )
    told.late.extend((row, composer.render_preview(row.key)) for row, _ in told.at_once)
    database.close()
    return told


@pytest.fixture(scope="module")
def previews(told: Told) -> list[tuple[NoticeRow, Preview]]:
    """Return every notice at the moment it is queued."""
    return told.at_once


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


# --- The right of appeal --------------------------------------------------------------------------

APPEAL = {
    "th": "ท่านมีสิทธิอุทธรณ์เป็นหนังสือต่อสำนักงานอุตสาหกรรมจังหวัดระยอง ภายใน 15 วัน นับแต่วันที่ได้รับแจ้งคำสั่งนี้",
    "en": "you may appeal in writing to the Rayong Provincial Industry Office within 15 days of the day on"
    " which you receive this notice",
}


def test_every_adverse_letter_names_the_right_of_appeal_its_time_and_its_place(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """And no other letter does: a right that is not there is not announced either."""
    naming = {row.slug for row, preview in previews if APPEAL[language] in preview.text}
    assert naming == set(ADVERSE)
    for row, preview in previews:
        if row.slug in ADVERSE and row.slug != "case-lapsed":
            assert APPEAL[language] in preview.text, row.key
        if row.recipient != "applicant":
            assert not re.search("อุทธรณ์|appeal", preview.text), row.key


def test_an_invitation_that_lapses_takes_nothing_that_one_could_appeal_for(
    previews: list[tuple[NoticeRow, Preview]],
) -> None:
    """The lapse of an application does: one of each is told."""
    lapsed = [
        (row.case_id, bool(re.search("อุทธรณ์|appeal", preview.text)))
        for row, preview in previews
        if row.slug == "case-lapsed" and row.recipient == "applicant"
    ]
    invited = {row.case_id for row, _ in previews if row.slug == "invitation"}
    assert {case_id in invited for case_id, _ in lapsed} == {True, False}
    assert all(appeal == (case_id not in invited) for case_id, appeal in lapsed)


def test_the_words_of_the_appeal_stand_in_one_place() -> None:
    """The templates of adverse letters include them, in each language; nobody repeats them."""
    for language in ("th", "en"):
        holding = {
            path.parent.name
            for path in TEMPLATES.glob(f"*/{language}.md.jinja")
            if f'{{% include "_appeal/{language}.md.jinja" %}}' in path.read_text(encoding="utf-8")
        }
        repeating = {
            path.parent.name
            for path in TEMPLATES.glob(f"*/{language}.md.jinja")
            if re.search("อุทธรณ์|you may appeal", path.read_text(encoding="utf-8"))
        }
        assert holding == set(ADVERSE)
        assert repeating == {"_appeal"}


# --- What a letter promises -----------------------------------------------------------------------

_LAPSES = re.compile(r"เรื่องนี้จะสิ้นสุดลง|คำขอจะสิ้นสุดลง|\blapses\b|will lapse")
_DATE = {"th": re.compile(r"\d{1,2} [ก-๎]+ 25\d\d"), "en": re.compile(r"\d{1,2} [A-Z]\w+ 20\d\d")}


def test_a_letter_that_threatens_with_a_lapse_names_the_date(
    language: Language, told: Told
) -> None:
    """Also when it leaves late: where no date counts any more, nothing is threatened."""
    threats = 0
    for row, preview in (*told.at_once, *told.late):
        for paragraph in preview.text.split("\n\n"):
            if found := _LAPSES.search(paragraph):
                threats += 1
                sentence = re.split(r"(?<=\.) ", paragraph[: found.end()])[-1]
                assert _DATE[language].search(sentence), (row.key, paragraph)
    assert threats


def test_the_public_page_is_never_offered_as_a_place_to_act(told: Told) -> None:
    """It shows where a case stands. To act, applicants turn to the office, which stands beside it."""
    for row, preview in (*told.at_once, *told.late):
        for paragraph in preview.text.split("\n\n"):
            if f"{PUBLIC_URL}/" in paragraph and "/cases/" in paragraph:
                offered = re.match("ติดตามคำขอ: <|Track the application: <|<", paragraph)
                # The form of the community is a place to act.
                assert offered or row.recipient.startswith("community:"), row.key


def test_whoever_has_to_answer_is_told_where(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """By name and address of the officer, with the office; a case that is closed asks for no answer."""
    label = (
        "ส่งคำตอบหรือสอบถามเพิ่มเติมที่: " if language == "th" else "Where to send your answer or ask: "
    )
    asked = {"application-returned", "correction-required", "correction-not-accepted"}
    over = {"application-rejected", "decision-refused", "case-lapsed", "withdrawal-received"}
    for row, preview in previews:
        if row.recipient != "applicant":
            continue
        if row.slug in asked:
            contact = preview.text.split(label)[1].splitlines()[0]
            assert "officer-1@industry.example" in contact, row.key
            assert ("ระยอง" if language == "th" else "Rayong") in contact, row.key
        if row.slug in over:
            assert label not in preview.text, row.key


def test_staff_are_led_to_the_case_system_while_a_case_is_open(
    language: Language, told: Told
) -> None:
    """Of a closed case the letter says all that is left to know."""
    words = (
        "ระบบงานสำหรับเจ้าหน้าที่ โดยใช้เลขที่คำขอ" if language == "th" else "acts are in the case system"
    )
    for row, preview in told.at_once:
        if row.slug in {"application-to-review", "case-to-decide", "deadline-escalated"}:
            assert words in preview.text, row.key
    for row, preview in told.late:
        if row.slug == "application-withdrawn":
            assert words not in preview.text, row.key


def test_nothing_is_said_to_stand_below_that_does_not(
    previews: list[tuple[NoticeRow, Preview]],
) -> None:
    """Without anybody to ask, a letter does not speak of a contact."""
    for row, preview in previews:
        if re.search("ช่องทางที่ระบุไว้ข้างต้น|the contact named above", preview.text):
            assert re.search("สอบถามเพิ่มเติม|Questions: |your answer or ask: ", preview.text), row.key


def test_an_invitation_is_answered_by_a_button_and_in_plain_text_by_its_address(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """The token is four lines long: nobody should have to look at it in order to press it."""
    label = "ตอบคำเชิญ" if language == "th" else "Answer the invitation"
    invitations = [preview for row, preview in previews if row.slug == "invitation"]
    assert invitations
    for preview in invitations:
        address = re.search(
            rf"^{label}: <({PUBLIC_URL}/{language}/apply/\S+)>$", preview.text, re.M
        )
        assert address
        assert re.search(
            rf'<a href="{re.escape(address[1])}"[^>]* class="button"[^>]*>{label}</a>'
            rf'|<a [^>]*class="button"[^>]* href="{re.escape(address[1])}"[^>]*>{label}</a>',
            preview.html,
        )
        assert preview.html.count("/apply/") == 1
    for row, preview in previews:
        if row.slug not in {"invitation", "deadline-reminder"}:
            assert 'class="button"' not in preview.html, row.key


def test_thai_is_kept_together_in_what_is_displayed_and_left_alone_in_plain_text(
    language: Language, previews: list[tuple[NoticeRow, Preview]]
) -> None:
    """Program names break between words; what one copies from the text part is what was written."""
    for row, preview in previews:
        assert "\u2060" not in preview.subject + preview.text, row.key
        if language == "th":
            assert keep_together("เครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม") in preview.html, row.key
            assert " ๆ" not in preview.html, row.key
