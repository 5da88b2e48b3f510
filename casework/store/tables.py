"""The tables, and nothing but the tables.

``migrations/`` builds them; a test holds the two together. Ids and codes are
:class:`~casework.store.columns.Opaque`, instants :class:`~casework.store.columns.UtcDateTime`.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from casework.domain.actors import ActorKind
from casework.domain.acts import Disposition
from casework.domain.communities import CommunityKind
from casework.domain.register import RegisterStatus
from casework.domain.representations import Stance
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage
from casework.store.columns import NoticeKey, Opaque, PlainText, UtcDateTime, Words, one_of

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
"""Where a case without a due date stands in a queue: last."""


class NoticeState(StrEnum):
    """Where a notice is. An unknown one may have left before a crash: never blindly sent again."""

    CREATED = "created"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class NoticeSubject(StrEnum):
    """What a notice is about, and so what its ``seq`` counts: lines of the journal, or representations."""

    EVENT = "event"
    REPRESENTATION = "representation"


class Row(SQLModel):
    """The base of all tables, with their metadata."""

    # SQLModel declares these two differently and takes them like this as well: to a type checker
    # an error in each table, and so in one place.
    metadata: ClassVar[MetaData] = MetaData(  # pyright: ignore[reportIncompatibleVariableOverride]
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_name)s_key",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
        }
    )
    __tablename__: ClassVar[Any]  # pyright: ignore[reportIncompatibleVariableOverride]


def _id(**more: Any) -> Any:
    return Field(sa_type=Opaque, **more)


def _text(**more: Any) -> Any:
    return Field(sa_type=PlainText, **more)


def _instant(**more: Any) -> Any:
    return Field(sa_type=UtcDateTime, **more)


def _member(members: type[StrEnum], **more: Any) -> Any:
    return Field(sa_type=one_of(members), **more)


class Establishment(Row, table=True):
    """A site that can be judged, one for each registration number."""

    __tablename__ = "establishments"
    __table_args__ = (
        # SQLite has a table of trigrams instead, which only its migration knows.
        Index(
            "establishments_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
            postgresql_with={"fastupdate": "off"},
        ).ddl_if(dialect="postgresql"),
    )

    id: str = _id(primary_key=True)
    registration_no: str = _id(unique=True)
    name_th: str | None = _text(default=None)
    name_en: str | None = _text(default=None)
    address: str = _text()
    province: str = _id()
    latitude: float | None = None
    longitude: float | None = None
    river_basin: str | None = _id(default=None)
    search_text: str = _text()
    created_at: datetime = _instant()
    updated_at: datetime = _instant()


class Contact(Row, table=True):
    """How to reach somebody who speaks for an establishment; cases hold only the id."""

    __tablename__ = "contacts"

    id: str = _id(primary_key=True)
    establishment_id: str = _id(foreign_key="establishments.id", index=True)
    name: str = _text()
    email: str = _text()
    phone: str | None = _text(default=None)
    language: str = _id()
    created_at: datetime = _instant()


class Enrollment(Row, table=True):
    """The reservation of a case: Temporal forgets closed ids after retention, this row does not."""

    __tablename__ = "enrollments"
    __table_args__ = (
        UniqueConstraint("program", "establishment_id", "cycle", name="enrollments_once"),
    )

    case_id: str = _id(primary_key=True)
    program: str = _id()
    establishment_id: str = _id(foreign_key="establishments.id", index=True)
    cycle: int
    program_version: str = _id()
    province: str = _id()
    contact_id: str = _id(foreign_key="contacts.id")
    applicant: str = _id()
    update_id: str = Field(sa_type=NoticeKey, unique=True)
    digest: str = _id()
    created_at: datetime = _instant()


class Community(Row, table=True):
    """A community around a site, as the application names it: personal data, which only staff read.

    ``number`` stands for it in the outbox. ``changed_by`` is who said last what the row says.
    """

    __tablename__ = "communities"

    # No foreign key: an application names its communities before its case is recorded.
    case_id: str = _id(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: CommunityKind = _member(CommunityKind)
    name: str = _text()
    email: str | None = _text(default=None)
    phone: str | None = _text(default=None)
    address: str | None = _text(default=None)
    language: str = _id()
    changed_by: str = _id()
    changed_at: datetime = _instant()


# Each database finds a partial index only by the very words its queries have.
_OPEN = text("NOT is_closed")
_OPEN_IN_SQLITE = text("is_closed = 0")


class CaseRow(Row, table=True):
    """The read model of a case at ``version``: what lists, queues and pages read.

    ``queue_at`` is ``due_at``, or :data:`END_OF_TIME` where there is none, so that a list has one order
    on both databases and an index follows it. ``head`` is the hash of the journal's last line.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_queue", "queue_at", "case_id"),
        Index("cases_province_queue", "province", "queue_at", "case_id"),
        Index("cases_province_stage_queue", "province", "stage", "queue_at", "case_id"),
        Index("cases_stage_queue", "stage", "queue_at", "case_id"),
        Index("cases_officer_queue", "officer", "queue_at", "case_id"),
        Index("cases_establishment", "establishment_id"),
        Index(
            "cases_deadline",
            "next_deadline_at",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN_IN_SQLITE,
        ),
        Index(
            "cases_calendar",
            "calendar_revision",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN_IN_SQLITE,
        ),
    )

    case_id: str = _id(primary_key=True)
    version: int
    stage: Stage = _member(Stage)
    program: str = _id()
    program_version: str = _id()
    province: str = _id()
    establishment_id: str = _id()
    officer: str | None = _id(default=None)
    inspector: str | None = _id(default=None)
    due_at: datetime | None = _instant(default=None)
    due_period: PeriodName | None = _member(PeriodName, default=None)
    queue_at: datetime = _instant()
    next_deadline_at: datetime | None = _instant(default=None)
    opened_at: datetime = _instant()
    changed_at: datetime = _instant()
    feedback_closes_at: datetime | None = _instant(default=None)
    feedback_closed: bool = False
    is_closed: bool = False
    level: str | None = _id(default=None)
    granted_at: datetime | None = _instant(default=None)
    valid_until: datetime | None = _instant(default=None)
    calendar_revision: str = _id()
    register_entry: int | None = None
    snapshot: str = _text()
    head: str = _id()


