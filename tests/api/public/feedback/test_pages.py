"""The community speaks: notice, form, receipt, without an account and without a script."""

import copy
import re
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlmodel import col
from starlette.testclient import TestClient

from api.http.pacing import PublicPace
from api.public import public_pages
from casework.domain import acts as a
from casework.domain.line_breaks import keep_together
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store import representations
from casework.store.cases.casebook import find_case
from casework.store.database import Database
from casework.store.representations import close_feedback
from casework.store.tables import NoticeRow, Representation
from tests.api.desk import SetClock
from tests.api.public.sample_register import CASE, SITE, ask_the_community, sites, tell
from tests.sample_case import NOW, OFFICER
from tests.statements import counted
from tests.store.story import Story

PATH = f"/th/cases/{CASE}/feedback"
SAID = {"stance": "objection", "text": "กลิ่นเหม็นทุกคืนวันศุกร์", "name": "", "email": ""}


@pytest.fixture(scope="module")
def asked_once(
    migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory, catalog: ProgramCatalog
) -> tuple[Path, Story]:
    """Ask the community about one site, once."""
    file = tmp_path_factory.mktemp("feedback") / "asked.db"
    shutil.copyfile(migrated_sqlite_file, file)
    database = Database(f"sqlite:///{file}")
    site = next(site for site in sites() if site.name_en == SITE)
    with database.writing() as session:
        session.add(site)
        session.flush()
        session.expunge(site)
    story = ask_the_community(database, catalog, site)
    database.close()
    return file, story


@pytest.fixture
def asked(database: Database, asked_once: tuple[Path, Story]) -> Story:
    """Begin with a copy of that."""
    file, story = asked_once
    shutil.copyfile(file, str(database.engine.url.database))
    return copy.deepcopy(story)


def key_of(text: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f]{32})"', text)
    assert found
    return found.group(1)


def send(client: TestClient, path: str = PATH, **more: str):
    return client.post(path, data={"key": key_of(client.get(path).text), **SAID, **more})


def stored(database: Database) -> list[Representation]:
    with database.reading() as session:
        return representations.representations_of_case(session, CASE)


# --- The notice -----------------------------------------------------------------------------------


def test_the_notice_says_what_it_is_about_and_until_when_one_can_speak(
    client: TestClient, asked: Story
):
    text = client.get(PATH).text
    assert SITE in text
    assert keep_together("เครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม") in text
    assert "กำแพงเพชร" in text
    assert '<time datetime="2026-12-08">8 ธันวาคม 2569</time>' in text
    assert '<meta name="robots" content="noindex">' in text


def test_the_notice_tells_nothing_of_the_file(client: TestClient, asked: Story):
    text = client.get(PATH).text + client.get(f"/en/cases/{CASE}/feedback").text
    for inside in ("officer-21", "inspector-21", "Somsri", "1 Moo 1"):
        assert inside not in text


def test_a_notice_costs_one_statement(client: TestClient, database: Database, asked: Story):
    with counted(database.engine) as sent:
        client.get(PATH)
    assert sent.statements == 1, sent


def test_open_notices_are_listed(client: TestClient, asked: Story):
    text = client.get("/en/feedback").text
    assert f'<a href="/en/cases/{CASE}/feedback">{SITE}</a>' in text


def test_a_list_without_notices_says_so(client: TestClient):
    assert "No feedback period is open" in client.get("/en/feedback").text


@pytest.mark.parametrize("stage", [Stage.APPLICATION_REVIEW, Stage.INSPECTION])
def test_a_case_is_nobodys_business_before_its_feedback_period(
    client: TestClient, database: Database, catalog: ProgramCatalog, stage: Stage
):
    with database.writing() as session:
        session.add(sites()[0])
    ask_the_community(database, catalog, sites()[0], stage=stage)
    assert client.get(PATH).status_code == 404
    assert client.post(PATH, data=SAID).status_code == 404
    assert CASE not in client.get("/th/feedback").text


@pytest.mark.parametrize("case_id", ["eco-nosuchcase00", "x" * 500, "%00", "a%2Fb"])
def test_an_unknown_case_has_no_notice(client: TestClient, case_id: str):
    assert client.get(f"/th/cases/{case_id}/feedback").status_code == 404


# --- The form -------------------------------------------------------------------------------------


def test_a_statement_is_stored_and_its_receipt_shown(
    client: TestClient, database: Database, asked: Story
):
    answer = send(client)
    (row,) = stored(database)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/th/feedback/{row.receipt}"
    assert (row.stance, row.text, row.language) == (Stance.OBJECTION, SAID["text"], "th")
    assert (row.author_name, row.author_email) == (None, None)
    assert row.received_at == NOW

    page = client.get(answer.headers["location"])
    assert page.status_code == 200
    assert row.receipt in page.text
    assert SAID["text"] in page.text
    assert page.headers["cache-control"] == "private, no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_the_english_form_is_kept_as_english(client: TestClient, database: Database, asked: Story):
    send(client, f"/en/cases/{CASE}/feedback", text="It smells every Friday night.")
    assert stored(database)[0].language == "en"


