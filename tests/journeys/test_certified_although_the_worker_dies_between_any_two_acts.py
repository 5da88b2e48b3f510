"""The applicant is certified and published once, whatever becomes of the workers."""

from casework.demo.steps import Goal
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from tests.journeys.town import Town

GOAL = Goal(Stage.CERTIFIED, "eco-network", returns=True, finds=Grade.MAJOR, says=("objection",))

EVENTS = [
    "ApplicationSubmitted",
    "ApplicationReturned",
    "ApplicationResubmitted",
    "ApplicationAccepted",
    "InspectionScheduled",
    "InspectionFiled",
    "CorrectiveActionSubmitted",
    "CorrectiveActionVerified",
    "FeedbackOpened",
    "FeedbackClosed",
    "RepresentationsDisposed",
    "RecommendationMade",
    "DecisionMade",
    "CertificationPublished",
]


def test_certified_although_the_worker_dies_between_any_two_acts(town: Town) -> None:
    """SIGKILL after every act, and a new worker for the next: each event once, each notice at most once."""
    town.apply(GOAL.program)
    pids = set()
    while town.stage() is not Stage.CERTIFIED:
        pids.add(town.processes.kill_worker())
        town.processes.start_worker()
        done = town.step(GOAL)
        if done and done.body["stage"] == Stage.FEEDBACK:
            # At once, because the sample's feedback period is over in seconds; it ends while no worker is there.
            town.performer.speak(town.case_id, "objection", 1)
        elif done is None:
            town.await_stage(Stage.ANSWERING)
    town.processes.kill_worker()
    town.processes.start_worker()
    town.client.wait_until("the register entry", lambda: town.view()["register_entry"])
    assert town.journal() == EVENTS
    assert len(pids) >= 8
    town.check()
    # What a worker was sending when it died may have left: it stays so, and nobody sends it again.
    rows = town.await_notices("sending", "unknown")
    letters = [(x.to, x.subject) for x in town.processes.mail.letters()]
    assert len(letters) == len(set(letters))
    assert sum(row["state"] == "sent" for row in rows) <= len(letters) <= len(rows)
    page = town.client.page("/en/register")
    assert page.status_code == 200
    assert page.text.count(town.site.name_en) >= 1


def test_an_act_that_was_sent_while_no_worker_was_there_is_applied_once(town: Town) -> None:
    """The officer gets 503 or waits, repeats with the same key, and the act is there once."""
    town.apply()
    town.processes.kill_worker()
    view = town.view()
    key = "accept-once"
    who = town.cast.officer
    path = f"/api/v1/cases/{town.case_id}/acts/accept-application"
    headers = {
        "If-Match": f'"{view["version"]}"',
        "Idempotency-Key": key,
        "Authorization": f"Bearer {town.client.token(who)}",
    }
    import httpx2

    alone = httpx2.post(
        town.client.url + path, json={}, headers=headers, timeout=LONGEST_WAIT_SECONDS
    )
    assert alone.status_code == 503
    assert int(alone.headers["Retry-After"]) > 0
    assert alone.json()["code"] == "engine-unavailable"
    assert town.journal() == ["ApplicationSubmitted"]
    town.processes.start_worker()
    first = town.client.act(view, "accept-application", {}, who, key)
    again = town.client.act(view, "accept-application", {}, who, key)
    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    assert town.journal() == ["ApplicationSubmitted", "ApplicationAccepted"]
