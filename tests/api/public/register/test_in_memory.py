"""How often the database is asked for the register: hardly ever, and never twice in a second."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from api.public.register.in_memory import RegisterInMemory
from casework.programs.catalog import ProgramCatalog
from casework.register.records import NumberedEntry
from casework.store.database import Database
from tests.api.desk import SetClock
from tests.api.public.sample_register import entry, publish, sites
from tests.sample_case import NOW
from tests.statements import counted

PATHS = ("/th/register", "/en/register?q=mill", "/register.csv", "/register.json", "/")


def test_a_warm_page_sends_no_statement(client: TestClient, filled: Database, clock: SetClock):
    client.get("/th/register")
    with counted(filled.engine) as sent:
        for path in PATHS * 3:
            assert client.get(path).status_code in {200, 302}
        clock.forward(seconds=0.999)
        client.get("/th/register")
    assert sent.statements == 0, sent


def test_one_statement_a_second_looks_for_new_entries(
    client: TestClient, filled: Database, clock: SetClock
):
    client.get("/th/register")
    with counted(filled.engine) as sent:
        for _ in range(5):
            clock.forward(seconds=1)
            for path in PATHS:
                client.get(path)
    assert sent.statements == 5, sent
    assert sent.commits == 0


def test_a_new_entry_costs_no_more_than_the_look_that_finds_it(
    client: TestClient, filled: Database, catalog: ProgramCatalog, clock: SetClock
):
    client.get("/th/register")
    publish(filled, entry(sites()[100], catalog))
    clock.forward(seconds=1)
    with counted(filled.engine) as sent:
        assert "71 แห่ง" in client.get("/th/register").text
    assert sent.statements == 1, sent


def test_an_expiry_by_date_is_not_held_up_by_a_fresh_look(
    client: TestClient, filled: Database, clock: SetClock
):
    """Expiries are looked for at every request, because they cost nothing."""
    clock.now = NOW.replace(hour=16, minute=59, second=59, microsecond=500_000)
    before = client.get("/th/register").headers["etag"]
    clock.forward(days=1200)
    assert client.get("/th/register").headers["etag"] != before


def test_pages_are_served_while_the_database_is_away(
    client: TestClient, filled: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
):
    before = client.get("/th/register")
    monkeypatch.setattr(filled, "reading", _away)
    clock.forward(minutes=5)
    after = client.get("/th/register")
    assert (after.status_code, after.content) == (200, before.content)


def test_a_register_that_was_never_read_asks_to_come_back(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database, "reading", _away)
    answer = client.get("/th/register")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "ระบบทะเบียนไม่ตอบสนอง" in answer.text
    monkeypatch.undo()
    assert client.get("/th/register").status_code == 200


async def test_many_readers_at_the_start_are_one_look(clock: SetClock):
    looks: list[int] = []

    def read(after: int) -> Sequence[NumberedEntry]:
        looks.append(after)
        return ()

    register = RegisterInMemory(read, clock)
    await asyncio.gather(*(register.current() for _ in range(16)))
    assert looks == [0]


async def test_a_clock_that_is_set_back_does_not_stop_the_looks(clock: SetClock):
    looks: list[int] = []

    def read(after: int) -> Sequence[NumberedEntry]:
        looks.append(after)
        return ()

    register = RegisterInMemory(read, clock)
    await register.current()
    clock.forward(hours=-2)
    await register.current()
    assert len(looks) == 2


async def test_a_failure_at_the_start_is_told(clock: SetClock):
    def read(after: int) -> Sequence[NumberedEntry]:
        raise OperationalError("SELECT", {}, Exception("gone"))

    with pytest.raises(OperationalError):
        await RegisterInMemory(read, clock).current()


def _away() -> object:
    raise OperationalError("SELECT", {}, Exception("gone"))
