"""One SMTP conversation, with a real mail server and with ones that misbehave."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

import pytest
from pydantic import SecretStr

from casework.notices.mailer import (
    MailUrlInvalid,
    Permanent,
    Sent,
    SmtpMailer,
    Temporary,
    Unknown,
    mailer_for,
)
from casework.processes.servers import free_port
from tests.servers import SmtpSink

TEXT = "สวัสดี\n.\n..\n.dot at the beginning of a line\nลงท้าย"


def letter(*to: str) -> EmailMessage:
    """Return a message to these addresses."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "Casework <no-reply@casework.example>"
    message["To"] = ", ".join(to or ("somchai@factory.example",))
    message["Subject"] = "ทดสอบ"
    message["Message-ID"] = "<1@casework.example>"
    message.set_content(TEXT, cte="8bit")
    return message


def mailer(sink: SmtpSink) -> SmtpMailer:
    """Return a mailer that speaks to this server."""
    return SmtpMailer(f"smtp://{sink.host}:{sink.port}", timeout=5, answer_timeout=5)


async def test_a_message_arrives_as_it_was_written(smtp_sink: SmtpSink) -> None:
    """Lines that begin with a dot included, which end a message if nobody is careful."""
    delivery = await mailer(smtp_sink).send(letter())
    assert delivery == Sent(message_id="<1@casework.example>")
    (received,) = smtp_sink.messages
    assert received.sender == "no-reply@casework.example"
    assert received.recipients == ("somchai@factory.example",)
    body = received.message.get_body()
    assert body is not None
    assert body.get_content().splitlines() == TEXT.splitlines()


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
async def test_a_refusal_for_a_time_is_temporary(
    smtp_sink: SmtpSink, at: Literal["RCPT", "DATA"]
) -> None:
    """The server says 4xx, the message has not left."""
    smtp_sink.reply_next("451 4.3.0 Try later", at=at)
    assert await mailer(smtp_sink).send(letter()) == Temporary("451 4.3.0 Try later")
    assert smtp_sink.messages == []


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
async def test_a_refusal_for_good_is_permanent(
    smtp_sink: SmtpSink, at: Literal["RCPT", "DATA"]
) -> None:
    """The server says 5xx."""
    smtp_sink.reply_next("550 5.1.1 No such user", at=at)
    assert await mailer(smtp_sink).send(letter()) == Permanent("550 5.1.1 No such user")


async def test_a_refused_sender_is_our_own_mistake_and_temporary(smtp_sink: SmtpSink) -> None:
    """Else one wrong setting would fail every notice there is within a minute."""
    smtp_sink.reply_next("553 5.7.1 Not your address", at="MAIL")
    delivery = await mailer(smtp_sink).send(letter())
    assert isinstance(delivery, Temporary)
    assert "553 5.7.1 Not your address" in delivery.reason


async def test_a_connection_lost_after_the_message_leaves_us_in_doubt(smtp_sink: SmtpSink) -> None:
    """It arrived here, and nobody can know that."""
    smtp_sink.drop_next()
    assert isinstance(await mailer(smtp_sink).send(letter()), Unknown)
    assert len(smtp_sink.messages) == 1


async def test_one_refused_recipient_does_not_keep_the_notice_from_the_others(
    smtp_sink: SmtpSink,
) -> None:
    """The message goes to the rest, and the result counts who was left out."""
    smtp_sink.reply_next("550 5.1.1 No such user", at="RCPT")
    delivery = await mailer(smtp_sink).send(letter("a@b.example", "c@d.example"))
    assert delivery == Sent(message_id="<1@casework.example>", refused=1)
    assert smtp_sink.messages[0].recipients == ("c@d.example",)


async def test_while_one_recipient_may_be_willing_later_the_message_is_tried_again(
    smtp_sink: SmtpSink,
) -> None:
    """Nobody has it, so nobody gets it twice."""
    smtp_sink.reply_next("550 5.1.1 No such user", at="RCPT")
    smtp_sink.reply_next("452 4.2.2 Mailbox full", at="RCPT")
    delivery = await mailer(smtp_sink).send(letter("a@b.example", "c@d.example"))
    assert delivery == Temporary("452 4.2.2 Mailbox full")
    assert smtp_sink.messages == []


async def test_no_server_is_temporary() -> None:
    """It may be back tomorrow."""
    nobody = SmtpMailer(f"smtp://127.0.0.1:{free_port()}", timeout=5)
    assert isinstance(await nobody.send(letter()), Temporary)


