"""What people write, over HTTP: shown to whoever may read it, sent as references, forgotten with a refusal."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from api.routes.cases.examples import APPLICATION
from casework.contracts.drive import workflow_id_of
from casework.people.personal import erase_person
from casework.processes.engine import connect
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import wait_until
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from casework.store.tables import TextRow
from casework.store.texts import ERASED_IN_BOTH
from tests.api.conftest import settings_for
from tests.api.desk import Desk, problem
from tests.api.engine.test_cases import ANYBODY, PATH, OpenCase, desk_at, refusals
from tests.api.engine.workers import workers_at_work
from tests.api.seminar_desk import SeminarDesk, line
from tests.sample_case import OFFICER
from tests.workflows.office import seed_staff

NOTE = {"note": "Canary: the manager is ill."}


@pytest.fixture
def real(sqlite_database: Database, tmp_path: Path, temporal_server: TemporalDevServer) -> Settings:
    """Name the real server, and a database that API and worker share."""
    return settings_for(sqlite_database, tmp_path, temporal_server.target)


@pytest.fixture
def office(real: Settings, catalog: ProgramCatalog) -> Iterator[Desk]:
    """Have workers at work, and sit at a desk."""
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        seed_staff(desk.database)
        yield desk


def texts(desk: Desk) -> list[str | None]:
    with desk.database.reading() as session:
        return list(session.scalars(select(col(TextRow.text)).order_by(col(TextRow.at))))


def events(desk: Desk, case: OpenCase) -> list[dict[str, Any]]:
    answer = desk.get(f"{case.path}/journal", OFFICER)
    return [line["event"] for line in answer.json()["items"]]


def history(settings: Settings, workflow_id: str) -> bytes:
    async def fetch() -> bytes:
        client = await connect(settings)
        fetched = await client.get_workflow_handle(workflow_id).fetch_history()
        return b"".join(event.SerializeToString() for event in fetched.events)

    return asyncio.run(fetch())


def test_the_journal_shows_what_was_written_and_history_does_not(
    office: Desk, real: Settings
) -> None:
    answer = office.post(PATH, {**APPLICATION, "statement": "Canary statement."}, ANYBODY, key="k")
    assert answer.status_code == 201, answer.text
    case_id = answer.json()["case"]
    assert office.act("add-note", NOTE, OFFICER, case_id=case_id).status_code == 200
    shown = office.get(f"/api/v1/cases/{case_id}/journal", OFFICER).json()["items"]
    assert [line["event"].get("statement") or line["event"]["note"] for line in shown] == [
        "Canary statement.",
        NOTE["note"],
    ]
    assert b"anary" not in history(real, case_id)


def test_an_erased_text_shows_as_erased(office: Desk) -> None:
    """And its act cannot be repeated: nobody can tell any more whether it was the same."""
    case = OpenCase(office)
    office.act("add-note", NOTE, OFFICER, case_id=case.id, key="once")
    with office.database.writing() as session:
        erase_person(session, OFFICER.person, "Asked for.", "clerk-1", office.clock())
    assert events(office, case)[-1] == {"note": ERASED_IN_BOTH}
    again = office.act("add-note", NOTE, OFFICER, case_id=case.id, key="once")
    problem(again, 409, "idempotency-key-reused")
    assert office.get(case.path, OFFICER).status_code == 200


def test_the_same_key_brings_one_text(office: Desk) -> None:
    """A repetition gets its receipt; other words under the key leave nothing but the refusal."""
    case = OpenCase(office)
    before = len(texts(office))
    send: dict[str, Any] = {"case_id": case.id, "key": "once"}
    first = office.act("add-note", NOTE, OFFICER, **send)
    assert office.act("add-note", NOTE, OFFICER, **send).json() == first.json()
    other = office.act("add-note", {"note": "Something else."}, OFFICER, **send)
    problem(other, 409, "idempotency-key-reused")
    another = office.act("accept-application", {"remark": "Complete."}, OFFICER, **send)
    problem(another, 409, "idempotency-key-reused")
    assert texts(office)[before:] == [NOTE["note"]]
    assert [row.code for row in refusals(office)] == ["idempotency-key-reused"] * 2


def test_an_act_gets_its_receipt_although_the_answer_was_lost(
    real: Settings, catalog: ProgramCatalog
) -> None:
    """The second attempt sends the references of the first, so that Temporal knows it again."""
    bounds = {"answer_within": timedelta(seconds=2), "retry_within": timedelta(milliseconds=500)}
    body = {**APPLICATION, "statement": "Canary statement."}
    with desk_at(real, catalog, **bounds) as desk:
        problem(desk.post(PATH, body, ANYBODY, key="k"), 503, "engine-unavailable")
        kept = texts(desk)
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        first = desk.post(PATH, body, ANYBODY, key="k")
        assert first.status_code == 201, first.text
        assert desk.post(PATH, body, ANYBODY, key="k").json() == first.json()
        assert texts(desk) == kept
        assert "Canary statement." in kept


def test_a_refused_act_leaves_no_text(office: Desk) -> None:
    case = OpenCase(office)
    before = texts(office)
    refused = office.act(
        "recommend", {"advice": "grant", "reasons": "Canary."}, OFFICER, case_id=case.id
    )
    problem(refused, 403, "role-required")
    stale = office.act("add-note", NOTE, OFFICER, case_id=case.id, version=7)
    problem(stale, 412, "version-conflict")
    assert texts(office) == before


def test_why_a_drive_is_paused_is_shown_and_not_sent(office: Desk, real: Settings) -> None:
    """A reason that is refused leaves nothing either."""
    seminar = SeminarDesk(office)
    drive = seminar.ready((line(n) for n in range(20)), pace=30, window=1)
    assert seminar.post(f"{drive}/start").status_code == 202
    paused = seminar.post(f"{drive}/pause", {"reason": "Canary lunch."}, key="pause")
    assert (paused.status_code, paused.json()["reason"]) == (200, "Canary lunch."), paused.text
    twice = seminar.post(f"{drive}/pause", {"reason": "Canary again."})
    problem(twice, 409, "drive-not-in-state")
    assert "Canary again." not in texts(office)
    wait_until(
        "the pause to be noted", lambda: reason_of(seminar, drive) == "Canary lunch." or None
    )
    assert seminar.get("/api/v1/drives").json()["items"][0]["state_reason"] == "Canary lunch."
    stopped = seminar.post(f"{drive}/stop", {"reason": "Canary over."})
    assert stopped.json()["reason"] == "Canary over."
    wait_until("the end to be noted", lambda: reason_of(seminar, drive) == "Canary over." or None)
    assert b"anary" not in history(real, workflow_id_of(drive.rpartition("/")[2]))


def reason_of(seminar: SeminarDesk, drive: str) -> str | None:
    reason: str | None = seminar.get(drive).json()["state_reason"]
    return reason
