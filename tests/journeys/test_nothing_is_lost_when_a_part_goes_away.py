"""Temporal goes away, the database goes away: reads go on, acts are whole or not at all."""

import sqlite3

import httpx2
import pytest

from casework.demo.client import Unexpected, expect
from casework.domain.stages import Stage
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from tests.journeys.town import Town


def test_temporal_goes_away_and_comes_back(town: Town) -> None:
    """Cases and pages are read as before, an act gets 503 with Retry-After, and is done once when repeated."""
    town.apply()
    before = town.view()
    town.processes.temporal.kill()
    assert town.view() == before
    assert town.client.page("/th/register").status_code == 200
    assert town.client.page("/register.csv").status_code == 200
    assert httpx2.get(f"{town.client.url}/healthz").status_code == 200
    assert httpx2.get(f"{town.client.url}/readyz").status_code == 503
    who = town.cast.officer
    answer = httpx2.post(
        f"{town.client.url}/api/v1/cases/{town.case_id}/acts/accept-application",
        json={},
        headers={
            "If-Match": f'"{before["version"]}"',
            "Idempotency-Key": "accept",
            "Authorization": f"Bearer {town.client.token(who)}",
        },
        timeout=LONGEST_WAIT_SECONDS,
    )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert town.view() == before

    town.processes.temporal.start()
    expect(town.client.act(before, "accept-application", {}, who, "accept"), 200)
    assert town.journal() == ["ApplicationSubmitted", "ApplicationAccepted"]
    town.check()


def test_an_act_accepted_while_the_database_is_away_is_recorded_when_it_is_back(town: Town) -> None:
    """Somebody else holds the database for writing; the act waits, and nothing is lost or doubled."""
    town.apply()
    town.await_notices()
    view = town.view()
    file = town.processes.folder / "casework.db"
    other = sqlite3.connect(file, isolation_level=None, timeout=LONGEST_WAIT_SECONDS)
    other.execute("BEGIN IMMEDIATE")
    headers = {
        "If-Match": f'"{view["version"]}"',
        "Idempotency-Key": "accept",
        "Authorization": f"Bearer {town.client.token(town.cast.officer)}",
    }
    path = f"{town.client.url}/api/v1/cases/{town.case_id}/acts/accept-application"
    held = httpx2.post(path, json={}, headers=headers, timeout=LONGEST_WAIT_SECONDS)
    # Accepted by the case, or not answered in time: in both cases not on record yet.
    assert held.status_code in {200, 503}
    assert town.journal() == ["ApplicationSubmitted"]
    other.execute("ROLLBACK")
    other.close()
    answer = town.client.act(view, "accept-application", {}, town.cast.officer, "accept")
    expect(answer, 200)
    town.await_stage(Stage.INSPECTION)
    assert town.journal() == ["ApplicationSubmitted", "ApplicationAccepted"]
    town.check()


def test_a_foreign_case_is_not_there(town: Town) -> None:
    """An officer of another province gets 404, as for a case that does not exist."""
    town.apply()
    stranger = town.cast.officer._replace(person="officer-99", province="90")
    with pytest.raises(Unexpected, match="404"):
        town.client.case(town.case_id, stranger)
