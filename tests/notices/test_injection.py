"""What people write stays text: neither markup, nor a link, nor a header."""

import re
from datetime import datetime
from email.policy import SMTP
from html.parser import HTMLParser

import pytest

from casework.domain import acts as a
from casework.notices.composing import NoticeComposer
from casework.notices.faults import NotComposable
from casework.notices.rendering import line, render
from casework.notices.unlinked import GAP, unlinked
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import Contact, Establishment
from tests.notices.tale import PUBLIC_URL, SITE, Tale, actor
from tests.sample_case import NOW

HOSTILE = [
    "[win](http://evil.example)",
    "<http://evil.example>",
    "<a href='http://evil.example'>win</a>",
    "<script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "&lt;script&gt;",
    "# Heading",
    "1. one",
    "- item\n- item",
    "> quoted",
    "    code",
    "```\ncode\n```",
    "a\n===\nb",
    "**bold** _italic_ `code` ~~gone~~",
    "{{ case_id }} {% if x %}",
    "\\[win](http://evil.example)",
    "[ref]: http://evil.example",
    "[ref]\n\n[ref]: http://evil.example",
    "javascript:alert(1) <javascript:alert(1)>",
    "<mailto:evil@evil.example>",
    "' onclick='x' \" style=\"x",
]


class _Shape(HTMLParser):
    """Keeps tags, addresses and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(value) for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def rejected(database: Database, catalog: ProgramCatalog, name: str, reasons: str) -> str:
    """Tell of a rejection and return the key of its notice."""
    tale = Tale(database, catalog, name=name).applied()
    tale.act(a.RejectApplication(reasons=reasons), actor("officer-1"))
    return f"{tale.case.case_id}/application-rejected/2/applicant"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_and_a_reason_change_nothing_but_the_words(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer, hostile: str
) -> None:
    """The page has the shape it has for harmless words, and shows what was written."""
    key = rejected(sqlite_database, catalog, hostile, hostile)
    shape = _Shape(composer.render_preview(key).html)
    harmless = _Shape(render("application-rejected", "th", harmless_context(hostile)).html)
    assert [tag for tag in shape.tags if tag != "br"] == [
        tag for tag in harmless.tags if tag != "br"
    ]
    assert all(link.startswith(PUBLIC_URL) for link in shape.links)
    assert " ".join(hostile.split()) in " ".join(shape.text.split())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_text_part_shows_what_was_written_without_backslashes(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer, hostile: str
) -> None:
    """Escaping is for the HTML part alone."""
    key = rejected(sqlite_database, catalog, hostile, "เหตุผล")
    preview = composer.render_preview(key)
    assert f"- สถานประกอบการ: {unlinked(line(hostile))}\n" in preview.text
    assert line(unlinked(hostile)) in preview.subject


NAMES_LIKE_ADDRESSES = [
    "www.evil.example",
    "evil.example/prize",
    "Https://evil.example/?a=b",
    "ftp://192.0.2.1/x",
    "win@evil.example",
    "mailto:win@evil",
    "วัด.ไทย",
    "evil\u3002example",
    "evil\uff0eexample",
    "evil.\u2060example",
    "www\u00ad.\u200bevil.\u034fexample",
]
_LIKE_AN_ADDRESS = re.compile(
    r"[^\W_][.\u3002\uff0e\uff61](?:[^\W\d_])|://|\w@\w|mailto:\S", re.IGNORECASE
)
"""What the most zealous of mail programs would make a link of."""


@pytest.mark.parametrize("name", NAMES_LIKE_ADDRESSES)
def test_a_name_like_an_address_is_none_in_any_part_of_a_letter(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer, name: str
) -> None:
    """Mail programs make links of what looks like one; the name is still to be read."""
    tale = Tale(sqlite_database, catalog, name=name).applied().accepted().scheduled()
    with sqlite_database.writing() as session:
        session.get_one(Contact, "con-1").name = name
        session.get_one(Establishment, SITE).address = name
    message = composer.compose(f"{tale.case.case_id}/visit-scheduled/3/applicant")
    shown = unlinked(line(name))
    assert GAP in shown
    text, page, file = (part.get_content() for part in message.walk() if not part.is_multipart())
    calendar = file if isinstance(file, str) else file.decode()
    calendar = calendar.replace("\r\n ", "")
    seen = _Shape(page.partition("<body")[2]).text
    for part in (text, seen, calendar, message["Subject"], str(message["To"])):
        words = re.sub(r"\s", " ", part)
        assert " ".join(shown.split()) in words
        own = (
            rf"{re.escape(PUBLIC_URL)}\S*|<?[-\w]+@(?:industry|factory|casework)\.example>?"
            r"|@casework|UID:\S+|TZ\S+"
        )
        assert not _LIKE_AN_ADDRESS.search(re.sub(own, "", part)), part


@pytest.mark.parametrize(
    "name",
    [
        "บริษัท น้ำใส จำกัด (มหาชน)",
        "บจก.น้ำใส สาขา 1/2",
        "น.ส.สมหญิง ตั้งใจ",
        "Clear Water Co., Ltd.",
        "PM2.5 Lab: Rayong",
        "99/1 หมู่ 4 ต.มาบตาพุด อ.เมือง จ.ระยอง",
    ],
)
def test_a_name_of_the_usual_kind_stays_as_it_is(name: str) -> None:
    """Only what could be an address is taken apart."""
    assert unlinked(name) == name


def harmless_context(like: str) -> dict[str, object]:
    """Return a context of the same length in paragraphs, without any sign."""
    quiet = "\n".join("คำ" if each.strip() else "" for each in like.strip().split("\n"))
    return {
        **dict.fromkeys(("case_id", "establishment", "program", "office", "salutation"), "คำ"),
        "officer": None,
        "audience": "applicant",
        "staff": False,
        "page": f"{PUBLIC_URL}/th/cases/x",
        "due": None,
        "must_act": False,
        "invited": False,
        "closed": True,
        "appeal_days": 15,
        "happened_on": str(datetime.date(NOW)),
        "reasons": quiet,
    }


@pytest.mark.parametrize(
    "name",
    [
        "Factory\r\nBcc: everybody@evil.example",
        "Factory\nSubject: other",
        "Factory\r\n\r\n<html>",
        "Factory\u2028Bcc: x@evil.example",
        "Factory\x00\x1b[31m",
    ],
)
def test_a_name_cannot_add_a_header(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer, name: str
) -> None:
    """Line ends and control characters become spaces before they reach a header."""
    Tale(sqlite_database, catalog, name=name).applied()
    message = composer.compose("eco-tale00000001/application-received/1/applicant")
    head = message.as_bytes(policy=SMTP).split(b"\r\n\r\n")[0]
    assert message["Bcc"] is None
    assert len(message.get_all("Subject", [])) == 1
    assert b"\nBcc:" not in head
    assert b"\x00" not in head
    assert not any(ord(character) < ord(" ") for character in message["Subject"])


def test_an_address_cannot_add_a_recipient(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer
) -> None:
    """It is refused as a whole."""
    Tale(sqlite_database, catalog, email="a@b.example\r\nRCPT TO:<c@d.example>").applied()
    with pytest.raises(NotComposable, match="not valid"):
        composer.compose("eco-tale00000001/application-received/1/applicant")


def test_marks_that_turn_text_around_are_taken_out() -> None:
    """They can make one address look like another."""
    assert line("moc.\u202eexample\u2066 \ufeffx") == "moc.example x"


def test_a_template_that_asks_for_what_is_not_there_is_a_fault() -> None:
    """Better no message than one with a hole."""
    context = harmless_context("x")
    del context["reasons"]
    with pytest.raises(NotComposable, match="'reasons' is undefined"):
        render("application-rejected", "th", context)
    with pytest.raises(NotComposable, match="is not text"):
        render("application-rejected", "th", {**context, "reasons": None})
    with pytest.raises(NotComposable, match="There is no template"):
        render("no-such-notice", "th", context)
