"""Fixtures that start real servers: Temporal, PostgreSQL, SMTP and a browser.

Temporal and PostgreSQL run once per test process. Tests share them, so they use task queues,
workflow ids and databases of their own. Mail servers and browsers are fresh for each test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from psycopg import sql
from sqlalchemy import make_url
from temporalio.client import Client

from casework.processes.postgres import PostgresServer
from casework.processes.servers import LOOPBACK, TemporalDevServer, TimeSkippingServer, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS

# --- Temporal -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalDevServer]:
    """Run the real server; `advance` moves the clock of single workflows."""
    folder = tmp_path_factory.mktemp("temporal")
    with TemporalDevServer(folder, ui=False, time_skipping=True) as server:
        yield server


@pytest.fixture
async def temporal_client(temporal_server: TemporalDevServer) -> Client:
    """Connect to the real server with the SDK's own data converter."""
    return await temporal_server.connect()


@pytest.fixture(scope="session")
def time_skipping_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeSkippingServer]:
    """Run the test server; `advance` moves the one clock that all its workflows share."""
    with TimeSkippingServer(tmp_path_factory.mktemp("time-skipping")) as server:
        yield server


@pytest.fixture
def task_queue() -> str:
    """Name a task queue that no other test uses."""
    return f"test-{uuid.uuid4()}"


# --- PostgreSQL -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the SQLAlchemy URL of the server CASEWORK_TEST_POSTGRES names, else of an own one."""
    given = os.environ.get("CASEWORK_TEST_POSTGRES")
    if given:
        url = make_url(given).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
        return

    # Not pytest's folder: that is closed to the user the server runs as under root, and the path of
    # a socket must be short.
    with tempfile.TemporaryDirectory(prefix="casework-postgres-") as folder:
        # What a test wrote is gone after it anyway, and a server that is killed leaves nothing
        # outside its folder.
        settings = {
            "fsync": "off",
            "synchronous_commit": "off",
            "dynamic_shared_memory_type": "mmap",
        }
        with PostgresServer(Path(folder), settings) as server:
            yield server.url()


@pytest.fixture
def fresh_postgres_database(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Make empty databases: each call returns a new one's SQLAlchemy URL; all go at the end."""
    made: list[str] = []

    def make() -> str:
        name = f"casework_test_{uuid.uuid4().hex}"
        with psycopg.connect(_libpq(postgres_url), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(
                    sql.Identifier(name)
                )
            )
        made.append(name)
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    yield make
    with psycopg.connect(_libpq(postgres_url), autocommit=True) as connection:
        for name in made:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _libpq(url: str) -> str:
    plain = make_url(url).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


# --- Mail -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReceivedMail:
    """One message whose DATA arrived; `answered` is false when the connection was dropped then."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    raw: bytes
    answered: bool


class SmtpSink:
    """Hold a real SMTP conversation, keep what arrives, and fail in the way a test asks for.

    `messages` has what was accepted or arrived unanswered, in order; a message refused with a 4xx
    or 5xx reply is not in it.
    """

    host = LOOPBACK

    def __init__(self) -> None:
        self.port = free_port()
        self.messages: list[ReceivedMail] = []
        self._replies: dict[str, deque[str | None]] = {
            "MAIL": deque(),
            "RCPT": deque(),
            "DATA": deque(),
        }
        self._controller = _Controller(self, hostname=self.host, port=self.port)

    def reply_next(
        self, reply: str, *, at: Literal["MAIL", "RCPT", "DATA"] = "DATA", times: int = 1
    ) -> None:
        """Answer the next such commands with this reply, for example `451 4.3.0 Try later`."""
        self._replies[at].extend([reply] * times)

    def drop_next(self, *, times: int = 1) -> None:
        """Take the next messages and end the connection without a word: they may have arrived."""
        self._replies["DATA"].extend([None] * times)

    def clear(self) -> None:
        """Forget the messages and what was still to go wrong."""
        self.messages.clear()
        for replies in self._replies.values():
            replies.clear()

    async def wait_for(self, count: int) -> list[ReceivedMail]:
        """Return the messages once there are so many."""
        async with asyncio.timeout(LONGEST_WAIT_SECONDS):
            # Mail arrives in the server's own thread.
            while len(self.messages) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return list(self.messages)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_MAIL(  # noqa: N802 (aiosmtpd looks hooks up by the name of the command)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._next("MAIL", "250 OK")
        assert reply is not None
        if reply.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._next("RCPT", "250 OK")
        assert reply is not None
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        reply = self._next("DATA", "250 OK")
        if reply is None or reply.startswith("2"):
            raw = envelope.original_content or b""
            received = ReceivedMail(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                message=message_from_bytes(raw, EmailMessage, policy=policy.default),
                raw=raw,
                answered=reply is not None,
            )
            self.messages.append(received)
        if reply is None:
            transport = server.transport
            assert isinstance(transport, asyncio.WriteTransport)
            transport.abort()
            return "421 never sent: the connection is gone"
        return reply

    def _next(self, command: str, usual: str) -> str | None:
        replies = self._replies[command]
        return replies.popleft() if replies else usual


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=True, hostname="mail.example")


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """Run a mail server that keeps what it is sent."""
    sink = SmtpSink()
    sink.start()
    yield sink
    sink.stop()


# --- Browser --------------------------------------------------------------------------------------

_LONGEST_WAIT_MILLISECONDS = LONGEST_WAIT_SECONDS * 1000
expect.set_options(timeout=_LONGEST_WAIT_MILLISECONDS)


def _wait_as_long_as_it_takes(context: BrowserContext) -> None:
    context.set_default_timeout(_LONGEST_WAIT_MILLISECONDS)


CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """Launch a browser with a fresh profile: the one on the PATH, else Playwright's own.

    One per test and by the asynchronous API: a browser that outlives its test, or the synchronous
    API, keeps an event loop running that the next asynchronous test stumbles over.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            headless=True,
            args=CHROMIUM_OPTIONS,
            timeout=_LONGEST_WAIT_MILLISECONDS,
        )
        browser.on("context", _wait_as_long_as_it_takes)
        yield browser
        await browser.close()


@pytest.fixture
async def browser_context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """Open a window as a Thai reader has it, with reduced motion so that pages stand still."""
    context = await chromium.new_context(
        locale="th-TH", timezone_id="Asia/Bangkok", reduced_motion="reduce"
    )
    yield context
    await context.close()


@pytest.fixture
async def page(browser_context: BrowserContext) -> Page:
    """Open one page in that window."""
    return await browser_context.new_page()
