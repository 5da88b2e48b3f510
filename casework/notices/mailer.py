"""How a message leaves: one SMTP conversation, and an honest answer about what became of it."""

import asyncio
import contextlib
import re
import socket
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from enum import IntEnum
from typing import Protocol
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from pydantic import SecretStr

from casework.notices.rendering import line


@dataclass(frozen=True)
class Sent:
    """The next server took the message. ``refused`` counts those of several recipients it did not."""

    message_id: str
    refused: int = 0


@dataclass(frozen=True)
class Temporary:
    """The message certainly has not left; trying again later may help."""

    reason: str


@dataclass(frozen=True)
class Permanent:
    """The message certainly has not left and never will."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """The message was handed over, but nobody said what became of it. It may have left."""

    reason: str


Delivery = Sent | Temporary | Permanent | Unknown


class Mailer(Protocol):
    """Something that can make a message leave."""

    async def send(self, message: EmailMessage) -> Delivery:
        """Try once and tell what became of it. Raises nothing that the network can cause."""
        ...


class MailUrlInvalid(ValueError):
    """The URL of the mail server cannot be used; the message says why and shows no password."""


_SCHEMES = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_GO_AHEAD = 354
_TIMES_FOR_ALL_COMMANDS = 4
"""All commands together may take so many times the time of one, so that an attempt has an end."""

_LINE_WITH_DOT = re.compile(rb"(?m)^\.")


class _Digit(IntEnum):
    """The first digit of a reply (RFC 5321, 4.2.1)."""

    SUCCESS = 2
    NOT_NOW = 4
    NEVER = 5


class SmtpMailer:
    """Hand messages to one SMTP server, a connection each.

    A connection for each message costs a few packets more than one for many, and leaves no question
    about which message a lost connection belonged to.
    """

    def __init__(self, url: str, timeout: float = 30.0, answer_timeout: float = 120.0) -> None:
        """Read where to connect; nothing connects yet.

        Args:
            url: ``smtp://[user:password@]host[:port]`` in the clear, ``smtp+starttls://`` where TLS
                is asked for and insisted on, ``smtps://`` with TLS from the start.
            timeout: seconds for the connection and for each command.
            answer_timeout: seconds for the answer to a whole message.

        Raises:
            MailUrlInvalid: the URL is none of these.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise MailUrlInvalid(f"a mail server is {', '.join(f'{s}://host' for s in _SCHEMES)}")
        if (parts.username is None) != (parts.password is None):
            raise MailUrlInvalid("a mail server has both a user and a password, or neither")
        try:
            self._port = parts.port or _SCHEMES[parts.scheme]
        except ValueError:
            raise MailUrlInvalid("the port of a mail server is a number") from None
        self._scheme = parts.scheme
        self._host = parts.hostname
        self._user = None if parts.username is None else unquote(parts.username)
        self._password = None if parts.password is None else unquote(parts.password)
        self._timeout = timeout
        self._answer_timeout = answer_timeout
        self._own_name: str | None = None

    async def send(self, message: EmailMessage) -> Delivery:
        """Try once and tell what became of the message.

        The envelope is that of ``From`` and ``To``. While the server has not asked for the content
        (its 354), nothing can have left. Once all of it was written, only the server's answer tells.
        """
        try:
            # Folding headers takes milliseconds, in which others of this loop would wait.
            content = await asyncio.to_thread(_content, message)
        except (UnicodeError, MessageError) as fault:
            return Permanent(f"The message cannot be written: {type(fault).__name__}")
        smtp = await self._client()
        try:
            async with asyncio.timeout(self._timeout * _TIMES_FOR_ALL_COMMANDS):
                refusals = await _introduce(smtp, message)
        except _Refused as refusal:
            return refusal.verdict
        except (SMTPException, OSError, TimeoutError) as fault:
            # Who is turned away so early is we, by an outage or a setting that somebody will mend.
            return Temporary(f"Before the message was handed over: {_told(fault)}")
        else:
            not_taken = await self._hand_over(smtp, content)
            return not_taken or Sent(message_id=str(message["Message-ID"]), refused=refusals)
        finally:
            smtp.close()

    async def greet(self) -> str:
        """Go as far as a message would before its sender is named; return the host and port that answered.

        Raises:
            SMTPException: the server turned us away, or is none.
            OSError: nobody answers, or TLS does not come about.
        """
        smtp = await self._client()
        try:
            async with asyncio.timeout(self._timeout * _TIMES_FOR_ALL_COMMANDS):
                await smtp.connect()
                await smtp.noop()
                await _say_goodbye(smtp)
        finally:
            smtp.close()
        return self.where

    @property
    def where(self) -> str:
        """Return the host and port that messages are handed to."""
        return f"{self._host}:{self._port}"

    async def _client(self) -> SMTP:
        if self._own_name is None:
            self._own_name = await asyncio.to_thread(socket.getfqdn)
        return SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user,
            password=self._password,
            local_hostname=self._own_name,
            timeout=self._timeout,
            use_tls=self._scheme == "smtps",
            start_tls=self._scheme == "smtp+starttls",
        )

    async def _hand_over(
        self, smtp: SMTP, content: bytes
    ) -> Temporary | Permanent | Unknown | None:
        """Write the message; return None if the server took it.

        Once it is written, only the server's answer tells what became of it.
        """
        protocol = smtp.protocol
        try:
            if protocol is None:
                return Temporary("The connection was lost before the message was handed over.")
            protocol.write(content)
        except SMTPServerDisconnected as fault:
            return Temporary(f"Before the message was handed over: {_told(fault)}")
        try:
            answer = await protocol.read_response(timeout=self._answer_timeout)
        except (SMTPException, OSError, TimeoutError) as fault:
            return Unknown(f"After the message was handed over: {_told(fault)}")
        match answer.code // 100:
            case _Digit.SUCCESS:
                await _say_goodbye(smtp)
                return None
            case _Digit.NOT_NOW | _Digit.NEVER:
                return _verdict(answer.code, answer.message)
            case _:
                return Unknown(_readable(f"The server's answer means nothing: {answer.code}"))