def test_who_leaves_an_address_gets_a_receipt_by_mail(
    client: TestClient, database: Database, asked: Story
):
    send(client, email="somchai@village.example", name="  สมชาย   ใจดี ")
    (row,) = stored(database)
    assert (row.author_name, row.author_email) == ("สมชาย ใจดี", "somchai@village.example")
    with database.reading() as session:
        queued = session.scalars(
            select(col(NoticeRow.key)).where(col(NoticeRow.slug) == "representation-received")
        ).all()
    assert queued == [f"{CASE}/representation-received/1/representation:1"]


def test_who_leaves_none_gets_none(client: TestClient, database: Database, asked: Story):
    send(client)
    with database.reading() as session:
        slugs = session.scalars(select(col(NoticeRow.slug))).all()
    assert "representation-received" not in slugs


def test_sending_the_same_form_twice_stores_one_statement(
    client: TestClient, database: Database, asked: Story
):
    """A double click, a reload of the answer, a network that tries again."""
    form = {"key": key_of(client.get(PATH).text), **SAID, "email": "a@b.example"}
    first, second = (client.post(PATH, data=form) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(stored(database)) == 1
    with database.reading() as session:
        receipts = session.scalar(
            select(func.count())
            .select_from(NoticeRow)
            .where(col(NoticeRow.slug) == "representation-received")
        )
    assert receipts == 1


def test_going_back_and_writing_something_else_asks_first_and_then_stores_both(
    client: TestClient, database: Database, asked: Story
):
    form = {"key": key_of(client.get(PATH).text), **SAID}
    client.post(PATH, data=form)
    asks = client.post(PATH, data={**form, "text": "และมีฝุ่นด้วย"})
    assert asks.status_code == 409
    assert "ท่านส่งแบบฟอร์มนี้ไปแล้ว" in asks.text
    assert "และมีฝุ่นด้วย" in asks.text
    assert key_of(asks.text) != form["key"]
    again = client.post(PATH, data={**form, "key": key_of(asks.text), "text": "และมีฝุ่นด้วย"})
    assert again.status_code == 303
    assert [row.number for row in stored(database)] == [1, 2]


def test_a_form_without_its_key_is_stored(client: TestClient, database: Database, asked: Story):
    assert client.post(PATH, data=SAID).status_code == 303
    assert client.post(PATH, data={**SAID, "key": "../../x"}).status_code == 303
    assert len(stored(database)) == 2


@pytest.mark.parametrize(
    ("field", "value", "message", "target"),
    [
        ("stance", "", "Choose whether you are in favor, against or neither", "stance-support"),
        ("stance", "angry", "Choose whether you are in favor", "stance-support"),
        ("text", "", "Write what you want to say", "text"),
        ("text", " \r\n\t ", "Write what you want to say", "text"),
        ("text", "ก" * 4001, "must be 4,000 characters or fewer", "text"),
        ("name", "ก" * 121, "Your name must be 120 characters or fewer", "name"),
        ("email", "somchai", "Write an email address like", "email"),
        ("email", "a@b", "Write an email address like", "email"),
        ("email", "a@b.c, d@e.f", "Write an email address like", "email"),
        ("email", "a@b.example\nBcc: c@d.example", "Write an email address like", "email"),
    ],
)
def test_what_is_wrong_is_said_above_and_beside_the_field(
    client: TestClient,
    database: Database,
    asked: Story,
    field: str,
    value: str,
    message: str,
    target: str,
):
    answer = send(client, f"/en/cases/{CASE}/feedback", **{field: value})
    assert answer.status_code == 422
    assert answer.text.count(message) == 2
    assert f'<a href="#{target}">' in answer.text
    assert f'id="{target}"' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert f"{field}-error" in answer.text.split("aria-describedby=", 1)[1]
    assert "<title>Error: " in answer.text
    assert stored(database) == []


def test_what_was_typed_is_still_there_when_something_is_wrong(client: TestClient, asked: Story):
    typed = {"stance": "support", "text": "ก <b>\nข", "name": 'ก "ข"', "email": "somchai"}
    before = key_of(client.get(PATH).text)
    answer = client.post(PATH, data={"key": before, **typed})
    assert "ก &lt;b&gt;\nข</textarea>" in answer.text
    assert 'value="ก &#34;ข&#34;"' in answer.text
    assert 'value="somchai"' in answer.text
    assert 'value="support" checked' in answer.text
    assert key_of(answer.text) == before


def test_four_thousand_thai_characters_fit(client: TestClient, database: Database, asked: Story):
    """Lines end in two characters on the way and in one where they are counted."""
    text = "\r\n".join(["ก" * 199] * 20) + "ก"
    assert send(client, text=text).status_code == 303
    assert len(stored(database)[0].text) == 4000


def test_a_form_of_unlikely_size_is_refused(client: TestClient, database: Database, asked: Story):
    answer = client.post(PATH, data={**SAID, "text": "ก" * 40_000})
    assert answer.status_code == 413
    assert "เกิดข้อผิดพลาด" in answer.text
    assert stored(database) == []


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"&&&=", b"a=1&" * 100])
def test_a_body_that_is_no_form_is_an_empty_form(client: TestClient, asked: Story, body: bytes):
    assert client.post(PATH, content=body).status_code == 422