class JournalRow(Row, table=True):
    """One event of a case, chained to the one before by its hash. Never changed, never deleted."""

    __tablename__ = "journal"

    case_id: str = _id(primary_key=True, foreign_key="cases.case_id")
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = _instant()
    type: str = _id()
    actor_person: str = _id()
    actor_kind: ActorKind = _member(ActorKind)
    body: str = _text()
    previous_hash: str = _id()
    hash: str = _id()


class NoticeRow(Row, table=True):
    """A notice to one recipient: the outbox, and afterwards the record of what was sent."""

    __tablename__ = "notices"
    __table_args__ = (
        Index(
            "notices_due",
            "bulk",
            "next_attempt_at",
            "seq",
            "key",
            postgresql_where=text("state = 'created'"),
            sqlite_where=text("state = 'created'"),
        ),
        Index(
            "notices_sending",
            "claimed_at",
            postgresql_where=text("state = 'sending'"),
            sqlite_where=text("state = 'sending'"),
        ),
        Index(
            "notices_failed",
            "created_at",
            "key",
            postgresql_where=text("state = 'failed'"),
            sqlite_where=text("state = 'failed'"),
        ),
        Index(
            "notices_unknown",
            "created_at",
            "key",
            postgresql_where=text("state = 'unknown'"),
            sqlite_where=text("state = 'unknown'"),
        ),
        Index("notices_case", "case_id", "recipient"),
    )

    key: str = Field(sa_type=NoticeKey, primary_key=True)
    case_id: str = _id(foreign_key="cases.case_id")
    slug: str = _id()
    subject: NoticeSubject = _member(NoticeSubject, default=NoticeSubject.EVENT)
    seq: int
    recipient: str = Field(sa_type=NoticeKey)
    bulk: bool = False
    state: NoticeState = _member(NoticeState, default=NoticeState.CREATED)
    attempts: int = 0
    next_attempt_at: datetime = _instant()
    claim: str | None = _id(default=None)
    claimed_at: datetime | None = _instant(default=None)
    finished_at: datetime | None = _instant(default=None)
    failure: str | None = _text(default=None)
    message_id: str | None = _text(default=None)
    created_at: datetime = _instant()


class Representation(Row, table=True):
    """What one person of the community said, and the answer to it."""

    __tablename__ = "representations"
    __table_args__ = (Index("representations_received", "received_at"),)

    case_id: str = _id(primary_key=True, foreign_key="cases.case_id")
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    stance: Stance = _member(Stance)
    text: str = _text()
    author_name: str | None = _text(default=None)
    author_email: str | None = _text(default=None)
    language: str = _id()
    received_at: datetime = _instant()
    receipt: str = _id(unique=True)
    accepted: bool = True
    disposition: Disposition | None = _member(Disposition, default=None)
    answer: str | None = _text(default=None)
    disposed_at: datetime | None = _instant(default=None)
    update_key: str = Field(sa_type=NoticeKey, unique=True)
    digest: str = _id()


class EvidenceFile(Row, table=True):
    """A stored file; its content is in the evidence folder under its hash."""

    __tablename__ = "evidence_files"

    sha256: str = _id(primary_key=True)
    media_type: str = _id()
    size: int
    uploaded_by: str = _id()
    uploaded_at: datetime = _instant()