def mailer_for(smtp_url: SecretStr | None) -> SmtpMailer | None:
    """Return the mailer of a setting, or None where there is none: notices then stay in the outbox.

    Raises:
        MailUrlInvalid: the URL cannot be used.
    """
    return None if smtp_url is None else SmtpMailer(smtp_url.get_secret_value())


class _Refused(Exception):
    """The server does not want this message; ``verdict`` says for how long."""

    def __init__(self, verdict: Temporary | Permanent) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


async def _introduce(smtp: SMTP, message: EmailMessage) -> int:
    """Do everything up to the server's go-ahead; return how many recipients it refused.

    One full mailbox does not keep a notice from the others it is for.
    """
    await smtp.connect()
    (sender,) = _named_in(message, "From")
    await smtp.mail(sender)
    recipients = _named_in(message, "To")
    refusals: list[SMTPRecipientRefused] = []
    for recipient in recipients:
        try:
            await smtp.rcpt(recipient)
        except SMTPRecipientRefused as refusal:
            refusals.append(refusal)
    if len(refusals) == len(recipients):
        verdicts = [_verdict(refusal.code, refusal.message) for refusal in refusals]
        # While one of them may be willing later, the message is tried again.
        raise _Refused(next((v for v in verdicts if isinstance(v, Temporary)), verdicts[0]))
    answer = await smtp.execute_command(b"DATA")
    if answer.code != _GO_AHEAD:
        raise _Refused(_verdict(answer.code, answer.message))
    return len(refusals)


async def _say_goodbye(smtp: SMTP) -> None:
    """End the conversation politely; what goes wrong now changes nothing."""
    with contextlib.suppress(SMTPException, OSError, TimeoutError):
        await smtp.quit()


def _named_in(message: EmailMessage, header: str) -> list[str]:
    return [str(address.addr_spec) for address in message[header].addresses]


def _content(message: EmailMessage) -> bytes:
    """Return the message as it is written after the go-ahead, its end included (RFC 5321, 4.5.2)."""
    content = message.as_bytes(policy=SMTP_POLICY)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    return _LINE_WITH_DOT.sub(b"..", content) + b".\r\n"


def _verdict(code: int, text: str) -> Temporary | Permanent:
    reason = _readable(f"{code} {text}")
    return Permanent(reason) if code // 100 == _Digit.NEVER else Temporary(reason)


def _told(fault: BaseException) -> str:
    if isinstance(fault, SMTPResponseException):
        return _readable(f"{fault.code} {fault.message}")
    return _readable(str(fault) or type(fault).__name__)


def _readable(text: str) -> str:
    """Return what a server said as a line that a database takes: it may have sent any bytes."""
    return line(text.encode("utf-8", "replace").decode())[:500]
