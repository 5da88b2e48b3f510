"""Communities by API: named with the application, read by staff, corrected by officers, hidden from all others."""

from typing import Any

import pytest

from api.routes.cases.examples import APPLICATION, COMMUNITIES
from casework.domain.actors import Actor, ActorKind
from casework.domain.stages import Stage
from casework.store.communities import communities_of_case
from casework.store.tables import Community
from tests.api.desk import Desk, pointers, problem
from tests.sample_case import APPLICANT, INSPECTOR, OFFICER, REVIEWER, STRANGER, SUPERVISOR, TERMS

APPLICATIONS = "/api/v1/applications"
PATH = f"/api/v1/cases/{TERMS.case_id}/communities"
ANYBODY = Actor(person="site-manager", kinds=(ActorKind.APPLICANT,))
OFFICE = {"kind": "local-government", "name": "อบต.บ้านน้ำใส", "email": "office@namsai.example"}


def put(desk: Desk, *communities: dict[str, Any], who: Actor = OFFICER, **scope: Any):
    body = {"communities": communities}
    return desk.client.put(PATH, json=body, headers=desk.headers(who, **scope))


def stored(desk: Desk, case_id: str) -> list[Community]:
    with desk.database.reading() as session:
        return communities_of_case(session, case_id)


def test_an_application_names_its_communities_once(desk_on_both: Desk) -> None:
    """The engine is away, so the applicant sends it again under its key."""
    for _ in range(2):
        answer = desk_on_both.post(APPLICATIONS, APPLICATION, ANYBODY, key="k")
        problem(answer, 503, "engine-unavailable")
    case_id = desk_on_both.post(APPLICATIONS, APPLICATION, ANYBODY, key="k2").json()["case"]
    rows = stored(desk_on_both, case_id)
    assert [(row.number, row.name, row.email) for row in rows] == [
        (n, named["name"], named.get("email"))
        for n, named in enumerate(APPLICATION["communities"], start=1)
    ]
    assert {row.changed_by for row in rows} == {ANYBODY.person}
    fewer = {**APPLICATION, "communities": []}
    other = desk_on_both.post(APPLICATIONS, fewer, ANYBODY, key="k")
    problem(other, 409, "idempotency-key-reused")
    assert len(stored(desk_on_both, case_id)) == 2


@pytest.mark.parametrize(
    ("community", "pointer"),
    [
        ({"kind": "local-government"}, "/name"),
        ({**OFFICE, "name": " "}, "/name"),
        ({**OFFICE, "name": "A\nBcc: x@y.example"}, "/name"),
        ({**OFFICE, "name": "x" * 201}, "/name"),
        ({**OFFICE, "kind": "temple"}, "/kind"),
        ({**OFFICE, "email": ""}, "/email"),
        ({**OFFICE, "email": "a@b.example, c@d.example"}, "/email"),
        ({**OFFICE, "phone": "1" * 41}, "/phone"),
        ({**OFFICE, "address": "A\nB"}, "/address"),
        ({**OFFICE, "language": "fr"}, "/language"),
        ({**OFFICE, "color": "green"}, "/color"),
    ],
)
def test_a_malformed_community_says_where(
    desk: Desk, community: dict[str, Any], pointer: str
) -> None:
    body = {**APPLICATION, "communities": [OFFICE, community]}
    answer = desk.post(APPLICATIONS, body, ANYBODY)
    assert f"/communities/1{pointer}" in pointers(problem(answer, 422, "request-malformed"))
    desk.put_case(Stage.INSPECTION)
    assert f"/communities/1{pointer}" in pointers(
        problem(put(desk, OFFICE, community), 422, "request-malformed")
    )


def test_an_application_has_at_most_twenty(desk: Desk) -> None:
    for many, status in ((20, 503), (21, 422)):
        body = {**APPLICATION, "communities": [OFFICE] * many}
        assert desk.post(APPLICATIONS, body, ANYBODY, key="k").status_code == status
    desk.put_case(Stage.INSPECTION)
    assert put(desk, *[OFFICE] * 21).status_code == 422


def test_officers_correct_the_list_and_numbers_stay(desk_on_both: Desk) -> None:
    desk = desk_on_both
    desk.put_case(Stage.INSPECTION)
    first = put(desk, *COMMUNITIES["communities"])
    assert first.status_code == 200, first.text
    assert [row["number"] for row in first.json()["communities"]] == [1, 2]
    second = put(desk, {**OFFICE, "number": 2}, OFFICE)
    assert [(r["number"], r["name"]) for r in second.json()["communities"]] == [
        (2, OFFICE["name"]),
        (3, OFFICE["name"]),
    ]
    read = desk.get(PATH, OFFICER)
    assert read.json() == second.json()
    assert read.headers["cache-control"] == "private, no-cache"
    assert read.json()["communities"][0]["changed_by"] == OFFICER.person


def test_a_number_that_is_wrong_is_pointed_at(desk: Desk) -> None:
    desk.put_case(Stage.INSPECTION)
    put(desk, OFFICE)
    for communities in (
        [{**OFFICE, "number": 1}, {**OFFICE, "number": 7}],
        [{**OFFICE, "number": 1}, {**OFFICE, "number": 1}],
    ):
        wrong = problem(put(desk, *communities), 422, "request-malformed")
        assert pointers(wrong) == ["/communities/1/number"]
    assert len(stored(desk, TERMS.case_id)) == 1


def test_staff_read_and_officers_write_and_nobody_else_does_either(desk: Desk) -> None:
    """Not even the applicant, from whom the names came: what the office knows by now is the office's."""
    desk.put_case(Stage.FEEDBACK)
    put(desk, OFFICE)
    for who in (OFFICER, INSPECTOR, REVIEWER, SUPERVISOR):
        assert desk.get(PATH, who).json()["communities"][0]["email"] == OFFICE["email"]
    for who in (INSPECTOR, REVIEWER, SUPERVISOR):
        problem(put(desk, who=who), 403, "role-required")
    for answer in (desk.get(PATH, APPLICANT), put(desk, who=APPLICANT)):
        problem(answer, 403, "role-required")
    assert desk.get(PATH, OFFICER, scope={"provinces": ("51",)}).status_code == 404
    assert put(desk, provinces=("51",)).status_code == 404
    problem(desk.get(PATH), 401, "token-required")
    assert len(stored(desk, TERMS.case_id)) == 1


def test_no_other_answer_shows_them(desk: Desk) -> None:
    """Neither the case, its journal and its letters, nor what the public sees."""
    desk.put_case(Stage.FEEDBACK)
    put(desk, {**OFFICE, "name": "Canary office", "phone": "081-canary", "address": "Canary Road"})
    case = f"/api/v1/cases/{TERMS.case_id}"
    for who in (OFFICER, APPLICANT):
        for path in (case, f"{case}/journal", f"{case}/notices", f"{case}/acts", f"{case}/clock"):
            text = desk.get(path, who).text
            assert "anary" not in text
            assert "namsai" not in text
    assert desk.get(PATH, STRANGER).status_code in {403, 404}
    for path in ("feedback", "feedback/notice", ""):
        page = desk.get(f"/th/cases/{TERMS.case_id}/{path}".rstrip("/"))
        assert page.status_code == 200
        assert "anary" not in page.text
