"""From a row of the outbox to a message: read the occasion, find the words, build the mail."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

from casework.domain.email import ascii_email_of
from casework.identity.invitation_links import InvitationLinks
from casework.notices.addresses import Addresses
from casework.notices.context import context_of
from casework.notices.faults import NotComposable
from casework.notices.occasion import NoticeKey, Occasion, read_occasion
from casework.notices.readers import Mailbox
from casework.notices.rendering import Rendered, line, render
from casework.notices.unlinked import unlinked
from casework.notices.visit_file import visit_file
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Preview:
    """A notice as its readers would see it, for a page that shows the outbox."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Addressed:
    """A notice whose readers are known and whose words are not written yet."""

    key: str
    occasion: Occasion
    to: tuple[Address, ...]

    @property
    def domains(self) -> frozenset[str]:
        """The mail domains it is for."""
        return frozenset(str(address.domain).lower() for address in self.to)


class NoticeComposer:
    """Make messages of notices. Owns their form, not when they leave and not what became of them.

    Blocking: it reads the database. Safe to share between threads.
    """

    def __init__(
        self,
        database: Database,
        catalog: ProgramCatalog,
        public_url: str,
        mail_from: str,
        now: Callable[[], datetime] = _now,
        links: InvitationLinks | None = None,
    ) -> None:
        """Keep what is needed; nothing is read yet.

        Args:
            database: where cases, people and the journal are.
            catalog: the words of the programs.
            public_url: where people reach the pages that notices link to.
            mail_from: the sender, such as ``Casework <no-reply@example.org>``.
            now: the clock for the ``Date`` of a message (UTC).
            links: signs the links of invitations; without it they lead to the page of the case.

        Raises:
            ValueError: ``mail_from`` is no address.
        """
        self._database = database
        self._catalog = catalog
        self._addresses = Addresses(public_url, links)
        self._now = now
        try:
            self._sender = _sender_of(mail_from)
        except (ValueError, IndexError, MessageError) as fault:
            raise ValueError("the sender of notices is not an e-mail address") from fault

    def compose(self, key: str) -> EmailMessage:
        """Return the message of a notice; the same key gives the same ``Message-ID`` each time.

        Raises:
            NotComposable: there will be no message, however often one tries.
        """
        return self.write(self.address(key))

    def address(self, key: str) -> Addressed:
        """Return whom a notice is for. It costs less than the message, which need not be written before its time.

        Raises:
            NotComposable: as :meth:`compose`.
        """
        with self._database.reading() as session:
            occasion = read_occasion(session, self._catalog, NoticeKey.parse(key))
        readers = tuple(address_of(mailbox) for mailbox in occasion.readers.mailboxes)
        return Addressed(key, occasion, readers)

    def write(self, addressed: Addressed) -> EmailMessage:
        """Return the message.

        Raises:
            NotComposable: as :meth:`compose`.
        """
        occasion, readers = addressed.occasion, addressed.to
        rendered = self._render(occasion)
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = readers
        message["Subject"] = rendered.subject
        message["Date"] = self._now()
        message["Message-ID"] = self.message_id(addressed.key)
        # RFC 3834: no vacation replies to this, please.
        message["Auto-Submitted"] = "auto-generated"
        # Thai is not ASCII: this encoding passes every server, with 8BITMIME or without.
        message.set_content(rendered.text, cte="base64")
        message.add_alternative(rendered.html, subtype="html", cte="base64")
        file = visit_file(occasion, self._sender, readers, self._addresses)
        if file is not None:
            method, content = file
            message.add_attachment(
                content,
                maintype="text",
                subtype="calendar",
                filename="visit.ics",
                params={"charset": "utf-8", "method": method},
            )
        # Last: the parts take over every Content header that is there before them.
        message["Content-Language"] = occasion.readers.language
        return message

    def render_preview(self, key: str) -> Preview:
        """Return what the readers of a notice see.

        Raises:
            NotComposable: as :meth:`compose`.
        """
        addressed = self.address(key)
        rendered = self._render(addressed.occasion)
        to = tuple(str(address) for address in addressed.to)
        return Preview(to=to, subject=rendered.subject, text=rendered.text, html=rendered.html)

    def message_id(self, key: str) -> str:
        """Return the ``Message-ID`` of a notice: a mail server that got it twice can tell."""
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        return f"<{digest}@{self._sender.domain}>"

    def _render(self, occasion: Occasion) -> Rendered:
        context = context_of(occasion, self._addresses)
        return render(occasion.key.slug, occasion.readers.language, context)


def _sender_of(mail_from: str) -> Address:
    # The sender may be at a reserved name, because nobody has to write to it.
    name, spec = parseaddr(mail_from)
    local, _, domain = spec.rpartition("@")
    local.encode("ascii")
    address = Address(name, addr_spec=f"{local}@{domain.encode('idna').decode('ascii')}")
    if not address.username or not address.domain:
        raise ValueError(spec)
    return address


def address_of(mailbox: Mailbox) -> Address:
    """Return a mailbox as an address for a header.

    Raises:
        NotComposable: it is not exactly one address in ASCII (a domain in other letters becomes
            its ``xn--`` form). The text does not repeat the address.
    """
    try:
        spec = ascii_email_of(mailbox.email)
        return Address(display_name=line(unlinked(mailbox.name or "")), addr_spec=spec)
    except (ValueError, IndexError, MessageError) as fault:
        raise NotComposable("An e-mail address of the recipient is not valid.") from fault
