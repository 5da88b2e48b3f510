"""What operators see: alive, ready, counted; and what surrounds every answer."""

import re

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from tests.api.desk import Desk, SetClock, problem
from tests.sample_case import OFFICER, TERMS


def test_the_process_is_alive_whatever_else_is_away(desk: Desk) -> None:
    answer = desk.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "service": "casework"})


def test_without_temporal_the_api_is_not_ready_and_names_the_part(desk: Desk) -> None:
    body = problem(desk.get("/readyz"), 503, "not-ready")
    assert body["parts"] == {"database": "ok", "temporal": "no answer", "worker": "not seen"}


def test_reading_goes_on_while_temporal_is_away(desk: Desk) -> None:
    """Cases, programs and public pages need the database alone."""
    desk.put_case(Stage.FEEDBACK)
    for path in (
        "/api/v1/cases",
        f"/api/v1/cases/{TERMS.case_id}",
        f"/api/v1/cases/{TERMS.case_id}/acts",
        "/api/v1/programs",
        "/openapi.json",
        "/docs",
        "/th/register",
    ):
        assert desk.get(path, OFFICER).status_code == 200, path


def test_requests_are_counted_by_the_template_of_their_route(desk: Desk) -> None:
    """No id of a case becomes a label, and no method that somebody made up."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    desk.get(f"/api/v1/cases/{TERMS.case_id}", OFFICER)
    desk.get("/nowhere/at/all")
    desk.client.request("PROPFIND", "/healthz")
    desk.act("add-note", {"note": "x"}, OFFICER)
    answer = desk.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.text
    assert TERMS.case_id not in text
    assert re.search(
        r'casework_http_requests_total\{method="GET",route="/api/v1/cases/\{case_id\}",status="200"\} 1',
        text,
    )
    assert 'method="GET",route="unmatched",status="404"' in text
    assert 'method="other"' in text
    assert 'casework_acts_total{act="add-note",outcome="unanswered"} 1.0' in text
    assert "casework_http_requests_in_flight 1.0" in text


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/cases", "/nowhere", "/errors/not-found"])
def test_every_answer_has_strict_headers(desk: Desk, path: str) -> None:
    headers = desk.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-trace-id"])


def test_a_header_that_a_page_sets_itself_stays(desk: Desk) -> None:
    """The public pages allow less than the rest."""
    headers = desk.get("/th/register").headers
    assert headers["content-security-policy"].startswith("default-src 'none'")


def test_without_https_nobody_is_told_to_insist_on_it(
    settings: Settings, clock: SetClock, catalog: ProgramCatalog
) -> None:
    plain = settings.model_copy(update={"public_url": "http://127.0.0.1:8000"})
    with TestClient(create_app(plain, now=clock, catalog=catalog)) as client:
        assert "strict-transport-security" not in client.get("/healthz").headers


def test_programs_are_for_everybody(desk: Desk) -> None:
    """Current versions take applications; samples are for demonstrations."""
    items = desk.get("/api/v1/programs").json()["items"]
    assert {(item["program"], item["takes_applications"]) for item in items} == {
        ("eco-network", True),
        ("river-governance", True),
    }
    assert not any(item["sample"] for item in items)
    for item in items:
        path = f"/api/v1/programs/{item['program']}/{item['version']}"
        body = desk.get(path).json()
        assert body["name"] == item["name"]
        assert body["criteria"]
        assert body["periods"]["feedback"]["length"] > 0
    problem(desk.get("/api/v1/programs/eco-network/none"), 404, "not-found")
    problem(desk.get("/api/v1/programs/none/1"), 404, "not-found")


def test_a_demonstration_shows_its_samples(
    settings: Settings, clock: SetClock, catalog: ProgramCatalog
) -> None:
    demonstration = settings.model_copy(update={"sample_programs": True})
    with TestClient(create_app(demonstration, now=clock, catalog=catalog)) as client:
        items = client.get("/api/v1/programs").json()["items"]
    taking = {item["program"] for item in items if item["takes_applications"]}
    assert taking == {item["program"] for item in items if item["sample"]}
    assert taking == {"eco-network", "river-governance"}