async def test_a_server_without_tls_is_not_spoken_to_in_the_clear(smtp_sink: SmtpSink) -> None:
    """Where TLS is asked for, it is insisted on."""
    strict = SmtpMailer(f"smtp+starttls://{smtp_sink.host}:{smtp_sink.port}", timeout=5)
    wrapped = SmtpMailer(f"smtps://{smtp_sink.host}:{smtp_sink.port}", timeout=1)
    assert isinstance(await strict.send(letter()), Temporary)
    assert isinstance(await wrapped.send(letter()), Temporary)
    assert smtp_sink.messages == []


# --- Servers that misbehave -----------------------------------------------------------------------

HANG = b""
GREETED = (b"220 here\r\n", b"250 here\r\n")
ENVELOPE = (*GREETED, b"250 ok\r\n", b"250 ok\r\n")


@asynccontextmanager
async def scripted(replies: Sequence[bytes]) -> AsyncGenerator[SmtpMailer]:
    """Run a server that gives these replies, one for each thing it hears, and then hangs up.

    :data:`HANG` stands for saying nothing more.
    """
    silence = asyncio.Event()
    visits: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if number:
                await reader.read(65536)
            if reply is HANG:
                await silence.wait()
            writer.write(reply)
        await asyncio.wait([asyncio.ensure_future(reader.read(65536))], timeout=0.2)
        writer.close()

    def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(asyncio.ensure_future(serve(reader, writer)))

    server = await asyncio.start_server(visited, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    try:
        yield SmtpMailer(f"smtp://127.0.0.1:{port}", timeout=0.2, answer_timeout=0.2)
    finally:
        silence.set()
        server.close()
        await asyncio.gather(*visits, return_exceptions=True)


@pytest.mark.parametrize(
    "replies",
    [
        (b"554 Go away\r\n",),
        (b"nonsense\r\n",),
        (HANG,),
        GREETED,
        (*GREETED, HANG),
        ENVELOPE,
        (*ENVELOPE, HANG),
        (*ENVELOPE, b"421 Closing\r\n"),
        (*ENVELOPE, b"250 What?\r\n"),
    ],
)
async def test_what_goes_wrong_before_the_go_ahead_is_temporary(replies: Sequence[bytes]) -> None:
    """Until the server has asked for the content, nothing can have left."""
    async with scripted(replies) as flawed:
        assert isinstance(await flawed.send(letter()), Temporary)


async def test_a_message_refused_unseen_is_permanent() -> None:
    """554 instead of the go-ahead."""
    async with scripted((*ENVELOPE, b"554 5.7.1 Not from you\r\n")) as flawed:
        assert await flawed.send(letter()) == Permanent("554 5.7.1 Not from you")


@pytest.mark.parametrize("answer", [(), (HANG,), (b"nonsense\r\n",), (b"25\r\n",)])
async def test_what_goes_wrong_after_the_go_ahead_leaves_us_in_doubt(
    answer: Sequence[bytes],
) -> None:
    """Hung up, silent, or not understood: the message may have been taken."""
    async with scripted((*ENVELOPE, b"354 Go ahead\r\n", *answer)) as flawed:
        assert isinstance(await flawed.send(letter()), Unknown)


async def test_a_message_that_cannot_be_written_never_leaves(smtp_sink: SmtpSink) -> None:
    """Half a surrogate pair is no text that any server takes."""
    broken = letter()
    broken.set_payload("\ud800")
    assert isinstance(await mailer(smtp_sink).send(broken), Permanent)
    assert smtp_sink.messages == []


async def test_a_rude_goodbye_changes_nothing() -> None:
    """The server took the message and hung up."""
    async with scripted((*ENVELOPE, b"354 Go ahead\r\n", b"250 Taken\r\n")) as rude:
        assert isinstance(await rude.send(letter()), Sent)


async def test_what_a_server_says_can_be_stored() -> None:
    """Whatever bytes it sends."""
    async with scripted((*ENVELOPE, b"554 \xff\x00\xe0 no\r\n")) as flawed:
        delivery = await flawed.send(letter())
    assert isinstance(delivery, Permanent)
    assert "\x00" not in delivery.reason
    assert delivery.reason.encode()


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://user@mail.example",
        "smtp://mail.example:port",
    ],
)
def test_a_url_that_is_none_is_found_at_the_start(url: str) -> None:
    """Not with the first notice."""
    with pytest.raises(MailUrlInvalid):
        SmtpMailer(url)


def test_a_wrong_url_does_not_show_its_password() -> None:
    """The text goes into logs."""
    with pytest.raises(MailUrlInvalid) as refused:
        SmtpMailer("smtp://user:secret@mail.example:port")
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_without_a_mail_server_there_is_no_mailer() -> None:
    """Notices then stay in the outbox."""
    assert mailer_for(None) is None
    assert isinstance(mailer_for(SecretStr("smtp://mail.example")), SmtpMailer)
