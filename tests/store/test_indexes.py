"""The indexes the queue rests on are the ones the databases take."""

import re
import shutil
from collections.abc import Generator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, text

from casework.domain.actors import ActorKind
from casework.domain.policy import Principal
from casework.domain.stages import Stage
from casework.store import outbox, search
from casework.store.cases import sweeping
from casework.store.cases.lists import CaseFilter, list_cases
from casework.store.database import Database
from casework.store.tables import (
    CaseRow,
    Establishment,
    NoticeRow,
    NoticeState,
    NoticeSubject,
)
from tests.sample_case import NOW
from tests.statements import Sent, counted
from tests.store.rows import case_row, establishment_row

EVERYBODY = Principal(person="s-1", kinds=(ActorKind.SUPERVISOR,), provinces="*")
OFFICER = Principal(person="o-1", kinds=(ActorKind.OFFICER,), provinces=frozenset({"21"}))
ROWS = 3000
WAITING = 10_000


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Database]:
    """Fill in enough rows, with statistics, for a planner to choose as it would among many."""
    if request.param == "postgresql":
        database: Database = request.getfixturevalue("migrated_postgres")
    else:
        file = tmp_path_factory.mktemp("full") / "casework.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite_file"), file)
        database = Database(f"sqlite:///{file}")
    fill(database)
    run(database, "ANALYZE")
    yield database
    if request.param == "postgresql":
        run(database, "TRUNCATE cases, establishments CASCADE", "ANALYZE")
    else:
        database.close()


def run(database: Database, *statements: str) -> None:
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def fill(database: Database) -> None:
    stages = [Stage.REVIEW, Stage.DECISION, Stage.INSPECTION, Stage.REFUSED]
    ids = [f"eco-{n:012}" for n in range(ROWS)]
    with database.writing() as session:
        session.execute(
            insert(Establishment),
            [
                establishment_row(f"est-{i}", registration_no=i, name_th=f"โรงงานน้ำตาล {i}")
                for i in ids
            ]
            + [establishment_row("est-thai", name_th="หจก.อาหารทะเลแช่แข็งสงขลา")],
        )
        session.execute(
            insert(CaseRow),
            [
                case_row(
                    i,
                    stage=stages[n % 4],
                    province=str(10 + n % 60),
                    officer=f"officer-{n % 100}",
                    due_at=None if n % 4 == 3 else NOW + timedelta(minutes=n),
                )
                for n, i in enumerate(ids)
            ]
            + [case_row("eco-thai", establishment_id="est-thai")],
        )
        session.execute(insert(NoticeRow), [waiting_invitation(n, ids) for n in range(WAITING)])


def waiting_invitation(n: int, ids: list[str]) -> dict[str, object]:
    return {
        "key": f"invitation-{n}",
        "case_id": ids[n % ROWS],
        "slug": "invitation",
        "subject": NoticeSubject.EVENT,
        "seq": 1,
        "recipient": f"applicant-{n}",
        "bulk": True,
        "state": NoticeState.CREATED,
        "attempts": 0,
        "next_attempt_at": NOW + timedelta(seconds=n - WAITING),
        "created_at": NOW + timedelta(seconds=n - WAITING),
    }


def plan(connection: Connection, sent: Sent) -> str:
    """Return the plan of the last statement that was sent, for more rows than there are.

    PostgreSQL reads a table of a few thousand rows whole if it may.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    word = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    rows = connection.exec_driver_sql(f"{word} {sent.texts[-1]}", sent.parameters[-1])
    return "\n".join(str(row[-1]) for row in rows)


def plan_of_list(database: Database, principal: Principal, wanted: CaseFilter) -> str:
    with counted(database.engine) as sent, database.reading() as session:
        list_cases(session, principal, wanted, limit=10)
    with database.engine.connect() as connection:
        return plan(connection, sent)


@pytest.mark.parametrize(
    ("index", "principal", "wanted"),
    [
        ("cases_queue", EVERYBODY, CaseFilter()),
        ("cases_queue", EVERYBODY, CaseFilter(due_before=NOW + timedelta(minutes=9))),
        ("cases_province_queue", OFFICER, CaseFilter()),
        ("cases_province_stage_queue", OFFICER, CaseFilter(stage=Stage.REVIEW)),
        ("cases_stage_queue", EVERYBODY, CaseFilter(stage=Stage.DECISION)),
        ("cases_officer_queue", EVERYBODY, CaseFilter(officer="officer-7")),
    ],
)
def test_a_queue_goes_along_an_index_and_sorts_nothing(
    full: Database, index: str, principal: Principal, wanted: CaseFilter
) -> None:
    shown = plan_of_list(full, principal, wanted)
    assert re.search(rf"\b{index}\b", shown), shown


def test_a_rare_text_is_found_by_its_trigrams(full: Database) -> None:
    with counted(full.engine) as sent, full.reading() as session:
        page = list_cases(session, EVERYBODY, CaseFilter(text="000000002345"))
    assert [item.case.case_id for item in page.items] == ["eco-000000002345"]
    with full.engine.connect() as connection:
        if full.dialect == "postgresql":
            shown = plan(connection, sent)
            assert "establishments_search" in shown, shown
        else:
            lead = Sent(sent.texts[:1], sent.parameters[:1])
            shown = plan(connection, lead)
            assert "SCAN establishment_trigrams VIRTUAL TABLE INDEX" in shown, shown
        shown = plan(connection, sent)
        assert "cases_establishment" in shown, shown


def test_a_thai_word_without_spaces_is_found_by_its_trigrams(full: Database) -> None:
    wanted = CaseFilter(text="ทะเลแช่แข็ง")
    with full.reading() as session:
        assert [i.case.case_id for i in list_cases(session, EVERYBODY, wanted).items] == [
            "eco-thai"
        ]
    if full.dialect == "postgresql":
        shown = plan_of_list(full, EVERYBODY, wanted)
        assert "establishments_search" in shown, shown


def test_a_frequent_text_is_met_along_the_queue(full: Database) -> None:
    assert ROWS > search._FEW  # pyright: ignore[reportPrivateUsage]
    shown = plan_of_list(full, EVERYBODY, CaseFilter(text="น้ำตาล"))
    assert re.search(r"\bcases_queue\b", shown), shown


def test_what_is_looked_for_every_minute_has_an_index(full: Database) -> None:
    far = NOW + timedelta(minutes=9)
    with counted(full.engine) as sent:
        with full.reading() as session:
            sweeping.overdue(session, far, timedelta(), 10)
            sweeping.stale_calendars(session, "revision", 10)
        with full.writing() as session:
            outbox.claim_due(session, NOW, 10, "c1")
            outbox.abandon_stale(session, NOW, timedelta(minutes=5))
    indexes = ("cases_deadline", "cases_calendar", "notices_due notices_case", "notices_sending")
    with full.engine.connect() as connection:
        for number, names in enumerate(indexes):
            one = Sent(sent.texts[number : number + 1], sent.parameters[number : number + 1])
            shown = plan(connection, one)
            for index in names.split():
                assert index in shown, shown


def test_claiming_among_many_waiting_invitations_sorts_nothing(full: Database) -> None:
    with counted(full.engine) as sent:
        try:
            with full.writing() as session:
                assert len(outbox.claim_due(session, NOW, 4, "c1")) == 4
                raise InterruptedError
        except InterruptedError:
            pass
    with full.engine.connect() as connection:
        shown = plan(connection, Sent(sent.texts[:1], sent.parameters[:1]))
    assert "SORT" not in shown.upper(), shown
    assert "TEMP B-TREE" not in shown, shown
