"""The next step of a case follows from where it is, and every body is one the domain takes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from casework.demo.cases import PAPER
from casework.demo.sites import read_sites
from casework.demo.steps import Cast, Goal, Situation, Step, is_there, next_step
from casework.demo.stories import PATIENT, SWIFT, Story
from casework.domain import acts as a
from casework.domain.acts import ACTS
from casework.domain.decide import decide
from casework.domain.openness import kind_for
from casework.domain.policy import Principal
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.store.evidence import ALLOWED_TYPES
from tests.sample_case import TERMS, close_feedback, new_case, perform

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CATALOG = ProgramCatalog.load()
FILE = "ab" * 32
SITE = read_sites()[67]
CAST = Cast.of(SITE, "est-000000000001")


def view_of(case: Any) -> dict[str, Any]:
    """Show a case as the API does, as far as steps look at it."""
    return {
        "id": case.case_id,
        "stage": case.stage.value,
        "version": case.version,
        "items_to_answer": case.items_to_answer,
        "visit_at": case.visit_at,
        "establishment": {"latitude": 16.4, "longitude": 102.8},
        "to_correct": case.to_correct() if case.standings else (),
        "to_verify": case.to_verify,
        "unanswered": case.unanswered.ranges,
        "duties": {"deciders": case.deciders},
    }


def principal_of(step: Step) -> Principal:
    return Principal(
        person=step.who.person, kinds=step.who.parts, establishment=step.who.establishment
    )


@pytest.mark.parametrize("story", [*PATIENT, *SWIFT], ids=lambda story: story.site)
def test_every_story_comes_to_its_end_by_the_rules_of_the_domain(story: Story):
    """Played against the domain alone: each step is open, its body is understood, and it stops."""
    program = CATALOG.get(story.goal.program, "sample")
    terms = TERMS.model_copy(update={"rules": program.rules()})
    case = perform(
        new_case(terms),
        a.SubmitApplication(contact="con-1"),
        Principal(
            person=CAST.applicant.person,
            kinds=CAST.applicant.parts,
            establishment=CAST.applicant.establishment,
        ).actor,
        NOW,
    )
    for _ in range(20):
        if is_there(view_of(case), story.goal):
            break
        step = next_step(Situation(view_of(case), story.goal, CAST, program, FILE, NOW))
        if step is None:
            assert case.stage is Stage.FEEDBACK
            case = close_feedback(case, range(1, len(story.goal.says) + 1), NOW)
            continue
        act = TypeAdapter(ACTS[step.act]).validate_python(step.body)
        actor = principal_of(step).actor
        assert decide(case, act, actor, NOW)
        assert kind_for(type(act), actor)
        case = perform(case, act, actor, NOW)
    assert is_there(view_of(case), story.goal)


def test_a_case_at_its_goal_needs_no_step():
    view = {"stage": "returned", "version": 2}
    goal = Goal(Stage.RETURNED, "eco-network")
    program = CATALOG.get("eco-network", "1")
    assert next_step(Situation(view, goal, CAST, program, FILE, NOW)) is None


def test_the_visit_is_on_the_morning_after():
    view = {"stage": "inspection", "visit_at": None, "version": 2, "duties": {"deciders": []}}
    goal = Goal(Stage.CERTIFIED, "eco-network", finds=Grade.CONFORMITY)
    program = CATALOG.get("eco-network", "1")
    step = next_step(Situation(view, goal, CAST, program, FILE, NOW))
    assert step is not None
    assert step.body["visit_at"] == "2026-11-24T02:30:00+00:00"


def test_the_paper_is_a_file_that_the_system_takes():
    assert PAPER.startswith(b"%PDF-")
    assert "application/pdf" in ALLOWED_TYPES
