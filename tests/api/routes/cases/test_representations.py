"""What the community says: without an account, while the period runs, and with a receipt."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from casework.domain.stages import Stage
from casework.store.tables import NoticeRow
from tests.api.desk import Desk, pointers, problem
from tests.sample_case import APPLICANT, OFFICER, TERMS

PATH = f"/api/v1/cases/{TERMS.case_id}/representations"
SAID = {"stance": "objection", "text": "กลิ่นรบกวนตอนกลางคืน"}


def notices(desk: Desk) -> list[NoticeRow]:
    with desk.database.reading() as session:
        return list(session.scalars(select(NoticeRow)))


def test_a_neighbor_says_something_and_gets_a_receipt(desk_on_both: Desk) -> None:
    """A name and an address are not needed; without an address nothing is mailed."""
    desk_on_both.put_case(Stage.FEEDBACK)
    answer = desk_on_both.post(PATH, SAID)
    assert answer.status_code == 201, answer.text
    assert answer.json()["receipt"].startswith("rep-")
    assert notices(desk_on_both) == []


def test_a_receipt_is_mailed_to_whoever_leaves_an_address(desk_on_both: Desk) -> None:
    """The row of the outbox is written with the representation, in one transaction."""
    desk_on_both.put_case(Stage.FEEDBACK)
    assert desk_on_both.post(PATH, {**SAID, "email": "a@b.example"}).status_code == 201
    (notice,) = notices(desk_on_both)
    assert (notice.slug, notice.recipient) == ("representation-received", "representation:1")


def test_the_same_key_is_one_representation(desk_on_both: Desk) -> None:
    """A retry gets the same receipt; other words under the same key are refused."""
    desk_on_both.put_case(Stage.FEEDBACK)
    first = desk_on_both.post(PATH, {**SAID, "email": "a@b.example"}, key="once").json()
    again = desk_on_both.post(PATH, {**SAID, "email": "a@b.example"}, key="once").json()
    assert first == again
    assert len(notices(desk_on_both)) == 1
    other = desk_on_both.post(PATH, {**SAID, "text": "another"}, key="once")
    problem(other, 409, "idempotency-key-reused")


def test_after_the_period_nothing_is_taken(desk: Desk) -> None:
    """Of a case that was announced the API says that it is over, to the second."""
    story = desk.put_case(Stage.FEEDBACK)
    assert story.case.running is not None
    desk.clock.now = story.case.running.due_at - timedelta(seconds=1)
    assert desk.post(PATH, SAID).status_code == 201
    desk.clock.now = story.case.running.due_at
    problem(desk.post(PATH, SAID), 409, "feedback-not-open")


@pytest.mark.parametrize(
    "stage", [Stage.ANSWERING, Stage.REVIEW, Stage.DECISION, Stage.CERTIFIED, Stage.REFUSED]
)
def test_a_case_after_its_period_says_that_it_is_over(desk: Desk, stage: Stage) -> None:
    desk.put_case(stage)
    problem(desk.post(PATH, SAID), 409, "feedback-not-open")


@pytest.mark.parametrize("stage", [Stage.APPLICATION_REVIEW, Stage.INSPECTION])
def test_a_case_that_was_not_announced_is_not_there(desk: Desk, stage: Stage) -> None:
    """Who applied, and how far they are, is nobody's business before the notice."""
    desk.put_case(stage)
    told = problem(desk.post(PATH, SAID), 404, "not-found")
    unknown = problem(desk.post(PATH.replace(TERMS.case_id, "eco-nothere"), SAID), 404, "not-found")
    assert told["detail"] == unknown["detail"]
    problem(desk.post(PATH.replace(TERMS.case_id, "%00"), SAID), 404, "not-found")


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"stance": "angry"}, "/stance"),
        ({"text": ""}, "/text"),
        ({"text": "   "}, "/text"),
        ({"text": "x" * 4001}, "/text"),
        ({"email": "no address"}, "/email"),
        ({"email": "a@b\r\nBcc: c@d.example"}, "/email"),
        ({"name": "A\r\nBcc: c@d.example"}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"language": "fr"}, "/language"),
        ({"score": 5}, "/score"),
    ],
)
def test_a_malformed_representation_says_where(
    desk: Desk, changed: dict[str, object], pointer: str
) -> None:
    desk.put_case(Stage.FEEDBACK)
    answer = desk.post(PATH, {**SAID, **changed})
    assert pointer in pointers(problem(answer, 422, "request-malformed"))


def test_one_address_may_say_only_so_much(desk: Desk) -> None:
    """The eleventh within a minute waits, and the answer says how long."""
    desk.put_case(Stage.FEEDBACK)
    for _ in range(10):
        assert desk.post(PATH, SAID).status_code == 201
    answer = desk.post(PATH, SAID)
    problem(answer, 429, "rate-limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_staff_read_what_was_said_and_not_where_to_write(desk: Desk) -> None:
    """Page by page; the address itself never leaves."""
    desk.put_case(Stage.FEEDBACK)
    desk.post(PATH, {**SAID, "name": "วิชัย", "email": "a@b.example"})
    desk.post(PATH, {**SAID, "stance": "support"})
    answer = desk.get(f"{PATH}?limit=1", OFFICER)
    first = answer.json()
    assert first["items"][0]["author_name"] == "วิชัย"
    assert first["items"][0]["can_be_written_to"] is True
    assert "a@b.example" not in answer.text
    rest = desk.get(f"{PATH}?after={first['next']}", OFFICER).json()
    assert [r["stance"] for r in rest["items"]] == ["support"]
    assert rest["next"] is None
    problem(desk.get(PATH, APPLICANT), 403, "role-required")
    problem(desk.get(PATH, OFFICER, scope={"provinces": ["90"]}), 404, "not-found")
    problem(desk.get(PATH), 401, "token-required")
