"""Acts on running cases: the real workflow, worker and server behind the API."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlmodel import col
from starlette.testclient import TestClient

from activities.settlement import NOT_BEFORE, Settlement
from api.app import create_app
from api.engine.calls import EngineCalls
from api.engine.cases import CaseGateway
from api.routes.cases.acts import ACTS_OF_PEOPLE
from api.routes.cases.examples import APPLICATION
from casework.cases.on_record import ActsOnRecord
from casework.cases.recording import CaseRecorder
from casework.domain.actors import Actor, ActorKind
from casework.domain.openness import ACT_RULES
from casework.domain.stages import Stage
from casework.processes.engine import connect
from casework.processes.servers import TemporalDevServer
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.cases.casebook import read_journal, verify_chain
from casework.store.cases.intents import unsettled
from casework.store.database import Database
from casework.store.tables import JournalRow, RefusalRow
from tests.api.conftest import settings_for
from tests.api.desk import Desk, SetClock, problem
from tests.api.engine.workers import workers_at_work
from tests.sample_case import OFFICER, act_of
from tests.statements import counted
from tests.store.story import Story
from tests.workflows.office import seed_staff

PATH = "/api/v1/applications"
ANYBODY = Actor(person="site-manager", kinds=(ActorKind.APPLICANT,))
KINDS = [kind for kind in ActorKind if kind is not ActorKind.SYSTEM]


@contextmanager
def desk_at(settings: Settings, catalog: ProgramCatalog, **bounds: timedelta) -> Iterator[Desk]:
    """Sit at a desk in the present, with shorter waits if a test wants them."""
    clock = SetClock(datetime.now(UTC))
    app = create_app(settings, now=clock, catalog=catalog)
    if bounds:
        parts = app.state.collaborators
        gateway = CaseGateway(
            EngineCalls(settings, **bounds),
            ActsOnRecord(
                parts.database, parts.reader, CaseRecorder(parts.database, parts.reader), clock
            ),
            parts.metrics,
        )
        app.state.collaborators = replace(parts, gateway=gateway)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Desk(client, settings, clock)


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


class OpenCase:
    """A case that was applied for, and the applicant who is bound to it."""

    def __init__(self, desk: Desk, key: str = "apply") -> None:
        answer = desk.post(PATH, APPLICATION, ANYBODY, key=key)
        assert answer.status_code == 201, answer.text
        self.receipt: dict[str, Any] = answer.json()
        self.id = str(self.receipt["case"])
        self.path = f"/api/v1/cases/{self.id}"
        self.applicant = ANYBODY.model_copy(update={"establishment": self.receipt["establishment"]})


def journal(desk: Desk, case_id: str) -> list[JournalRow]:
    """Return the journal after checking its chain."""
    with desk.database.reading() as session:
        rows = read_journal(session, case_id)
    assert verify_chain(rows) is None
    return rows


def refusals(desk: Desk) -> list[RefusalRow]:
    with desk.database.reading() as session:
        return list(session.scalars(select(RefusalRow).order_by(col(RefusalRow.id))))


def test_an_application_opens_a_case_once(office: Desk) -> None:
    """The answer says where the case is and whose it is; the same key gets the same answer."""
    first = office.post(PATH, APPLICATION, ANYBODY, key="k")
    again = office.post(PATH, APPLICATION, ANYBODY, key="k")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    body = first.json()
    assert first.headers["location"] == f"/api/v1/cases/{body['case']}"
    assert first.headers["etag"] == '"1"'
    assert (body["version"], body["stage"]) == (1, "application-review")
    assert [row.type for row in journal(office, body["case"])] == ["ApplicationSubmitted"]


def test_an_act_is_on_record_when_it_is_answered(office: Desk) -> None:
    """Whoever reads the case after the act sees it, and may go on from its tag."""
    case = OpenCase(office)
    answer = office.act("accept-application", {}, OFFICER, case_id=case.id)
    assert answer.status_code == 200, answer.text
    assert answer.json()["act"] == "accept-application"
    assert (answer.json()["version"], answer.json()["stage"]) == (2, "inspection")
    seen = office.get(case.path, OFFICER)
    assert seen.headers["etag"] == answer.headers["etag"] == '"2"'
    assert seen.json()["officer"] == OFFICER.person


def test_nothing_that_says_who_somebody_is_enters_the_history(office: Desk, real: Settings) -> None:
    """Neither of the contact nor of the communities: Temporal keeps and shows its payloads as they are."""
    named = {
        "kind": "school",
        "name": "Canary School",
        "email": "head@canary.example",
        "phone": "081-canary",
        "address": "1 Canary Road",
    }
    contact = {"name": "Canary Contact", "email": "contact@canary.example", "phone": "canary"}
    body = {**APPLICATION, "contact": contact, "communities": [named], "statement": "We apply."}
    answer = office.post(PATH, body, ANYBODY)
    assert answer.status_code == 201, answer.text
    case_id = answer.json()["case"]
    assert office.act("accept-application", {}, OFFICER, case_id=case_id).status_code == 200

    async def history() -> bytes:
        client = await connect(real)
        fetched = await client.get_workflow_handle(case_id).fetch_history()
        return b"".join(event.SerializeToString() for event in fetched.events)

    kept = asyncio.run(history())
    assert b"We apply." not in kept
    assert answer.json()["contact"].encode() in kept
    assert b"canary" not in kept.lower()


def test_an_act_costs_the_api_few_statements_and_two_commits(office: Desk) -> None:
    """The read of the case, the intent before Temporal is asked, and the record of the answer with the intent's end."""
    case = OpenCase(office)
    with counted(office.database.engine) as note:
        assert office.act("add-note", {"note": "x"}, OFFICER, case_id=case.id).status_code == 200
    # With a text: one statement more than an act that says nothing.
    assert (note.statements, note.commits) == (6, 2), note
    with counted(office.database.engine) as sent:
        answer = office.act("accept-application", {}, OFFICER, case_id=case.id, version=2)
    assert answer.status_code == 200, answer.text
    # Each letter is a row of its own, and all of them travel in one statement.
    assert 5 <= sent.statements <= 8, sent
    assert sent.commits == 2


