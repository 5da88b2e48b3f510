"""A seminar's list of 500 becomes 500 cases, one for each establishment, whatever dies on the way."""

from collections import Counter

from sqlalchemy import func, select
from sqlmodel import col

from casework.demo.client import Json, Who, expect
from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from casework.store.tables import CaseRow, Enrollment, JournalRow
from tests.api.seminar_desk import csv_of, line
from tests.journeys.town import Town

ROWS = 500
OFFICER = Who("officer-21", (ActorKind.OFFICER,), province="21")


def test_a_drive_of_500_survives_worker_and_server(town: Town) -> None:
    """The worker gets SIGKILL in the middle, then the Temporal server; the drive ends with every row opened once."""
    drive = upload(town, csv_of(line(number) for number in range(ROWS)))
    path = f"/api/v1/drives/{drive}"
    expect(town.client.ask("POST", f"{path}/start", OFFICER, key="start", content=b""), 202)

    def opened(least: int) -> Json | None:
        view = town.client.get(path, OFFICER)
        return view if cases(town) >= least or view["state"] == "finished" else None

    town.client.wait_until("a fifth to be opened", lambda: opened(ROWS // 5))
    town.processes.kill_worker()
    expect(town.client.ask("POST", f"{path}/start", OFFICER, key="again", content=b""), 202)
    town.processes.start_worker()
    town.client.wait_until("half to be opened", lambda: opened(ROWS // 2))
    town.processes.temporal.kill()
    town.processes.temporal.start()

    town.client.wait_until("all to be opened", lambda: opened(ROWS))
    view = town.client.wait_until(
        "the drive to end",
        lambda: v if (v := town.client.get(path, OFFICER))["state"] == "finished" else None,
    )
    assert view["progress"]["opened"] == view["progress"]["total"] == ROWS
    with town.database.reading() as session:
        by_site = Counter(session.scalars(select(col(CaseRow.establishment_id))))
        assert len(by_site) == ROWS
        assert set(by_site.values()) == {1}
        assert session.scalar(select(func.count()).select_from(Enrollment)) == ROWS
        assert set(session.scalars(select(col(CaseRow.stage)))) == {Stage.INVITED}
        types = Counter(session.scalars(select(col(JournalRow.type))))
    assert types == {"EstablishmentInvited": ROWS}


def cases(town: Town) -> int:
    """Count the cases on record."""
    with town.database.reading() as session:
        return session.scalar(select(func.count()).select_from(CaseRow)) or 0


def upload(town: Town, content: bytes) -> str:
    """Bring a list to where its drive can start."""
    seminar = {"title": "สัมมนาจังหวัดระยอง", "held_on": "2026-11-20", "province": "21"}
    made = town.client.ask("POST", "/api/v1/seminars", OFFICER, json=seminar, key="seminar")
    body = {"program": "eco-network", "seminar": expect(made, 201).body["id"]}
    drive = expect(town.client.ask("POST", "/api/v1/drives", OFFICER, json=body, key="drive"), 201)
    path = f"/api/v1/drives/{drive.body['id']}"
    headers = {"Content-Type": "text/csv"}
    listed = town.client.ask(
        "PUT", f"{path}/list?file_name=list.csv", OFFICER, content=content, headers=headers
    )
    expect(listed, 200)
    judged = expect(town.client.ask("PUT", f"{path}/mapping", OFFICER, json={}), 200)
    assert judged.body["verdicts"]["new"] == judged.body["rows"] == ROWS
    return str(drive.body["id"])
