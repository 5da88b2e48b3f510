"""The fixtures themselves: a test can only trust what they show if they are what they say."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage

import aiosmtplib
import psycopg
import pytest
from playwright.async_api import Page
from sqlalchemy import create_engine, text

from tests.servers import SmtpSink


def mail(to: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "office@example.org"
    message["To"] = to
    message["Subject"] = "ผลการตรวจประเมิน"
    message.set_content("ดูรายละเอียดได้ที่เว็บไซต์")
    return message


async def send(sink: SmtpSink, to: str = "plant@example.org") -> None:
    await aiosmtplib.send(mail(to), hostname=sink.host, port=sink.port, start_tls=False)


@pytest.mark.postgres
def test_databases_are_empty_and_apart_and_speak_thai(
    fresh_postgres_database: Callable[[], str],
) -> None:
    first, second = (create_engine(fresh_postgres_database()) for _ in range(2))
    with first.begin() as connection:
        connection.execute(text("CREATE TABLE province (name text)"))
        connection.execute(text("INSERT INTO province VALUES ('ลำพูน')"))
        assert connection.execute(text("SELECT name FROM province")).scalar_one() == "ลำพูน"
    with second.begin() as connection:
        count = text("SELECT count(*) FROM pg_tables WHERE tablename = 'province'")
        assert connection.execute(count).scalar_one() == 0
    first.dispose()
    second.dispose()


@pytest.mark.postgres
def test_a_database_url_names_the_driver(fresh_postgres_database: Callable[[], str]) -> None:
    url = fresh_postgres_database()
    assert url.startswith("postgresql+psycopg://")
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        assert connection.info.server_version >= 160000


async def test_mail_arrives_with_its_thai_subject(smtp_sink: SmtpSink) -> None:
    await send(smtp_sink)
    (received,) = await smtp_sink.wait_for(1)
    assert received.recipients == ("plant@example.org",)
    assert received.message["Subject"] == "ผลการตรวจประเมิน"
    assert received.answered


@pytest.mark.parametrize("reply", ["451 4.3.0 Try later", "554 5.7.1 Rejected"])
async def test_a_message_is_refused_as_told_and_the_next_is_taken(
    smtp_sink: SmtpSink, reply: str
) -> None:
    smtp_sink.reply_next(reply)
    with pytest.raises(aiosmtplib.SMTPDataError, match=reply[4:]):
        await send(smtp_sink)
    assert not smtp_sink.messages
    await send(smtp_sink)
    assert len(smtp_sink.messages) == 1


async def test_a_recipient_is_refused_as_told(smtp_sink: SmtpSink) -> None:
    smtp_sink.reply_next("550 5.1.1 No such user", at="RCPT")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(smtp_sink)
    assert not smtp_sink.messages


async def test_a_dropped_connection_leaves_a_message_that_arrived_unanswered(
    smtp_sink: SmtpSink,
) -> None:
    smtp_sink.drop_next()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(smtp_sink)
    (received,) = await smtp_sink.wait_for(1)
    assert not received.answered


@pytest.mark.browser
async def test_the_browser_shows_a_page_in_thai(page: Page) -> None:
    await page.set_content("<html lang=th><h1>ทะเบียนสถานประกอบการ</h1></html>")
    assert await page.get_by_role("heading").inner_text() == "ทะเบียนสถานประกอบการ"
    assert (await page.screenshot()).startswith(b"\x89PNG")
    assert await page.evaluate("navigator.language") == "th-TH"