@contextmanager
def journal_away(database: Database) -> Iterator[None]:
    """Have the database refuse every record: reads and intents go well, the journal is not where it was."""
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE journal RENAME TO journal_away"))
    try:
        yield
    finally:
        with database.engine.begin() as connection:
            connection.execute(text("ALTER TABLE journal_away RENAME TO journal"))


def settle_what_was_lost(desk: Desk) -> None:
    """Let a settlement look once, as the worker does, when the intents are old enough."""

    async def settle() -> None:
        recorder = CaseRecorder(desk.database, desk.parts.reader)
        ahead = NOT_BEFORE + timedelta(seconds=1)
        client = await connect(desk.settings)
        await Settlement(
            desk.database, client, recorder, now=lambda: datetime.now(UTC) + ahead
        ).settle_all()

    asyncio.run(settle())


def intents(desk: Desk) -> list[str]:
    with desk.database.reading() as session:
        return [row.act for row in unsettled(session, datetime.now(UTC) + timedelta(days=1), 10)]


def test_an_act_that_the_database_cannot_record_is_accepted_and_its_record_follows(
    real: Settings, catalog: ProgramCatalog
) -> None:
    """Temporal holds it: 202 and not an error, and a settlement brings the line once the database is back."""
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        seed_staff(desk.database)
        case = OpenCase(desk)
        send: dict[str, Any] = {"case_id": case.id, "key": "once"}
        with journal_away(desk.database):
            answer = desk.act("accept-application", {}, OFFICER, **send)
            assert answer.status_code == 202, answer.text
        body = answer.json()
        assert (body["recorded"], body["version"], body["stage"]) == (False, 2, "inspection")
        assert answer.headers["location"] == case.path
        assert int(answer.headers["retry-after"]) > 0
        assert desk.get(case.path, OFFICER).headers["etag"] == '"1"'
        assert len(journal(desk, case.id)) == 1
        assert intents(desk) == ["accept-application"]

        settle_what_was_lost(desk)
        assert intents(desk) == []
        assert desk.get(case.path, OFFICER).headers["etag"] == answer.headers["etag"] == '"2"'
        types = [row.type for row in journal(desk, case.id)]
        assert types == ["ApplicationSubmitted", "ApplicationAccepted"]
        again = desk.act("accept-application", {}, OFFICER, **send)
        assert (again.status_code, again.json()) == (200, {**body, "recorded": True})
        assert len(journal(desk, case.id)) == 2


def test_an_application_that_the_database_cannot_record_is_accepted_and_its_case_follows(
    real: Settings, catalog: ProgramCatalog
) -> None:
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        with journal_away(desk.database):
            answer = desk.post(PATH, APPLICATION, ANYBODY, key="k")
            assert answer.status_code == 202, answer.text
        body = answer.json()
        assert body["recorded"] is False
        path = answer.headers["location"]
        assert desk.get(path, OFFICER).status_code == 404

        settle_what_was_lost(desk)
        seen = desk.get(path, OFFICER)
        assert (seen.status_code, seen.headers["etag"]) == (200, '"1"')
        assert [row.type for row in journal(desk, body["case"])] == ["ApplicationSubmitted"]
        again = desk.post(PATH, APPLICATION, ANYBODY, key="k")
        assert (again.status_code, again.json()) == (201, {**body, "recorded": True})


