"""Keys and versions: a request that cannot be repeated safely, or follows a stale view, goes nowhere."""

import pytest

from api.http.preconditions import update_id_of
from api.routes.cases.acts import ACTS_OF_PEOPLE
from casework.domain.stages import Stage
from tests.api.desk import Desk, problem
from tests.sample_case import APPLICANT, OFFICER, TERMS

CASE = f"/api/v1/cases/{TERMS.case_id}"
POSTS = ("/api/v1/applications", "/api/v1/evidence", f"{CASE}/representations")


@pytest.mark.parametrize("path", POSTS)
def test_a_post_without_a_key_is_refused(desk: Desk, path: str) -> None:
    headers = {**desk.headers(APPLICANT), "Content-Type": "application/json"}
    answer = desk.client.post(path, content=b"{}", headers=headers)
    problem(answer, 400, "idempotency-key-required")


def test_no_act_goes_without_a_key_and_a_version(desk: Desk) -> None:
    desk.put_case(Stage.APPLICATION_REVIEW)
    headers = desk.headers(OFFICER)
    for act in ACTS_OF_PEOPLE:
        path = f"{CASE}/acts/{act.slug}"
        without_version = desk.client.post(
            path, json={}, headers={**headers, "Idempotency-Key": "k"}
        )
        problem(without_version, 428, "if-match-required")
        without_key = desk.client.post(path, json={}, headers={**headers, "If-Match": '"1"'})
        problem(without_key, 400, "idempotency-key-required")


@pytest.mark.parametrize("key", ["x" * 201, "é", "a\tb"])
def test_a_key_is_short_and_printable(desk: Desk, key: str) -> None:
    desk.put_case(Stage.APPLICATION_REVIEW)
    headers = {
        **{k.encode(): v.encode() for k, v in desk.headers(OFFICER).items()},
        b"Idempotency-Key": key.encode("latin-1"),
        b"If-Match": b'"1"',
    }
    answer = desk.client.post(f"{CASE}/acts/add-note", json={"note": "x"}, headers=headers)
    problem(answer, 400, "idempotency-key-malformed")


@pytest.mark.parametrize(
    "tag", ["1", "*", 'W/"1"', '"1", "2"', '"one"', '"-1"', '"01"', '""', '"99999999999"']
)
def test_a_version_is_one_strong_tag(desk: Desk, tag: str) -> None:
    desk.put_case(Stage.APPLICATION_REVIEW)
    answer = desk.act("add-note", {"note": "x"}, OFFICER, headers={"If-Match": tag})
    problem(answer, 412, "if-match-malformed")


def test_one_persons_key_means_nothing_for_another_person_or_case() -> None:
    """Otherwise somebody could read the receipt of another's act by guessing the key."""
    ids = {
        update_id_of(person, case, key)
        for person in ("a", "b")
        for case in ("eco-1", "eco-2")
        for key in ("k", "l")
    }
    assert len(ids) == 8
    assert update_id_of("a", "b", "c") != update_id_of("ab", "", "c")
    assert {len(update_id) for update_id in ids} == {20}
