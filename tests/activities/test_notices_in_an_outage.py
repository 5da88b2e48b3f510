"""The drain of the outbox while its database is killed and started again: real PostgreSQL, real SMTP."""

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from psycopg import sql
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from temporalio.testing import ActivityEnvironment

from activities.notices import NoticesActivities
from casework.contracts.notice_delivery import DrainReport, DrainRequest
from casework.notices.mailer import Delivery, SmtpMailer
from casework.processes.postgres import PostgresServer
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import NoticeRow, NoticeState
from tests.notices.tale import Tale, composer_of
from tests.sample_case import NOW
from tests.servers import SmtpSink

pytestmark = pytest.mark.postgres

CASES = 4
LETTERS = 2 * CASES
"""Each application brings a receipt and a letter to the office."""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Give a PostgreSQL server that a test may kill; what it said it had kept, it keeps."""
    with (
        tempfile.TemporaryDirectory(prefix="casework-postgres-") as folder,
        PostgresServer(Path(folder), {"dynamic_shared_memory_type": "mmap"}) as server,
    ):
        yield server


@pytest.fixture
def doomed(server: PostgresServer) -> Iterator[Database]:
    """Give the database of that server, with letters to send."""
    server.start()
    name = f"casework_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(server.url(name))
    database.migrate()
    catalog = ProgramCatalog.load()
    for number in range(1, CASES + 1):
        Tale(database, catalog, f"eco-tale0000000{number}").applied()
    yield database
    database.close()


class Clock:
    """Time that passes when somebody waits for it; a server that is down is up again after a while."""

    def __init__(self, server: PostgresServer, pauses_until_back: int = 3) -> None:
        self.time = NOW
        self._server = server
        self._left = pauses_until_back
        self._starting = asyncio.Lock()

    def now(self) -> datetime:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        async with self._starting:
            if self._server.alive:
                await asyncio.sleep(0)
                return
            self._left -= 1
            if self._left <= 0:
                await asyncio.to_thread(self._server.start)


class Sender:
    """One drain of this database that speaks SMTP to the sink."""

    def __init__(self, server: PostgresServer, database: Database, sink: SmtpSink) -> None:
        self.server = server
        self.database = database
        self.sink = sink
        self.clock = Clock(server)
        self.environment = ActivityEnvironment()
        self.before_sending: Callable[[], None] = lambda: None
        self.after_sending: Callable[[], None] = lambda: None
        self._smtp = SmtpMailer(f"smtp://{sink.host}:{sink.port}", timeout=5, answer_timeout=5)

    async def send(self, message: EmailMessage) -> Delivery:
        """Send as every mailer does, with what the test does to the database before and after."""
        await asyncio.to_thread(self.before_sending)
        delivery = await self._smtp.send(message)
        await asyncio.to_thread(self.after_sending)
        return delivery

    async def drain(self) -> DrainReport:
        activities = NoticesActivities(
            self.database,
            composer_of(self.database, ProgramCatalog.load()),
            self,
            "100/minute",
            "1200/minute",
            self.clock,
        )
        return await self.environment.run(activities.drain, DrainRequest(seconds=60))

    def rows(self) -> list[NoticeRow]:
        with self.database.reading() as session:
            return session.query(NoticeRow).all()

    def sent(self) -> list[str]:
        return sorted(str(mail.message["Message-ID"]) for mail in self.sink.messages)


@pytest.fixture
def sender(server: PostgresServer, doomed: Database, smtp_sink: SmtpSink) -> Sender:
    """Give a sender whose database will be killed."""
    return Sender(server, doomed, smtp_sink)


def once(work: Callable[[], None]) -> Callable[[], None]:
    """Return what does this at the first call and nothing later, whichever thread calls."""
    todo = [work]

    def run() -> None:
        try:
            first = todo.pop()
        except IndexError:
            return
        first()

    return run


def assert_each_left_once(sender: Sender, report: DrainReport) -> None:
    rows = sender.rows()
    assert {row.state for row in rows} == {NoticeState.SENT}
    assert [row.attempts for row in rows] == [1] * LETTERS
    assert sender.sent() == sorted(str(row.message_id) for row in rows)
    assert len(set(sender.sent())) == LETTERS
    assert report.sent == LETTERS


async def test_a_letter_that_left_while_the_database_died_is_noted_when_it_is_back(
    sender: Sender,
) -> None:
    """The sender alone knows that the mail server took it."""
    sender.after_sending = once(sender.server.kill)
    report = await sender.drain()
    assert_each_left_once(sender, report)


async def test_a_letter_that_was_claimed_and_never_tried_leaves_when_the_database_is_back(
    sender: Sender,
) -> None:
    """What it says could not be read, so there was no conversation, and no attempt counts."""
    commits = 0

    def kill_after(connection: Connection) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:  # After the look for what is stale comes the claim.
            keep(connection)
            sender.server.kill()

    event.listen(sender.database.engine, "commit", kill_after)
    report = await sender.drain()
    assert_each_left_once(sender, report)
    assert report.deferred == 4


async def test_a_claim_whose_answer_was_lost_is_given_back(sender: Sender) -> None:
    """The rows are claimed, and their sender was never told which they are."""
    commits = 0

    def lose_answer(connection: Connection) -> None:
        nonlocal commits
        commits += 1
        if commits == 2:
            keep(connection)
            sender.server.kill()
            raise OperationalError("COMMIT", {}, ConnectionResetError("no answer"))

    event.listen(sender.database.engine, "commit", lose_answer)
    report = await sender.drain()
    assert_each_left_once(sender, report)


async def test_a_mark_whose_answer_was_lost_is_made_once(sender: Sender) -> None:
    """The second time it finds nothing to do, and the letter does not leave again."""
    is_sending = False

    def begin_to_send() -> None:
        nonlocal is_sending
        is_sending = True

    def lose_answer(connection: Connection) -> None:
        nonlocal is_sending
        if is_sending and sender.server.alive:
            is_sending = False
            keep(connection)
            sender.server.kill()
            raise OperationalError("COMMIT", {}, ConnectionResetError("no answer"))

    sender.before_sending = once(begin_to_send)
    event.listen(sender.database.engine, "commit", lose_answer)
    report = await sender.drain()
    assert_each_left_once(sender, report)


async def test_a_sender_that_is_told_to_stop_first_notes_what_it_sent(sender: Sender) -> None:
    """Temporal may take the work away while the database is gone; the letters in hand have left all the same."""
    killed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def kill() -> None:
        sender.server.kill()
        loop.call_soon_threadsafe(killed.set)

    sender.after_sending = once(kill)
    draining = asyncio.ensure_future(sender.drain())
    await asyncio.wait_for(killed.wait(), LONGEST_WAIT_SECONDS)
    sender.environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(draining, LONGEST_WAIT_SECONDS)
    states = [row.state for row in sender.rows()]
    assert NoticeState.SENDING not in states
    assert states.count(NoticeState.SENT) == len(set(sender.sent())) == len(sender.sent())


def keep(connection: Connection) -> None:
    """Let the database keep what is about to be committed."""
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.commit()
