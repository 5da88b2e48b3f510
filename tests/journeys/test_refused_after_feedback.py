"""The community objects, each gets an answer, the applicant is refused, and everybody is told."""

from email import message_from_bytes, policy

from casework.demo.steps import Goal
from casework.domain.stages import Stage
from tests.journeys.town import Town

GOAL = Goal(Stage.REFUSED, "river-governance")


def test_refused_after_feedback(town: Town) -> None:
    """Nobody can recommend before the answers are given; the register stays without the site."""
    town.apply(GOAL.program)
    while town.stage() is not Stage.FEEDBACK:
        town.step(GOAL)
    for number, stance in enumerate(("objection", "support"), start=1):
        assert town.performer.speak(town.case_id, stance, number).status in {200, 201, 202}
    town.await_stage(Stage.ANSWERING)

    acts = town.client.get(f"/api/v1/cases/{town.case_id}/acts", town.cast.reviewer)["acts"]
    recommend = next(act for act in acts if act["act"] == "recommend")
    assert not recommend["is_open"]
    assert recommend["refusal"]["code"] == "not-at-this-stage"

    late = town.performer.speak(town.case_id, "neutral", 3)
    assert late.status == 409

    while town.stage() is not Stage.REFUSED:
        assert town.step(GOAL)
    rows = town.await_notices()
    assert {row["state"] for row in rows} == {"sent"}
    told = {row["notice"] for row in rows if row["recipient"].startswith("representation:")}
    assert {"representation-received", "representation-answered"} <= told
    letters = list(town.processes.mail.letters())
    assert len(letters) == len(rows)
    to_community = [x for x in letters if "subdistrict-" in x.to]
    assert [row["recipient"] for row in rows if row["notice"] == "feedback-announced"] == [
        "community:1"
    ]
    assert len(to_community) == 1
    assert f"/cases/{town.case_id}/feedback" in to_community[0].text
    to_authors = [x for x in letters if x.to.startswith("neighbor-")]
    assert to_authors
    for letter in letters:
        message = message_from_bytes(letter.file.read_bytes(), policy=policy.default)
        assert message.get_body(("plain",)) is not None
        assert message.get_body(("html",)) is not None
    assert town.site.name_en not in town.client.page("/en/register").text
    town.check()
