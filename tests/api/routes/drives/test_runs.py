"""A drive as it runs: the real server, worker and workflow behind the API."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.app import create_app
from casework.domain.drives import RowOutcome, Why
from casework.identity.invitation_links import InvitationLinks
from casework.notices.composing import NoticeComposer
from casework.processes.servers import TemporalDevServer
from casework.processes.waiting import wait_until
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.database import Database
from casework.store.drives.run import RowEnd, mark
from casework.store.tables import CaseRow
from tests.api.conftest import settings_for
from tests.api.desk import Desk, SetClock, problem
from tests.api.engine.workers import workers_at_work
from tests.api.seminar_desk import SeminarDesk, line

T = TypeVar("T")

SLOW = {"pace": 60}
"""One case a second: slow enough to be met on its way."""


@pytest.fixture
def real(sqlite_database: Database, tmp_path: Path, temporal_server: TemporalDevServer) -> Settings:
    """Name the real server, and a database that API and worker share."""
    return settings_for(sqlite_database, tmp_path, temporal_server.target)


@pytest.fixture
def seminar(real: Settings, catalog: ProgramCatalog) -> Iterator[SeminarDesk]:
    """Sit in the provincial office, in the present, with workers at work."""
    clock = SetClock(datetime.now(UTC))
    app = create_app(real, now=clock, catalog=catalog)
    with (
        workers_at_work(real, catalog),
        TestClient(app, raise_server_exceptions=False) as client,
    ):
        yield SeminarDesk(Desk(client, real, clock))


def events_of(seminar: SeminarDesk, drive: str, **headers: str) -> list[dict[str, Any]]:
    """Read the stream to its end."""
    answer = seminar.get(f"{drive}/events", headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    found: list[dict[str, Any]] = []
    for block in answer.text.split("\n\n"):
        lines = [each.split(": ", 1) for each in block.splitlines() if not each.startswith(":")]
        if lines:
            event: dict[str, Any] = dict(lines)
            found.append({**event, "data": json.loads(event["data"])})
    return found


def until(seminar: SeminarDesk, drive: str, state: str) -> dict[str, Any]:
    """Wait until the drive is in a state."""

    def look() -> dict[str, Any] | None:
        found = seminar.get(drive).json()
        return found if found["state"] == state else None

    found = _until(look)
    assert found is not None
    return found


def until_cases(seminar: SeminarDesk, cases: int) -> None:
    """Wait until there are so many cases: of rows SQL learns several at a time."""
    _until(lambda: count_cases(seminar) >= cases)


def _until(look: Callable[[], T]) -> T:
    """Look again until there is something."""
    return wait_until("the drive to move", lambda: look() or None)


def count_cases(seminar: SeminarDesk) -> int:
    with seminar.desk.database.reading() as session:
        return session.scalar(select(func.count()).select_from(CaseRow)) or 0


def test_a_drive_opens_a_case_for_each_row_and_says_so_as_it_goes(seminar: SeminarDesk) -> None:
    """Started twice, it opens each case once; the stream ends with the drive."""
    drive = seminar.ready([*(line(n) for n in range(4)), line(4, email="wrong")])
    for _ in range(2):
        answer = seminar.post(f"{drive}/start")
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == drive
        assert answer.headers["retry-after"] == "2"
    events = events_of(seminar, drive)
    last = events[-1]
    assert (last["event"], last["data"]["state"]) == ("ended", "finished")
    assert last["data"]["progress"] == {
        "pending": 0,
        "opened": 4,
        "joined": 0,
        "skipped": 1,
        "failed": 0,
        "total": 5,
    }
    ids = [tuple(map(int, event["id"].split("-"))) for event in events]
    assert ids == sorted(set(ids))
    assert count_cases(seminar) == 4
    found = seminar.get(drive).json()
    assert found["by_province"][-1]["outcomes"] == {"opened": 4}
    assert found["forecast"][-1]["opened"] == 4
    opened = seminar.rows(drive, outcome="opened")
    case = seminar.get(f"/api/v1/cases/{opened[0]['case']}").json()
    assert case["stage"] == "invited"
    # Who comes back after the end is told of the end, and the stream closes again.
    assert [e["event"] for e in events_of(seminar, drive, **{"Last-Event-ID": last["id"]})] == [
        "ended"
    ]


def test_an_invited_establishment_applies_by_the_link_in_its_letter(seminar: SeminarDesk) -> None:
    """From the list to the office's desk, with nothing but what the letter says."""
    desk = seminar.desk
    drive = seminar.ready([line(1)])
    seminar.post(f"{drive}/start")
    until(seminar, drive, "finished")
    case = seminar.rows(drive)[0]["case"]
    composer = NoticeComposer(
        desk.database,
        desk.parts.catalog,
        desk.settings.public_url,
        desk.settings.mail_from,
        links=InvitationLinks.of(desk.settings),
    )
    letter = composer.render_preview(f"{case}/invitation/1/applicant").text
    link = letter.split("<https://cases.example", 1)[1].split(">", 1)[0]
    page = desk.client.get(link)
    assert "โรงงาน 1" in page.text
    form = {"name": "คุณ 1", "email": "contact1@site.example", "key": "a" * 32, "go": "submit"}
    done = desk.client.post(link, data=form)
    assert "ได้รับคำขอของท่านแล้ว" in done.text
    found = seminar.get(f"/api/v1/cases/{case}").json()
    assert found["stage"] == "application-review"
    journal = seminar.get(f"/api/v1/cases/{case}/journal").json()["items"]
    assert [each["type"] for each in journal] == ["EstablishmentInvited", "ApplicationSubmitted"]