# --- The end of the period ------------------------------------------------------------------------


def test_after_the_last_day_the_notice_says_that_it_is_over(
    client: TestClient, asked: Story, clock: SetClock
):
    clock.now = NOW.replace(month=12, day=8, hour=17)
    text = client.get(f"/en/cases/{CASE}/feedback").text
    assert "The feedback period is over" in text
    assert "<form" not in text


def test_a_statement_that_comes_too_late_is_given_back(
    client: TestClient, database: Database, asked: Story, clock: SetClock
):
    key = key_of(client.get(PATH).text)
    clock.forward(days=20)
    answer = client.post(PATH, data={"key": key, **SAID})
    assert answer.status_code == 409
    assert SAID["text"] in answer.text
    assert stored(database) == []


def test_a_statement_at_the_closing_bell_is_given_back(
    client: TestClient, database: Database, asked: Story
):
    """The case has closed the door, its new stage is not on record yet."""
    key = key_of(client.get(PATH).text)
    with database.writing() as session:
        row = find_case(session, CASE)
        assert row is not None
        assert row.feedback_closes_at is not None
        close_feedback(session, CASE, row.feedback_closes_at)
    answer = client.post(PATH, data={"key": key, **SAID})
    assert answer.status_code == 409
    assert SAID["text"] in answer.text


def test_a_case_that_takes_no_more_gives_the_statement_back(
    client: TestClient, asked: Story, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(representations, "MOST_REPRESENTATIONS", 1)
    assert send(client).status_code == 303
    answer = send(client)
    assert answer.status_code == 409
    assert "ครบจำนวน" in answer.text
    assert SAID["text"] in answer.text


# --- The receipt ----------------------------------------------------------------------------------


def test_the_receipt_shows_the_answer_once_there_is_one(
    client: TestClient, database: Database, asked: Story, clock: SetClock
):
    receipt = send(client).headers["location"]
    assert "ขั้นตอนต่อไป" in client.get(receipt).text
    done = len(asked.requests)
    asked.close_feedback((1,))
    answer = a.DisposeRepresentations(
        numbers=(1,), disposition=a.Disposition.UPHELD, answer="The vent was moved."
    )
    clock.forward(days=17)
    asked.act(answer, OFFICER, clock.now)
    tell(database, asked, since=done)
    text = client.get(receipt).text
    assert "The vent was moved." in text
    assert "ขั้นตอนต่อไป" not in text


@pytest.mark.parametrize("receipt", ["rep-aaaaaaaaaaaaaaaa", "x" * 500, "1"])
def test_an_unknown_receipt_shows_nothing(client: TestClient, asked: Story, receipt: str):
    assert client.get(f"/th/feedback/{receipt}").status_code == 404


# --- When something is away -----------------------------------------------------------------------


def test_while_the_database_is_away_the_form_keeps_what_was_typed(
    client: TestClient, database: Database, asked: Story, monkeypatch: pytest.MonkeyPatch
):
    key = key_of(client.get(PATH).text)
    monkeypatch.setattr(database, "writing", _away)
    answer = client.post(PATH, data={"key": key, **SAID})
    assert answer.status_code == 503
    assert SAID["text"] in answer.text
    assert key_of(answer.text) == key
    monkeypatch.setattr(database, "reading", _away)
    assert client.get(PATH).status_code == 503


def test_an_address_that_sends_too_often_waits_and_loses_nothing(
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    clock: SetClock,
    asked: Story,
):
    app = FastAPI()
    pace = PublicPace(lambda: clock().timestamp())
    app.include_router(public_pages(settings, database, catalog, clock, pace))
    with TestClient(app, follow_redirects=False) as client:
        for number in range(10):
            assert send(client, text=f"เรื่องที่ {number}").status_code == 303
        answer = send(client, text="อีกเรื่อง")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "อีกเรื่อง" in answer.text
    assert len(stored(database)) == 10


def _away() -> object:
    raise OperationalError("SELECT", {}, Exception("gone"))
