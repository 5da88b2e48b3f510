"""Drives, seminars and targets over HTTP, as far as SQL goes; the run itself is in test_drive_runs."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from api.routes.drives.drives import DriveBody
from api.routes.drives.examples import DRIVE, MAPPING, MEMBERS, SEMINAR, TARGET
from api.routes.drives.list_views import MappingBody
from api.routes.drives.seminars import SeminarBody
from api.routes.drives.targets import TargetBody
from casework.domain.stages import Stage
from tests.api.desk import Desk, pointers, problem
from tests.api.seminar_desk import DRIVES, SEMINARS, SeminarDesk, line
from tests.sample_case import INSPECTOR, OFFICER, SUPERVISOR, TERMS
from tests.store.rows import enrollment

TARGETS = "/api/v1/targets"


@pytest.fixture
def seminar(desk: Desk) -> SeminarDesk:
    return SeminarDesk(desk)


def put_enrollment(desk: Desk) -> None:
    """Say whose case the sample case is."""
    with desk.database.writing() as session:
        session.add(enrollment(TERMS.case_id))


def test_the_examples_are_what_they_are_examples_of() -> None:
    for kind, example in (
        (SeminarBody, SEMINAR),
        (DriveBody, DRIVE),
        (DriveBody, MEMBERS),
        (MappingBody, MAPPING),
        (TargetBody, TARGET),
    ):
        assert TypeAdapter(kind).validate_python(example, strict=False)


def test_a_seminar_brings_a_drive(seminar: SeminarDesk) -> None:
    noted = seminar.post(SEMINARS, SEMINAR)
    assert noted.status_code == 201, noted.text
    assert [each["id"] for each in seminar.get(SEMINARS).json()["items"]] == [noted.json()["id"]]
    answer = seminar.post(DRIVES, {"program": "eco-network", "seminar": noted.json()["id"]})
    made = answer.json()
    assert answer.headers["location"] == f"{DRIVES}/{made['id']}"
    assert (made["title"], made["state"], made["provinces"]) == (SEMINAR["title"], "draft", ["21"])
    assert [each["id"] for each in seminar.get(DRIVES).json()["items"]] == [made["id"]]


def test_the_same_key_makes_one_drive_and_another_body_is_refused(seminar: SeminarDesk) -> None:
    body = {"program": "eco-network", "title": "One"}
    first, second = (seminar.post(DRIVES, body, key="k").json() for _ in range(2))
    assert first["id"] == second["id"]
    other = seminar.post(DRIVES, {**body, "title": "Two"}, key="k")
    problem(other, 409, "idempotency-key-reused")
    seminar.post(SEMINARS, SEMINAR, key="s")
    again = seminar.post(SEMINARS, {**SEMINAR, "title": "Another"}, key="s")
    problem(again, 409, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"provinces": ["21", "40"]}, 403, "outside-your-scope", "/provinces"),
        ({"program": "gold"}, 422, "program-unknown", "/program"),
        ({"seminar": "sem-nothing"}, 422, "seminar-unknown", "/seminar"),
        ({"title": None}, 422, "request-malformed", ""),
        ({"members": {}}, 422, "request-malformed", "/members"),
        ({"members": {"ends_before": "0001-01-01"}}, 422, "request-malformed", None),
        ({"pace": 0}, 422, "request-malformed", "/pace"),
        ({"window": 64}, 422, "request-malformed", "/window"),
        ({"title": "A\nB"}, 422, "request-malformed", "/title"),
    ],
)
def test_a_drive_that_cannot_be_made_says_why(
    seminar: SeminarDesk, body: dict[str, Any], status: int, code: str, pointer: str | None
) -> None:
    answer = seminar.post(DRIVES, {"program": "eco-network", "title": "T", **body})
    told = problem(answer, status, code)
    assert pointer is None or pointer in pointers(told)


def test_a_drive_reaches_no_farther_than_the_token(desk: Desk) -> None:
    body = {"program": "eco-network", "title": "T"}
    answer = desk.post(DRIVES, body, OFFICER, scope={"programs": ["river-governance"]})
    problem(answer, 403, "outside-your-scope")
    nowhere = desk.post(DRIVES, body, OFFICER, scope={"provinces": ()})
    problem(nowhere, 403, "outside-your-scope")
    problem(desk.post(DRIVES, DRIVE, INSPECTOR), 403, "role-required")
    elsewhere = desk.post(SEMINARS, {**SEMINAR, "province": "40"}, OFFICER)
    problem(elsewhere, 403, "outside-your-scope")


def test_drives_come_page_by_page_and_only_those_one_may_see(desk: Desk) -> None:
    here, country = SeminarDesk(desk), SeminarDesk(desk, SUPERVISOR, "*")
    for number in range(3):
        desk.clock.forward(minutes=1)
        here.new_drive(title=f"Seminar {number}")
    country.new_drive(title="Everywhere")
    first = here.get(f"{DRIVES}?limit=2").json()
    second = here.get(f"{DRIVES}?limit=2&cursor={first['next']}").json()
    titles = [each["title"] for each in (*first["items"], *second["items"])]
    assert titles == ["Seminar 2", "Seminar 1", "Seminar 0"]
    assert second["next"] is None
    assert len(country.get(DRIVES).json()["items"]) == 4
    problem(here.get(f"{DRIVES}?cursor=WzEsMl0"), 422, "request-malformed")


def test_a_drive_over_members_has_its_rows_at_once(desk: Desk) -> None:
    """The member whose certification ends is asked again; the same request twice makes one drive."""
    desk.put_case(Stage.CERTIFIED)
    put_enrollment(desk)
    country = SeminarDesk(desk, SUPERVISOR, "*")
    body = {
        "program": "eco-network",
        "title": "Renewal",
        "members": {"ends_before": "2190-01-01"},
    }
    made = [country.post(DRIVES, body, key="k").json() for _ in range(2)]
    assert made[0]["id"] == made[1]["id"]
    assert (made[0]["kind"], made[0]["state"], made[0]["rows"]) == ("retention", "ready", 1)
    assert made[0]["verdicts"] == {"new": 1}
    path = f"{DRIVES}/{made[0]['id']}"
    file = country.get(f"{path}/rows.csv").content.decode("utf-8-sig")
    assert "3-101-1/21" in file
    assert file.startswith('"registration_no","name_th"')


def test_a_started_drive_takes_no_list_and_a_draft_does_not_start(seminar: SeminarDesk) -> None:
    """Temporal is away here: what is wrong with a request is said before it is asked."""
    draft = seminar.new_drive()
    assert problem(seminar.post(f"{draft}/start"), 409, "drive-not-in-state")["state"] == "draft"
    problem(seminar.post(f"{draft}/rerun", {}), 409, "drive-not-in-state")
    drive = seminar.ready([line(1)])
    problem(seminar.post(f"{drive}/start"), 503, "engine-unavailable")
    assert seminar.get(drive).json()["state"] == "running"
    told = problem(seminar.upload(drive, b"x"), 409, "drive-not-in-state")
    assert told["state"] == "running"
    problem(seminar.put(f"{drive}/mapping", json={}), 409, "drive-not-in-state")
    for act, body in (("pause", {}), ("resume", None), ("stop", {"reason": "Enough."})):
        problem(seminar.post(f"{drive}/{act}", body), 503, "engine-unavailable")
    problem(seminar.post(f"{drive}/stop", {}), 422, "request-malformed")


def test_a_supervisor_sets_targets_that_the_forecast_is_held_against(desk: Desk) -> None:
    country = SeminarDesk(desk, SUPERVISOR, "*")
    body = {"program": "eco-network", "fiscal_year": 2570, "province": None, "target": 150}
    country.put(TARGETS, json=body)
    answer = country.put(TARGETS, json={**body, "province": "21", "target": 7})
    assert answer.status_code == 200, answer.text
    assert answer.json()["targets"] == [
        {"province": None, "target": 150},
        {"province": "21", "target": 7},
    ]
    here = SeminarDesk(desk)
    shown = here.get(f"{TARGETS}?program=eco-network&fiscal_year=2570").json()
    assert [(f["province"], f["target"]) for f in shown["forecast"]] == [("21", 7), (None, 7)]
    assert shown["forecast"][0]["explanation"]["en"].startswith("0 certified so far")
    dropped = country.put(TARGETS, json={**body, "target": None}).json()
    assert dropped["targets"] == [{"province": "21", "target": 7}]


def test_targets_are_set_by_supervisors_of_the_place(desk: Desk) -> None:
    body = {"program": "eco-network", "fiscal_year": 2570, "province": "21", "target": 7}
    problem(SeminarDesk(desk).put(TARGETS, json=body), 403, "role-required")
    of_21 = SeminarDesk(desk, SUPERVISOR)
    assert of_21.put(TARGETS, json=body).status_code == 200
    for province in ("40", None):
        answer = of_21.put(TARGETS, json={**body, "province": province})
        problem(answer, 403, "outside-your-scope")
    problem(of_21.put(TARGETS, json={**body, "program": "gold"}), 422, "program-unknown")
    problem(of_21.get(f"{TARGETS}?program=gold"), 422, "program-unknown")
    assert of_21.get(f"{TARGETS}?program=eco-network").json()["fiscal_year"] > 2500
