"""What all pages have in common: both languages, one look, and a page while the database is away."""

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from api.pages.site import Site
from casework.domain.calendar import Language
from casework.store.database import Database
from casework.store.tables import Establishment


@pytest.fixture
def site(sqlite_database: Database) -> Site:
    return Site(sqlite_database, demonstration=True)


def serve(site: Site) -> TestClient:
    app = FastAPI(redirect_slashes=False)
    app.include_router(site.router)
    return TestClient(app)


def test_a_page_is_found_in_both_languages_and_links_to_itself_in_the_other(site: Site) -> None:
    async def nothing_there(language: Language, request: Request) -> Response:
        return site.page("invitation/invalid.html.jinja", language, request, private=True)

    site.add("/lost", "GET", nothing_there)
    client = serve(site)
    for language, other in (("th", "en"), ("en", "th")):
        answer = client.get(f"/{language}/lost")
        assert answer.status_code == 200
        assert f'<html lang="{language}">' in answer.text
        assert f'<link rel="alternate" hreflang="{other}" href="/{other}/lost">' in answer.text
        assert 'class="demonstration"' in answer.text
        assert answer.headers["cache-control"] == "private, no-store"
    assert client.get("/lost").status_code == 404
    assert client.post("/th/lost").status_code == 405


def test_an_address_without_a_language_gets_the_one_the_reader_prefers(site: Site) -> None:
    async def say(language: Language, request: Request) -> Response:
        return Response(language)

    site.add_without_language("/r", say)
    client = serve(site)
    assert client.get("/r", headers={"Accept-Language": "en"}).text == "en"
    assert client.get("/r", headers={"Accept-Language": "th, en;q=0.5"}).text == "th"


@pytest.mark.parametrize(
    "away",
    [
        OperationalError("SELECT", {}, Exception("gone")),
        InterfaceError("SELECT", {}, Exception("gone")),
        PoolTimeout("no connection is free"),
    ],
)
@pytest.mark.parametrize("path", ["/en/breaks", "/breaks"])
def test_while_the_database_is_away_there_is_a_page_and_when_to_come_back(
    site: Site, away: Exception, path: str
) -> None:
    async def breaks(language: Language, request: Request) -> Response:
        raise away

    site.add("/breaks", "GET", breaks)
    site.add_without_language("/breaks", breaks)
    answer = serve(site).get(path, headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "The register does not answer at the moment" in answer.text


def test_a_defect_is_not_taken_for_an_absent_database(site: Site) -> None:
    async def breaks(language: Language, request: Request) -> Response:
        raise ZeroDivisionError

    site.add("/breaks", "GET", breaks)
    with pytest.raises(ZeroDivisionError):
        serve(site).get("/th/breaks")


async def test_a_query_reads_in_a_transaction_of_its_own(site: Site) -> None:
    def count(session: Session, times: int, *, more: int) -> int:
        return len(session.scalars(select(Establishment)).all()) * times + more

    assert await site.read(count, 2, more=7) == 7
