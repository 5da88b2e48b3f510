"""The drain of the outbox, with real rows and a real SMTP conversation."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from itertools import pairwise

import pytest
from temporalio.testing import ActivityEnvironment

from activities.notices import DELAYS, NoticesActivities, WorkerClock
from casework.contracts.notice_delivery import DRAIN, DrainReport, DrainRequest
from casework.notices.mailer import Delivery, Mailer, Sent, SmtpMailer
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.outbox import claim_due, send_again
from casework.store.tables import NoticeRow, NoticeState
from tests.notices.tale import Tale, composer_of
from tests.sample_case import NOW
from tests.servers import SmtpSink

RECEIVED = "eco-tale00000001/application-received/1/applicant"
TO_REVIEW = "eco-tale00000001/application-to-review/1/office"


class FakeClock:
    """Time that passes when somebody waits for it."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class StandingClock(WorkerClock):
    """Time that stands still, and waits that end as a worker's do."""

    def now(self) -> datetime:
        return NOW


class SlowMailer:
    """A mailer that has begun to send and waits to be let go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def send(self, message: EmailMessage) -> Delivery:
        self.begun.set()
        await self.go_on.wait()
        return Sent(message_id=str(message["Message-ID"]))


class Office:
    """A case with two notices to send, and what it takes to send them."""

    def __init__(self, database: Database, catalog: ProgramCatalog) -> None:
        self.database = database
        self.catalog = catalog
        self.clock = FakeClock()
        self.environment = ActivityEnvironment()
        self.tale = Tale(database, catalog).applied()

    def activities(
        self, mailer: Mailer | None, pace: str = "100/minute", pace_in_all: str = "1200/minute"
    ) -> NoticesActivities:
        return NoticesActivities(
            self.database,
            composer_of(self.database, self.catalog),
            mailer,
            pace,
            pace_in_all,
            self.clock,
            poll_seconds=60,
        )

    async def drain(
        self, mailer: Mailer | None, seconds: float = 60, pace: str = "100/minute"
    ) -> DrainReport:
        drain = self.activities(mailer, pace).drain
        return await self.environment.run(drain, DrainRequest(seconds=seconds))

    def row(self, key: str = RECEIVED) -> NoticeRow:
        with self.database.reading() as session:
            row = session.get(NoticeRow, key)
            assert row is not None
            return row

    def change(self, key: str, change: Callable[[NoticeRow], None]) -> None:
        with self.database.writing() as session:
            row = session.get(NoticeRow, key)
            assert row is not None
            change(row)


@pytest.fixture(scope="session")
def catalog() -> ProgramCatalog:
    """Load the programs that ship."""
    return ProgramCatalog.load()


@pytest.fixture
def office(sqlite_database: Database, catalog: ProgramCatalog) -> Office:
    """Give an office with mail to send."""
    return Office(sqlite_database, catalog)


def mailer(sink: SmtpSink) -> SmtpMailer:
    """Return a mailer that speaks to this server."""
    return SmtpMailer(f"smtp://{sink.host}:{sink.port}", timeout=5, answer_timeout=5)


def test_the_activity_has_the_name_of_the_contract() -> None:
    """A renamed method must not change histories."""
    definition = getattr(NoticesActivities.drain, "__temporal_activity_definition")
    assert definition.name == DRAIN


async def test_what_is_due_is_sent_once(
    database: Database, catalog: ProgramCatalog, smtp_sink: SmtpSink
) -> None:
    """On both databases: each message arrives, each row is marked, and a second drain is idle."""
    office = Office(database, catalog)
    assert await office.drain(mailer(smtp_sink)) == DrainReport(sent=2)
    assert await office.drain(mailer(smtp_sink)) == DrainReport()
    arrived = {str(mail.message["Message-ID"]) for mail in smtp_sink.messages}
    assert len(smtp_sink.messages) == len(arrived) == 2
    for key in (RECEIVED, TO_REVIEW):
        row = office.row(key)
        assert (row.state, row.attempts) == (NoticeState.SENT, 1)
        assert row.message_id in arrived
        assert row.finished_at == NOW


async def test_a_group_gets_one_message(office: Office, smtp_sink: SmtpSink) -> None:
    """Two officers, one conversation."""
    await office.drain(mailer(smtp_sink))
    (mail,) = [mail for mail in smtp_sink.messages if len(mail.recipients) > 1]
    assert set(mail.recipients) == {"officer-1@industry.example", "officer-2@industry.example"}


async def test_a_refusal_for_good_fails_with_its_reason(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """Staff read why; the other notice leaves."""
    smtp_sink.reply_next("550 5.1.1 No such user", at="DATA")
    assert await office.drain(mailer(smtp_sink)) == DrainReport(sent=1, failed=1)
    states = {office.row(key).state for key in (RECEIVED, TO_REVIEW)}
    failures = {office.row(key).failure for key in (RECEIVED, TO_REVIEW)}
    assert states == {NoticeState.SENT, NoticeState.FAILED}
    assert failures == {None, "550 5.1.1 No such user"}


async def test_a_lost_connection_leaves_the_row_unknown_and_unsent(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """It may have arrived, so only a person sends it again."""
    smtp_sink.drop_next(times=2)
    assert await office.drain(mailer(smtp_sink)) == DrainReport(unknown=2)
    assert await office.drain(mailer(smtp_sink), seconds=3600) == DrainReport()
    assert office.row().state is NoticeState.UNKNOWN
    assert len(smtp_sink.messages) == 2
    with office.database.writing() as session:
        assert send_again(session, RECEIVED, office.clock.now())
    assert await office.drain(mailer(smtp_sink)) == DrainReport(sent=1)


async def test_a_refusal_for_a_time_is_tried_again_later(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """The row waits with its reason, the attempt counted, and leaves when the server is willing."""
    smtp_sink.reply_next("451 4.3.0 Try later", times=2)
    assert await office.drain(mailer(smtp_sink), seconds=30) == DrainReport(deferred=2)
    row = office.row()
    assert (row.state, row.attempts, row.claim) == (NoticeState.CREATED, 1, None)
    assert row.next_attempt_at == NOW + DELAYS[0]
    assert row.failure == "451 4.3.0 Try later"
    assert await office.drain(mailer(smtp_sink), seconds=120) == DrainReport(sent=2)
    assert office.row().attempts == 2


async def test_a_server_that_is_down_for_a_day_costs_no_notice(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """The waits grow, and cover more than 24 hours before a notice is given up."""
    assert sum(DELAYS, timedelta()) > timedelta(hours=24)
    smtp_sink.reply_next("451 4.3.0 Try later", at="MAIL", times=10_000)
    poll = timedelta(minutes=1)
    attempts = [office.clock.now()]
    while office.row().state is NoticeState.CREATED:
        office.clock.time = office.row().next_attempt_at
        attempts.append(office.clock.now())
        await office.drain(mailer(smtp_sink), seconds=1)
    waits = [later - earlier for earlier, later in pairwise(attempts[1:])]
    assert all(abs(wait - delay) <= poll for wait, delay in zip(waits, DELAYS, strict=True))
    row = office.row()
    assert row.state is NoticeState.FAILED
    assert row.attempts == len(DELAYS) + 1
    assert row.failure is not None
    assert row.failure.startswith(f"Given up after {len(DELAYS) + 1} attempts. ")
    assert smtp_sink.messages == []


async def test_a_notice_that_cannot_be_made_does_not_stop_the_others(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """It fails with its reason: here a notice that the catalogue no longer has."""
    with office.database.writing() as session:
        session.add(
            NoticeRow(
                key="eco-tale00000001/retired/1/applicant",
                case_id="eco-tale00000001",
                slug="retired",
                seq=1,
                recipient="applicant",
                next_attempt_at=NOW - timedelta(days=1),
                created_at=NOW,
            )
        )
    assert await office.drain(mailer(smtp_sink)) == DrainReport(sent=2, failed=1)
    failed = office.row("eco-tale00000001/retired/1/applicant")
    assert failed.state is NoticeState.FAILED
    assert (
        failed.failure == "eco-tale00000001/retired/1/applicant names no notice of the catalogue."
    )


async def test_a_crash_in_the_middle_is_unknown_and_never_sent_again(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """What a dead drain had in hand may have left; what it had not claimed is sent."""
    with office.database.writing() as session:
        (claimed,) = claim_due(session, NOW, 1, "a drain that died")
    office.clock.time = NOW + timedelta(minutes=14)
    assert await office.drain(mailer(smtp_sink), seconds=1) == DrainReport(sent=1)
    assert office.row(claimed.key).state is NoticeState.SENDING
    office.clock.time = NOW + timedelta(minutes=16)
    assert await office.drain(mailer(smtp_sink), seconds=3600) == DrainReport(unknown=1)
    assert office.row(claimed.key).state is NoticeState.UNKNOWN
    assert len(smtp_sink.messages) == 1


async def test_a_domain_gets_no_more_than_its_pace(office: Office, smtp_sink: SmtpSink) -> None:
    """What comes too early is put back with the time of its turn, and no attempt is counted."""
    for number in range(2, 5):
        Tale(office.database, office.catalog, f"eco-tale0000000{number}").applied()
    sent = await office.drain(mailer(smtp_sink), seconds=30, pace="1/minute")
    assert sent.sent == 2
    assert sent.deferred == 6
    domains = {mail.recipients[0].split("@")[1] for mail in smtp_sink.messages}
    assert domains == {"factory.example", "industry.example"}
    with office.database.reading() as session:
        rows = session.query(NoticeRow).all()
    waiting = sorted(r.next_attempt_at for r in rows if r.state is NoticeState.CREATED)
    assert waiting[0] == NOW + timedelta(minutes=1)
    assert all(
        r.attempts == 0 and r.failure is None for r in rows if r.state is NoticeState.CREATED
    )


async def test_messages_to_many_domains_are_spread_evenly(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """A few at a time, each few when the pace in all has come to them."""
    for number in range(2, 5):
        Tale(office.database, office.catalog, f"eco-tale0000000{number}").applied()
    drain = office.activities(mailer(smtp_sink), pace_in_all="60/minute").drain
    report = await office.environment.run(drain, DrainRequest(seconds=20))
    assert report.sent == 8
    assert office.clock.pauses == [4, 4, 12]


async def test_paced_notices_all_leave_in_the_end(office: Office, smtp_sink: SmtpSink) -> None:
    """None overtakes the pace, none is lost."""
    for number in range(2, 5):
        Tale(office.database, office.catalog, f"eco-tale0000000{number}").applied()
    report = await office.drain(mailer(smtp_sink), seconds=1200, pace="1/minute")
    assert (report.sent, report.failed, report.unknown) == (8, 0, 0)


async def test_without_a_mail_server_notices_stay_in_the_outbox(office: Office) -> None:
    """Nothing is claimed, so nothing has to be put back once there is one."""
    assert await office.drain(None, seconds=600) == DrainReport()
    assert office.row().state is NoticeState.CREATED
    assert office.row().attempts == 0
    assert sum(office.clock.pauses) == 600


async def test_an_idle_drain_looks_again_now_and_then_and_says_that_it_lives(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """One heartbeat for each look."""
    await office.drain(mailer(smtp_sink))
    beats: list[object] = []
    office.environment.on_heartbeat = lambda *details: beats.append(details)
    office.clock.pauses.clear()
    await office.drain(mailer(smtp_sink), seconds=600)
    assert office.clock.pauses == [60] * 10
    assert len(beats) == 10


async def test_a_worker_that_shuts_down_is_not_kept_waiting(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """The drain reports what it did so far, and the workflow starts it elsewhere."""
    activities = NoticesActivities(
        office.database,
        composer_of(office.database, office.catalog),
        mailer(smtp_sink),
        "100/minute",
        "1200/minute",
        StandingClock(),
        poll_seconds=3600,
    )
    draining = asyncio.ensure_future(
        office.environment.run(activities.drain, DrainRequest(seconds=7200))
    )
    await smtp_sink.wait_for(2)
    office.environment.worker_shutdown()
    report = await asyncio.wait_for(draining, LONGEST_WAIT_SECONDS)
    assert isinstance(report, DrainReport)
    assert report == DrainReport(sent=2)


async def test_a_cancellation_waits_for_the_message_in_hand(office: Office) -> None:
    """It has been handed over, so what became of it must be noted before the drain ends."""
    slow = SlowMailer()
    drain = office.activities(slow).drain
    draining = asyncio.ensure_future(office.environment.run(drain, DrainRequest()))
    await asyncio.wait_for(slow.begun.wait(), LONGEST_WAIT_SECONDS)
    office.environment.cancel()
    await asyncio.sleep(0)
    assert not draining.done()
    slow.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(draining, LONGEST_WAIT_SECONDS)
    assert office.row().state is NoticeState.SENT


async def test_a_mailer_that_breaks_leaves_its_notice_unknown(office: Office) -> None:
    """Nobody knows how far it had come."""

    class Broken:
        async def send(self, message: EmailMessage) -> Delivery:
            raise ZeroDivisionError(str(message["Subject"]))

    assert await office.drain(Broken()) == DrainReport(unknown=2)
    failure = office.row().failure
    assert failure is not None
    assert "ZeroDivisionError" in failure