def test_the_same_list_again_joins_the_open_cases(seminar: SeminarDesk) -> None:
    rows = [line(n) for n in range(2)]
    first = seminar.ready(rows)
    seminar.post(f"{first}/start")
    until(seminar, first, "finished")
    second = seminar.ready(rows)
    assert seminar.get(second).json()["verdicts"] == {"already-open": 2}
    seminar.post(f"{second}/start")
    assert until(seminar, second, "finished")["progress"]["joined"] == 2
    assert count_cases(seminar) == 2
    problem(seminar.post(f"{second}/rerun", {}), 409, "nothing-to-rerun")


def test_a_drive_is_paused_resumed_and_stopped(seminar: SeminarDesk) -> None:
    """Rows whose turn had not come are skipped, and get it when the drive runs again."""
    drive = seminar.ready((line(n) for n in range(20)), **SLOW)
    seminar.post(f"{drive}/start")
    until_cases(seminar, 1)
    paused = seminar.post(f"{drive}/pause", {"reason": "Lunch."})
    assert (paused.status_code, paused.json()["state"]) == (200, "paused"), paused.text
    resting = until(seminar, drive, "paused")
    assert (resting["state_by"], resting["state_reason"]) == ("officer-21", "Lunch.")
    problem(seminar.post(f"{drive}/pause", {}), 409, "drive-not-in-state")
    assert seminar.post(f"{drive}/resume").json()["state"] == "running"
    problem(seminar.post(f"{drive}/resume"), 409, "drive-not-in-state")
    until(seminar, drive, "running")
    stopped = seminar.post(f"{drive}/stop", {"reason": "The wrong list."})
    assert stopped.json()["state"] == "stopped"
    ended = until(seminar, drive, "stopped")
    assert ended["progress"]["skipped"] > 10
    assert ended["progress"]["opened"] == count_cases(seminar)
    problem(seminar.post(f"{drive}/stop", {"reason": "Again."}), 409, "drive-not-in-state")
    problem(seminar.post(f"{drive}/rerun", {}), 409, "nothing-to-rerun")
    file = seminar.get(f"{drive}/rows.csv", params={"outcome": "skipped"}).text
    assert "The drive was stopped before its turn." in file
    again = seminar.post(f"{drive}/rerun", {"also_stopped": True}, key="again")
    assert (again.status_code, again.json()["state"]) == (202, "running"), again.text
    # A retry is the same request, another request is one too many.
    assert seminar.post(f"{drive}/rerun", {"also_stopped": True}, key="again").status_code == 202
    problem(seminar.post(f"{drive}/rerun", {}, key="again"), 409, "idempotency-key-reused")
    problem(seminar.post(f"{drive}/rerun", {}), 409, "drive-not-in-state")
    events = events_of(seminar, drive)
    # The pace of a drive holds for every run of it.
    assert events[0]["data"]["state"] == "running"
    assert events[-1]["data"]["progress"]["opened"] == 20
    assert count_cases(seminar) == 20


def test_a_request_that_comes_again_after_the_end_gets_its_answer(seminar: SeminarDesk) -> None:
    """Nothing runs a second time, whatever has failed since."""
    drive = seminar.ready([line(1)])
    assert seminar.post(f"{drive}/start", key="k").status_code == 202
    until(seminar, drive, "finished")
    with seminar.desk.database.writing() as session:
        end = RowEnd(line=2, outcome=RowOutcome.FAILED, why=Why.NO_ANSWER)
        mark(session, drive.rpartition("/")[2], [end], seminar.desk.clock())
    first = seminar.post(f"{drive}/rerun", {}, key="k")
    assert first.status_code == 202, first.text
    until(seminar, drive, "finished")
    with seminar.desk.database.writing() as session:
        mark(session, drive.rpartition("/")[2], [end], seminar.desk.clock())
    for path, body in (("start", None), ("rerun", {})):
        again = seminar.post(f"{drive}/{path}", body, key="k")
        assert (again.status_code, again.headers["location"]) == (202, drive), again.text
        assert (again.json()["state"], again.json()["progress"]["failed"]) == ("finished", 1)
