"""Ids, cursors and dates that nobody sends by mistake: a problem says so, on either database."""

import json
from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest

from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from tests.api.desk import Desk, pointers, problem
from tests.api.seminar_desk import SeminarDesk, line
from tests.sample_case import INSPECTOR, OFFICER

EVERYBODY = OFFICER.model_copy(
    update={"kinds": tuple(kind for kind in ActorKind if kind is not ActorKind.SYSTEM)}
)

IDS = [
    "\0",
    "eco-\0",
    "eco-k3v9a2q7m4tz\0",
    "\udcff",
    "%",
    "'; DROP TABLE cases; --",
    "ก" * 64,
    "x" * 5000,
    "\u202e\u2066",
    "-1",
    "1e999",
]

PLACES = [
    [],
    {},
    [1, 2],
    ["2026-11-23T00:00:00+00:00"],
    ["2026-11-23T00:00:00", "eco-1"],
    ["2026-11-23T00:00:00+00:00", "eco-\0"],
    ["2026-11-23T00:00:00+00:00", "\ud800"],
    ["2026-11-23T00:00:00+00:00", None],
    ["0001-01-01T00:00:00+14:00", "eco-1"],
    ["9999-12-31T23:59:59-14:00", "eco-1"],
    [True],
    [1.5],
]


def cursor(place: object) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def address(path: str, of: str) -> str:
    return path.replace("{}", quote(of.encode("utf-8", "surrogateescape"), safe=""))


@pytest.mark.parametrize("wrong", IDS)
def test_an_id_that_is_none_is_not_there(desk_on_both: Desk, wrong: str) -> None:
    """In every address that takes one: what the database cannot even be asked is as unknown as the rest."""
    described = desk_on_both.get("/openapi.json").json()["paths"]
    asked = 0
    for path, methods in described.items():
        name = path.partition("{")[2].partition("}")[0]
        if "get" in methods and name:
            filled = path.replace("{" + name + "}", "{}").replace("{version}", "1")
            answer = desk_on_both.get(address(filled, wrong), EVERYBODY)
            problem(answer, 404, "not-found")
            asked += 1
    assert asked > 10
    for page in (
        "/th/register/{}",
        "/en/cases/{}",
        "/th/cases/{}/feedback",
        "/en/feedback/{}",
        "/r/{}",
    ):
        assert desk_on_both.get(address(page, wrong)).status_code == 404, page


@pytest.mark.parametrize("place", PLACES, ids=json.dumps)
def test_a_cursor_that_is_none_is_named(desk_on_both: Desk, place: object) -> None:
    seminar = SeminarDesk(desk_on_both)
    drive = seminar.ready([line(1)])
    for path in ("/api/v1/cases", "/api/v1/drives", f"{drive}/rows"):
        told = problem(seminar.get(f"{path}?cursor={cursor(place)}"), 422, "request-malformed")
        assert [error["parameter"] for error in told["errors"]] == ["cursor"]


@pytest.mark.parametrize("number", [10**200, -(2**70), 2**31])
def test_a_line_beyond_all_lists_is_after_the_last_or_before_the_first(
    desk_on_both: Desk, number: int
) -> None:
    seminar = SeminarDesk(desk_on_both)
    drive = seminar.ready([line(1)])
    answer = seminar.get(f"{drive}/rows?cursor={cursor([number])}")
    assert len(answer.json()["items"]) == (number < 0), answer.text


@pytest.mark.parametrize(
    "instant", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00"], ids=["last", "first"]
)
def test_an_instant_beyond_the_calendar_is_no_instant(desk_on_both: Desk, instant: str) -> None:
    answer = desk_on_both.get(f"/api/v1/cases?due_before={instant}", OFFICER)
    told = problem(answer, 422, "request-malformed")
    assert [error["parameter"] for error in told["errors"]] == ["due_before"]


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_a_visit_has_a_day_in_every_zone(desk_on_both: Desk, instant: str) -> None:
    """Its letter could never be written, and nobody would know why."""
    desk_on_both.put_case(Stage.INSPECTION)
    act = {
        "visit_at": instant,
        "inspector": INSPECTOR.person,
        "declaration": {"has_conflict": False, "statement": "x"},
        "reason": "x",
    }
    told = problem(
        desk_on_both.act("reschedule-inspection", act, OFFICER), 422, "request-malformed"
    )
    assert pointers(told) == ["/visit_at"]
