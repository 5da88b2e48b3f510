"""The sheet to print and post while the feedback period is open, without Temporal."""

import pytest
import segno
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from casework.domain.calendar import Language
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from tests.api.public.conftest import SetClock
from tests.api.public.sample_register import CASE, SITE, ask_the_community, sites
from tests.sample_case import NOW
from tests.statements import counted

PATH = f"/th/cases/{CASE}/feedback/notice"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("th", ("สำนักงานอุตสาหกรรมจังหวัดกำแพงเพชร", "ประกาศรับฟังความคิดเห็น", "8 ธันวาคม 2569")),
        ("en", ("Kamphaeng Phet Provincial Industry Office", "Public notice", "8 December 2026")),
    ],
)
def test_the_sheet_says_which_site_until_when_and_where_to_speak(
    client: TestClient, filled: Database, language: Language, said: tuple[str, ...]
) -> None:
    page = client.get(f"/{language}/cases/{CASE}/feedback/notice")
    address = f"https://register.example/{language}/cases/{CASE}/feedback"
    assert page.status_code == 200
    for text in (*said, SITE, CASE, address):
        assert text in page.text
    assert '<meta name="robots" content="noindex">' in page.text


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_code_leads_to_the_form_in_the_language_of_the_sheet(
    client: TestClient, filled: Database, language: Language
) -> None:
    page = client.get(f"/{language}/cases/{CASE}/feedback/notice").text
    address = f"https://register.example/{language}/cases/{CASE}/feedback"
    expected = segno.make_qr(address, error="m", boost_error=False)
    lines = expected.svg_inline(border=4, omitsize=True).split(' d="')[-1].split('"')[0]
    assert f'd="{lines}"' in page
    assert "style=" not in page


def test_the_sheet_tells_nothing_of_the_file_and_costs_one_statement(
    client: TestClient, filled: Database
) -> None:
    with counted(filled.engine) as sent:
        text = client.get(PATH).text
    assert sent.statements == 1, sent
    for inside in ("officer-21", "inspector-21", "Somsri", "somsri@site.example", "con-1"):
        assert inside not in text


def test_the_sheet_is_there_while_the_period_is_open_and_not_after(
    client: TestClient, filled: Database, clock: SetClock
) -> None:
    clock.now = NOW.replace(month=12, day=8, hour=16, minute=59)
    assert client.get(PATH).status_code == 200
    clock.now = NOW.replace(month=12, day=8, hour=17)
    over = client.get(PATH)
    assert (over.status_code, over.headers["location"]) == (303, f"/th/cases/{CASE}/feedback")


def test_before_the_period_and_for_an_unknown_case_there_is_none(
    client: TestClient, database: Database, catalog: ProgramCatalog
) -> None:
    with database.writing() as session:
        session.add(sites()[0])
    ask_the_community(database, catalog, sites()[0], stage=Stage.INSPECTION)
    assert client.get(PATH).status_code == 404
    assert client.get("/th/cases/eco-nosuchcase00/feedback/notice").status_code == 404


def test_with_the_database_away_there_is_a_page(
    application: FastAPI, filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(filled, "reading", away)
    with TestClient(application) as client:
        assert client.get(PATH).status_code == 503
