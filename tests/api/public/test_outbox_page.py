"""The outbox of a demonstration shows each notice as its readers see it."""

import html
import re

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.public import public_pages
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from tests.api.public.sample_register import CASE, SITE


def first_link(text: str) -> str:
    found = re.search(r'href="(/dev/outbox/notice\?[^"]+)"', text)
    assert found
    return html.unescape(found.group(1))


def test_notices_are_listed_with_their_state(client: TestClient, filled: Database):
    text = client.get("/dev/outbox").text
    assert "feedback-opened" in text
    assert CASE in text
    assert "รอส่ง" in text


def test_the_list_can_be_of_one_case(client: TestClient, filled: Database):
    assert "feedback-opened" in client.get(f"/dev/outbox?case={CASE}").text
    assert "ยังไม่มีหนังสือแจ้ง" in client.get("/dev/outbox?case=eco-another").text


def test_a_notice_is_shown_as_text_and_as_mail(client: TestClient, filled: Database):
    page = client.get(first_link(client.get("/dev/outbox").text))
    assert page.status_code == 200
    assert SITE in page.text
    assert "somsri@site.example" in page.text
    frame = re.search(r'<iframe class="mail" src="([^"]+)"', page.text)
    assert frame
    mail = client.get(html.unescape(frame.group(1)))
    assert SITE in mail.text
    assert "sandbox" in mail.headers["content-security-policy"]
    assert "script" not in mail.headers["content-security-policy"]
    assert '<base target="_blank">' in mail.text
    assert mail.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("path", ["notice", "message"])
@pytest.mark.parametrize("key", ["", "x", "x" * 1000])
def test_an_unknown_notice_is_not_found(client: TestClient, path: str, key: str):
    assert client.get(f"/dev/outbox/{path}", params={"key": key}).status_code == 404


def test_nobody_sees_an_outbox_that_was_not_asked_for(
    settings: Settings, database: Database, catalog: ProgramCatalog
):
    quiet = settings.model_copy(update={"outbox_page": False})
    app = FastAPI()
    app.include_router(public_pages(quiet, database, catalog))
    with TestClient(app) as client:
        assert client.get("/dev/outbox").status_code == 404