class IntentRow(Row, table=True):
    """An act that was sent to Temporal and whose outcome is not on record yet.

    First ``at``, last at ``sent_at``, and ``attempts`` times in all.
    """

    __tablename__ = "intents"
    __table_args__ = (Index("intents_at", "at"),)

    update_id: str = Field(sa_type=NoticeKey, primary_key=True)
    # No foreign key: the first act of a case is sent before there is a case.
    case_id: str = _id()
    act: str = _id()
    at: datetime = _instant()
    sent_at: datetime = _instant()
    attempts: int = 1


class TextRow(Row, table=True):
    """What somebody wrote in one field of an act, or as the reason of a drive's pause: erasable words.

    ``ref`` is a hash over ``salt`` and ``text``; acts, history and journal have it in place of the words. An erased
    text has neither words nor salt: without the salt nobody can try whether a guess was right. ``subject`` is the
    case or the drive, ``request`` the id of the update that brought the text, ``place`` where it stood there.
    """

    __tablename__ = "texts"
    __table_args__ = (
        UniqueConstraint("request", "place", name="texts_once"),
        Index("texts_subject", "subject"),
        Index("texts_author", "author"),
    )

    ref: str = _id(primary_key=True)
    salt: str | None = _id(default=None)
    text: str | None = _text(default=None)
    # No foreign key: the first act of a case is sent before there is a case.
    subject: str = _id()
    author: str = _id()
    act: str = _id()
    request: str = Field(sa_type=NoticeKey)
    place: str = _id()
    at: datetime = _instant()
    erased_at: datetime | None = _instant(default=None)


class ErasureRow(Row, table=True):
    """One erasure: who had how many of what erased, and why; never the words. Append-only.

    ``subject`` is whose data it was: the reference of a person or contact, ``e-mail`` for an address, which is not
    repeated here, or ``everybody`` when a period of retention was over.
    """

    __tablename__ = "erasures"

    id: int | None = Field(default=None, primary_key=True)
    subject: str = _id()
    kind: str = _id()
    count: int
    reason: str = _text()
    by: str = _id()
    at: datetime = _instant()


class CalendarRow(Row, table=True):
    """The public holidays that some case counts by, as they were known in one revision."""

    __tablename__ = "calendars"

    revision: str = _id(primary_key=True)
    body: str = _text()


class RefusalRow(Row, table=True):
    """An act that was not allowed: a rejected update leaves nothing in Temporal's history."""

    __tablename__ = "refusals"
    __table_args__ = (Index("refusals_case", "case_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    # No foreign key: the first act on a case can be refused before there is a case.
    case_id: str = _id()
    act: str = _id()
    person: str = _id()
    kinds: tuple[str, ...] = Field(sa_type=Words)
    code: str = _id()
    reason: str = _text()
    at: datetime = _instant()


class RegisterEntry(Row, table=True):
    """One line of the public register: what it said from ``at`` on. Append-only, without gaps."""

    __tablename__ = "register_entries"
    __table_args__ = (UniqueConstraint("case_id", "version", name="register_entries_once"),)

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    case_id: str = _id(foreign_key="cases.case_id")
    version: int
    establishment_id: str = _id()
    program: str = _id()
    status: RegisterStatus = _member(RegisterStatus)
    body: str = _text()
    at: datetime = _instant()


class RunRow(Row, table=True):
    """A run of a case's workflow that ended, and where its exported history is."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "runs_to_export",
            "ended_at",
            postgresql_where=text("exported_at IS NULL"),
            sqlite_where=text("exported_at IS NULL"),
        ),
    )

    case_id: str = _id(primary_key=True, foreign_key="cases.case_id")
    run_id: str = _id(primary_key=True)
    ended_at: datetime = _instant()
    exported_at: datetime | None = _instant(default=None)
    file: str | None = _id(default=None)
    gone: bool = False


class Person(Row, table=True):
    """A member of staff: whom notices reach and whose name pages show."""

    __tablename__ = "people"

    person: str = _id(primary_key=True)
    name: str = _text()
    email: str = _text()
    language: str = _id()
    kinds: tuple[str, ...] = Field(sa_type=Words)
    provinces: tuple[str, ...] = Field(sa_type=Words)
    programs: tuple[str, ...] = Field(sa_type=Words)


class RevocationRow(Row, table=True):
    """A token or a person that is shut out: one of the two. Never deleted; ``lifted_at`` lets a person in again.

    ``token`` is the ``jti`` of a token.
    """

    __tablename__ = "revocations"

    id: int | None = Field(default=None, primary_key=True)
    person: str | None = _id(default=None)
    token: str | None = Field(default=None, sa_type=NoticeKey)
    since: datetime = _instant()
    by: str = _id()
    reason: str = _text()
    lifted_at: datetime | None = _instant(default=None)
    lifted_by: str | None = _id(default=None)
