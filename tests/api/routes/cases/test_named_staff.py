"""An act that names an inspector or an officer names somebody who does that work there."""

from typing import Any

import pytest

from casework.domain.stages import Stage
from tests.api.desk import Desk, pointers, problem
from tests.sample_case import INSPECTOR, OFFICER, SUPERVISOR
from tests.workflows.office import seed_staff

VISIT: dict[str, Any] = {
    "visit_at": "2026-12-01T02:00:00Z",
    "declaration": {"has_conflict": False, "statement": "None."},
    "reason": "x",
}


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("reschedule-inspection", {**VISIT, "inspector": "nobody"}, "inspector"),
        ("reschedule-inspection", {**VISIT, "inspector": OFFICER.person}, "inspector"),
        ("reassign-officer", {"officer": "nobody", "reason": "x"}, "officer"),
        ("reassign-officer", {"officer": INSPECTOR.person, "reason": "x"}, "officer"),
    ],
)
def test_who_is_unknown_or_does_other_work_is_named(
    desk_on_both: Desk, act: str, body: dict[str, Any], field: str
) -> None:
    """Before the case is asked: it keeps references only and cannot look them up."""
    desk_on_both.put_case(Stage.INSPECTION)
    seed_staff(desk_on_both.database)
    who = SUPERVISOR if act == "reassign-officer" else OFFICER
    told = problem(desk_on_both.act(act, body, who), 422, "person-unknown")
    assert pointers(told) == [f"/{field}"]
    assert told["detail"] == (f"No {field} {body[field]} works on eco-network in province 21.")


def test_who_works_in_another_province_is_not_there(desk: Desk) -> None:
    desk.put_case(Stage.INSPECTION, province="51")
    seed_staff(desk.database)
    answer = desk.act(
        "reschedule-inspection",
        {**VISIT, "inspector": INSPECTOR.person},
        OFFICER,
        scope={"provinces": ("51",)},
    )
    problem(answer, 422, "person-unknown")


def test_who_does_the_work_there_is_sent_to_the_case(desk: Desk) -> None:
    """Temporal is away, so nothing comes of it here."""
    desk.put_case(Stage.INSPECTION)
    seed_staff(desk.database)
    body = {**VISIT, "inspector": INSPECTOR.person}
    problem(desk.act("reschedule-inspection", body, OFFICER), 503, "engine-unavailable")
