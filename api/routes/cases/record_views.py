"""What the API shows of a case's record: its journal and its notices, and who sees what of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from casework.domain.policy import (
    HIDDEN_FROM_APPLICANTS,
    Principal,
    is_shown_to_applicants,
)
from casework.store.cases.casebook import read_line
from casework.store.tables import JournalRow, NoticeRow, NoticeState, NoticeSubject
from casework.store.texts import with_texts


class JournalLine(BaseModel):
    """One event. ``person`` and ``hash`` are for staff."""

    seq: int
    at: datetime
    type: str
    actor_kind: str
    person: str | None
    event: dict[str, JsonValue]
    hash: Annotated[
        str | None, Field(description="SHA-256 over the hash of the line before and this line.")
    ]

    @classmethod
    def of(
        cls, principal: Principal, row: JournalRow, texts: Mapping[str, str | None]
    ) -> "JournalLine | None":
        """Show a line to somebody, with the texts it refers to, or None if it is not for them."""
        event: dict[str, JsonValue] = read_line(row).event.model_dump(
            mode="json", exclude={"type"}, exclude_none=True
        )
        if principal.is_staff:
            person, hash_ = row.actor_person, row.hash
        elif is_shown_to_applicants(row.type):
            event = {k: v for k, v in event.items() if k not in HIDDEN_FROM_APPLICANTS}
            person = hash_ = None
        else:
            return None
        return cls(
            seq=row.seq,
            at=row.at,
            type=row.type,
            actor_kind=row.actor_kind.value,
            person=person,
            event=with_texts(event, texts),
            hash=hash_,
        )


class Journal(BaseModel):
    """Some lines of the journal, in order; ``next`` is the ``after`` of the lines that follow."""

    items: tuple[JournalLine, ...]
    next: int | None


class NoticeView(BaseModel):
    """A notice and what became of it: addresses stay in the engine."""

    notice: str
    subject: NoticeSubject
    about: Annotated[int, Field(description="Number of the event or representation it is about.")]
    recipient: str
    state: NoticeState
    attempts: int
    created_at: datetime
    finished_at: datetime | None
    failure: str | None

    @classmethod
    def of(cls, row: NoticeRow) -> "NoticeView":
        """Show a row of the outbox."""
        return cls(
            notice=row.slug,
            subject=row.subject,
            about=row.seq,
            recipient=row.recipient,
            state=row.state,
            attempts=row.attempts,
            created_at=row.created_at,
            finished_at=row.finished_at,
            failure=row.failure,
        )


class Notices(BaseModel):
    """The notices of a case, in the order of its events."""

    items: tuple[NoticeView, ...]