def test_a_repetition_of_an_act_that_was_not_recorded_records_it(
    real: Settings, catalog: ProgramCatalog
) -> None:
    """Whoever does not want to wait for the record sends the same key again."""
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        case = OpenCase(desk)
        send: dict[str, Any] = {"case_id": case.id, "key": "once"}
        with journal_away(desk.database):
            assert desk.act("add-note", {"note": "x"}, OFFICER, **send).status_code == 202
        again = desk.act("add-note", {"note": "x"}, OFFICER, **send)
        assert (again.status_code, again.json()["recorded"]) == (200, True)
        assert [row.type for row in journal(desk, case.id)][1:] == ["NoteAdded"]
        assert intents(desk) == []


def test_the_same_key_is_done_once(office: Desk) -> None:
    """A retry gets the same receipt, also with an old tag; another act under the key is refused."""
    case = OpenCase(office)
    send: dict[str, Any] = {"case_id": case.id, "key": "once"}
    first = office.act("add-note", {"note": "x"}, OFFICER, **send)
    again = office.act("add-note", {"note": "x"}, OFFICER, **send)
    assert (again.status_code, again.json()) == (200, first.json())
    assert [row.type for row in journal(office, case.id)] == ["ApplicationSubmitted", "NoteAdded"]
    other = office.act("add-note", {"note": "y"}, OFFICER, **send)
    problem(other, 409, "idempotency-key-reused")
    another = office.act("accept-application", {}, OFFICER, version=2, **send)
    problem(another, 409, "idempotency-key-reused")
    colleague = OFFICER.model_copy(update={"person": "officer-21b"})
    answer = office.act("add-note", {"note": "y"}, colleague, version=2, **send)
    assert answer.status_code == 200
    assert len(journal(office, case.id)) == 3


def test_a_stale_view_changes_nothing(office: Desk) -> None:
    """Two officers saw the same version; the second one reads again."""
    case = OpenCase(office)
    assert office.act("add-note", {"note": "x"}, OFFICER, case_id=case.id).status_code == 200
    body = problem(
        office.act("accept-application", {}, OFFICER, case_id=case.id), 412, "version-conflict"
    )
    assert "version 2" in body["detail"]
    assert len(journal(office, case.id)) == 2


def test_every_refusal_is_on_record(office: Desk) -> None:
    """Who tried what, in which parts, and why not: Temporal keeps nothing of it."""
    case = OpenCase(office)
    reviewer = Actor(person="reviewer-1", kinds=(ActorKind.REVIEWER,))
    problem(office.act("accept-application", {}, reviewer, case_id=case.id), 403, "role-required")
    visit = {
        "visit_at": "2020-01-01T00:00:00Z",
        "inspector": "inspector-21",
        "declaration": {"has_conflict": False, "statement": "x"},
    }
    early = office.act("schedule-inspection", visit, OFFICER, case_id=case.id)
    problem(early, 409, "not-at-this-stage")
    assert [(r.act, r.person, r.kinds, r.code) for r in refusals(office)] == [
        ("accept-application", "reviewer-1", ("reviewer",), "role-required"),
        ("schedule-inspection", OFFICER.person, ("officer",), "not-at-this-stage"),
    ]
    text = office.get("/metrics").text
    assert 'casework_refusals_total{code="role-required"} 1.0' in text
    assert 'casework_acts_total{act="accept-application",outcome="refused"} 1.0' in text
    office.act("accept-application", {}, OFFICER, case_id=case.id)
    past = office.act("schedule-inspection", visit, OFFICER, case_id=case.id, version=2)
    assert problem(past, 409, "visit-in-the-past")["errors"][0]["pointer"] == "/visit_at"


def test_each_role_may_do_the_acts_of_the_table_and_no_other(office: Desk) -> None:
    """Role by act on a running case. The tag is stale, so that what is allowed is not done either."""
    case = OpenCase(office)
    sample = Story().lead_to(Stage.INSPECTION).case
    for act in ACTS_OF_PEOPLE:
        body = act_of(act, sample, office.clock()).model_dump(mode="json", exclude_defaults=True)
        for finding in body.get("findings", ()):
            finding.pop("evidence", None)
        if "contact" in body:
            body["contact"] = case.receipt["contact"]
        for kind in KINDS:
            own = case.receipt["establishment"] if kind is ActorKind.APPLICANT else None
            who = Actor(person=f"{kind}-x", kinds=(kind,), establishment=own)
            answer = office.act(act.slug, body, who, case_id=case.id, version=999)
            if kind in ACT_RULES[act].who:
                problem(answer, 412, "version-conflict")
            else:
                problem(answer, 403, "role-required")
    assert len(journal(office, case.id)) == 1


