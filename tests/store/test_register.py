"""The public register: numbered without gaps, and nothing in it that is not public."""

import json
import threading
from datetime import date, timedelta

import pytest

from casework.domain.register import RegisterStatus
from casework.domain.stages import Stage
from casework.store import register
from casework.store.database import Database
from casework.store.register import PublicEntry, public_id_of
from tests.sample_case import ESTABLISHMENT, NOW, TERMS
from tests.statements import counted
from tests.store.story import Story, put, recorded

CASE = TERMS.case_id


def entry(version: int = 9, **more: object) -> PublicEntry:
    return PublicEntry.model_validate(
        {
            "case_id": CASE,
            "version": version,
            "establishment_id": ESTABLISHMENT,
            "program": "eco-network",
            "program_version": "2570",
            "status": RegisterStatus.ACTIVE,
            "province": "21",
            "level": "member",
            "granted_on": date(2026, 11, 23),
            "valid_until": date(2029, 11, 23),
            "effective_at": NOW + timedelta(minutes=version),
            "name_th": "โรงงานน้ำตาลลำพูน",
            "name_en": "Lamphun Sugar",
            **more,
        }
    )


def publish(database: Database, new: PublicEntry) -> int:
    with database.writing() as session:
        return register.add_entry(session, new, NOW)


def test_the_same_version_is_published_once(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    assert [publish(database, entry()) for _ in range(2)] == [1, 1]
    assert publish(database, entry(11, status=RegisterStatus.EXPIRED)) == 2
    assert publish(database, entry()) == 1
    with database.reading() as session:
        rows = register.entries_after(session, 0)
        assert [(row.number, row.version, row.status) for row in rows] == [
            (1, 9, RegisterStatus.ACTIVE),
            (2, 11, RegisterStatus.EXPIRED),
        ]
        assert [row.number for row in register.entries_after(session, 1)] == [2]


def test_publishing_takes_few_statements(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    with counted(database.engine) as sent:
        publish(database, entry())
    assert sent.statements == (3 if database.dialect == "postgresql" else 2), sent
    assert sent.commits == 1


def test_only_allowed_fields_leave(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)
    publish(database, entry())
    with database.reading() as session:
        (row,) = register.entries_after(session, 0)
    public_id = public_id_of("eco-network", ESTABLISHMENT)
    assert json.loads(row.body) == {
        "effective_at": "2026-11-23T03:09:00Z",
        "entry": 1,
        "granted_on": "2026-11-23",
        "id": public_id,
        "latitude": None,
        "level": "member",
        "longitude": None,
        "name_en": "Lamphun Sugar",
        "name_th": "โรงงานน้ำตาลลำพูน",
        "program": "eco-network",
        "program_version": "2570",
        "province": "21",
        "published_at": "2026-11-23T03:00:00+00:00",
        "river_basin": None,
        "status": "active",
        "valid_until": "2029-11-23",
    }
    assert CASE not in row.body
    assert ESTABLISHMENT not in row.body


def test_numbers_have_no_gap_after_a_failure(database: Database) -> None:
    recorded(database, Stage.CERTIFIED)

    def fail() -> None:
        with database.writing() as session:
            register.add_entry(session, entry(), NOW)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert publish(database, entry()) == 1


def test_publications_at_the_same_time_have_numbers_without_a_gap(database: Database) -> None:
    cases = [f"eco-register{n:04}" for n in range(8)]
    for case_id in cases:
        put(database, Story(case_id).lead_to(Stage.APPLICATION_REVIEW))
    together = threading.Barrier(4)
    numbers: list[int] = []
    failures: list[Exception] = []

    def go(mine: list[str]) -> None:
        together.wait()
        try:
            for case_id in mine:
                new = entry(1, case_id=case_id, establishment_id=f"est-{case_id}")
                numbers.append(publish(database, new))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(cases[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(numbers) == list(range(1, 9))
