"""What one act over HTTP costs the application database: counted over API and worker together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from api.app import create_app
from api.engine.cases import CaseGateway
from casework.cases.on_record import ActsOnRecord
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.domain import acts as a
from casework.domain.actors import Actor
from casework.domain.communities import CommunityKind
from casework.identity.tokens import issue_token
from casework.settings import Settings
from casework.store.cases.casebook import find_case
from casework.store.communities import NewCommunity, put_communities
from casework.store.outbox import notices_of_case
from casework.store.tables import CaseRow, EvidenceFile
from tests.sample_case import FILE, INSPECTOR, OFFICER, act_of
from tests.statements import counted
from tests.workflows.office import Office, seed_staff
from tests.workflows.paths import apply, to_inspection

MOST_STATEMENTS = 8


@pytest.fixture
def settings(office: Office, tmp_path: Path) -> Settings:
    """The API's settings, for the office's database and Temporal server."""
    return Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        state_folder=tmp_path,
        database_url=office.database.engine.url.render_as_string(hide_password=False),
        temporal_address=office.server.target,
        sample_programs=True,
    )


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("accept-application", {"remark": "Complete."}),
        ("return-application", {"items": [{"item": "map", "reason": "Unclear."}]}),
        ("reject-application", {"reasons": "Twice the same."}),
        ("add-note", {"note": "Telephoned."}),
    ],
)
async def test_an_act_takes_at_most_8_statements_and_2_commits(
    office: Office, settings: Settings, act: str, body: dict[str, object]
) -> None:
    """The case; the intent and what was written; then journal, read model, notices and the end of the intent."""
    await apply(office)
    answer, statements, commits = await _post(office, settings, act, body, version=1)
    assert answer.status_code == 200, answer.text
    assert len(statements) <= MOST_STATEMENTS, statements
    assert commits == 2


async def test_an_act_that_names_somebody_takes_one_statement_more(
    office: Office, settings: Settings
) -> None:
    """A look into the staff directory."""
    seed_staff(office.database)
    await to_inspection(office)
    body: dict[str, object] = {
        "visit_at": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
        "inspector": INSPECTOR.person,
        "declaration": {"has_conflict": False, "statement": "None."},
    }
    answer, statements, commits = await _post(
        office, settings, "schedule-inspection", body, version=2
    )
    assert answer.status_code == 200, answer.text
    assert sum("FROM people" in text for text in statements) == 1
    assert len(statements) <= MOST_STATEMENTS, statements
    assert commits == 2


async def test_opening_the_feedback_period_tells_communities_in_one_statement(
    office: Office, settings: Settings
) -> None:
    """However many there are, and in the commit of the act."""
    await to_inspection(office)
    await office.act(a.ScheduleInspection, OFFICER)
    named = [
        NewCommunity(kind=CommunityKind.SCHOOL, name="School", email=f"s{n}@school.example")
        for n in range(20)
    ]
    with office.database.writing() as session:
        put_communities(session, office.terms.case_id, named, "applicant-1", datetime.now(UTC))
        session.add(
            EvidenceFile(
                sha256=FILE,
                media_type="image/jpeg",
                size=1,
                uploaded_by=INSPECTOR.person,
                uploaded_at=datetime.now(UTC),
            )
        )
    body = act_of(a.FileInspection, office.case(), office.now()).model_dump(mode="json")
    answer, statements, commits = await _post(
        office, settings, "file-inspection", body, version=3, who=INSPECTOR
    )
    assert (answer.status_code, answer.json().get("stage")) == (200, "feedback"), answer.text
    assert sum("FROM communities" in text for text in statements) == 1
    # Beside it, this act looks its evidence up.
    assert sum("FROM evidence_files" in text for text in statements) == 1
    assert len(statements) <= MOST_STATEMENTS, statements
    assert commits == 2
    with office.database.reading() as session:
        told = [n for n in notices_of_case(session, office.terms.case_id) if n.seq == 5]
    assert sum(n.recipient.startswith("community:") for n in told) == len(named)


async def test_a_refused_act_takes_one_row_in_the_refusals(
    office: Office, settings: Settings
) -> None:
    """And no event in the history."""
    await to_inspection(office)
    before = await office.event_types()
    answer, statements, commits = await _post(office, settings, "accept-application", {}, version=2)
    assert answer.status_code == 409
    assert answer.json()["code"] == "not-at-this-stage"
    assert sum("INSERT INTO refusals" in text for text in statements) == 1
    assert commits == 2
    assert await office.event_types() == before


async def _post(
    office: Office,
    settings: Settings,
    act: str,
    body: dict[str, object],
    version: int,
    who: Actor = OFFICER,
) -> tuple[httpx2.Response, list[str], int]:
    """Do an act over HTTP, as its officer unless told otherwise; return what both processes sent to the database."""
    app = create_app(settings)
    token = issue_token(settings, who.person, who.kinds, provinces=("21",))
    parts = app.state.collaborators
    reader = CaseReader(parts.database, lambda program, version: office.terms.rules)
    recorder = CaseRecorder(parts.database, reader)
    with parts.database.reading() as session:
        row = find_case(session, office.terms.case_id)
        assert row is not None
        # A process reads a calendar once, and not for each act.
        reader.case(row, session)
    on_record = ActsOnRecord(parts.database, reader, recorder, parts.now)
    gateway = CaseGateway(parts.engine, on_record, parts.metrics)
    app.state.collaborators = replace(parts, gateway=gateway)
    # A process reads each calendar once.
    with parts.database.reading() as session:
        reader.case(session.get_one(CaseRow, office.terms.case_id), session)
    headers = {
        "Authorization": f"Bearer {token}",
        "If-Match": f'"{version}"',
        "Idempotency-Key": f"{act}-once",
    }
    transport = httpx2.ASGITransport(app=app)
    path = f"/api/v1/cases/{office.terms.case_id}"
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        # Who is shut out is read once in a few seconds, by whoever comes first.
        await client.get("/api/v1/me", headers=headers)
        with (
            counted(office.database.engine) as by_worker,
            counted(parts.database.engine) as by_api,
        ):
            answer = await client.post(f"{path}/acts/{act}", json=body, headers=headers)
    if office.case().is_closed:
        # The worker notes the end of the run in a transaction of its own, at the same time as the API answers.
        return answer, by_api.texts, by_api.commits
    return answer, [*by_api.texts, *by_worker.texts], by_api.commits + by_worker.commits