def test_a_closed_case_answers_by_its_record(office: Desk) -> None:
    """Its workflow is gone: a retry still gets its receipt, and anything new the rule's own reason."""
    case = OpenCase(office)
    send: dict[str, Any] = {"case_id": case.id, "key": "withdraw"}
    first = office.act("withdraw-application", {}, case.applicant, **send)
    assert first.json()["stage"] == "withdrawn"
    again = office.act("withdraw-application", {}, case.applicant, **send)
    assert (again.status_code, again.json()) == (200, first.json())
    new = office.act("withdraw-application", {}, case.applicant, case_id=case.id, version=2)
    assert "withdrawn" in problem(new, 409, "not-at-this-stage")["detail"]
    stale = office.act("withdraw-application", {}, case.applicant, case_id=case.id, version=1)
    problem(stale, 412, "version-conflict")
    other = office.act("accept-application", {}, case.applicant, case_id=case.id, version=2)
    problem(other, 403, "role-required")
    assert [r.code for r in refusals(office)] == [
        "not-at-this-stage",
        "version-conflict",
        "role-required",
    ]


def test_after_a_closed_case_the_establishment_applies_again(office: Desk) -> None:
    """The next cycle is a case of its own, and the old key still means the old case."""
    case = OpenCase(office)
    office.act("withdraw-application", {}, case.applicant, case_id=case.id)
    again = office.post(PATH, APPLICATION, case.applicant, key="next")
    assert again.status_code == 201
    assert again.json()["case"] != case.id
    retry = office.post(PATH, APPLICATION, ANYBODY, key="apply")
    assert (retry.status_code, retry.json()) == (201, case.receipt)


def test_a_case_without_a_run_says_so(office: Desk) -> None:
    """SQL has it open, Temporal does not know it: that is for the operator, and nothing is changed."""
    office.put_case(Stage.APPLICATION_REVIEW, "eco-norunaaaaaaa")
    answer = office.act("accept-application", {}, OFFICER, case_id="eco-norunaaaaaaa")
    problem(answer, 503, "case-not-running")
    refused = office.act(
        "decide", {"outcome": "granted", "reasons": "x"}, OFFICER, case_id="eco-norunaaaaaaa"
    )
    problem(refused, 403, "role-required")


def test_with_a_worker_the_api_is_ready(office: Desk) -> None:
    answer = office.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json()["parts"] == {"database": "ok", "temporal": "ok", "worker": "ok"}


def test_without_a_worker_an_act_waits_for_its_key_to_come_again(
    real: Settings, catalog: ProgramCatalog
) -> None:
    """503 in time, nothing half done; with a worker the same key is done, once."""
    bounds = {"answer_within": timedelta(seconds=2), "retry_within": timedelta(milliseconds=500)}
    with desk_at(real, catalog, **bounds) as desk:
        answer = desk.post(PATH, APPLICATION, ANYBODY, key="k")
        problem(answer, 503, "engine-unavailable")
        assert int(answer.headers["retry-after"]) > 0
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        answer = desk.post(PATH, APPLICATION, ANYBODY, key="k")
        assert answer.status_code == 201, answer.text
        assert len(journal(desk, answer.json()["case"])) == 1


def test_more_acts_than_a_case_takes_at_a_time_are_told_to_come_again(
    real: Settings, catalog: ProgramCatalog
) -> None:
    """Temporal holds ten updates of a case; the others get 429 and not a hanging page."""
    with workers_at_work(real, catalog), desk_at(real, catalog) as desk:
        case = OpenCase(desk)
    bounds = {"answer_within": timedelta(seconds=6), "retry_within": timedelta(seconds=1)}
    with desk_at(real, catalog, **bounds) as desk, ThreadPoolExecutor(14) as threads:
        desk.get("/readyz")

        def note(number: int) -> tuple[int, str]:
            body = {"note": f"Call {number}."}
            answer = desk.act("add-note", body, OFFICER, case_id=case.id)
            assert "retry-after" in answer.headers
            return answer.status_code, str(answer.json()["code"])

        answers = list(threads.map(note, range(14)))
    assert set(answers) == {(429, "case-busy"), (503, "engine-unavailable")}
