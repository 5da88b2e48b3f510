"""A mail server that keeps every message as a file, so that the demo's mail can be opened and read."""

from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from casework.processes.servers import LOOPBACK


class Letter(NamedTuple):
    """One message that arrived: to whom, what about, its plain text, and the file it is in."""

    to: str
    subject: str
    text: str
    file: Path


class MailServer:
    """Take part in real SMTP conversations and write each message to ``<folder>/<number>.eml``.

    It runs in a thread of this process and goes on with the numbers that are in the folder.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.folder = folder
        self._arrived = 0
        self._controller = _Controller(self, hostname=LOOPBACK, port=port)

    @property
    def url(self) -> str:
        """The address as the settings have it."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen; raises `OSError` when the port is taken."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._arrived = sum(1 for _ in self.folder.glob("*.eml"))
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()

    def letters(self, after: int = 0) -> Iterable[Letter]:
        """Yield what arrived after the first ``after`` messages, in order."""
        for file in sorted(self.folder.glob("*.eml"))[after:]:
            message = message_from_bytes(file.read_bytes(), EmailMessage, policy=policy.default)
            plain = message.get_body(("plain",))
            text = plain.get_content() if plain else ""
            yield Letter(str(message["To"]), str(message["Subject"]), text, file)

    @property
    def count(self) -> int:
        """How many messages are in the folder."""
        return self._arrived

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd looks hooks up by the command's name)
        """Keep one message."""
        content = envelope.original_content or b""
        # The server is one thread, so two messages never get one number.
        number = self._arrived + 1
        draft = self.folder / f".{number:06}.draft"
        draft.write_bytes(content)
        draft.rename(self.folder / f"{number:06}.eml")
        self._arrived = number
        return "250 OK"


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, enable_SMTPUTF8=True, hostname="mail.casework.invalid")
