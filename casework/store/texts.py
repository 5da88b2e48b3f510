"""What people write, as rows: references with a salted hash stand for it everywhere else.

A reference proves its text while the text is there, and stays when it is gone. Whatever history, journal, exported
file or log holds a reference holds nothing that anybody wrote.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import BaseModel
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.calendar import Language
from casework.domain.written import change_texts, texts_of
from casework.store._statements import rows_changed, upsert
from casework.store.keys import KeyReused
from casework.store.tables import JournalRow, TextRow

_Model = TypeVar("_Model", bound=BaseModel)

_REF = re.compile(r"text/[a-z2-7]{52}")
"""No reference to a person, and no code, has a slash: nothing that people can fill in looks like one and is none."""

_SALT_BYTES = 16

ERASED: dict[Language, str] = {"th": "ข้อความนี้ถูกลบแล้ว", "en": "This text was erased."}
"""What stands where a text was."""

ERASED_IN_BOTH = f"{ERASED['th']} / {ERASED['en']}"


class Origin(NamedTuple):
    """Where a text comes from: of what case or drive, from whom, as what, and in which update."""

    subject: str
    author: str
    act: str
    request: str


def ref_of(salt: str, text: str) -> str:
    """Return the reference of a text: SHA-256 over salt and text."""
    digest = hashlib.sha256(bytes.fromhex(salt) + text.encode()).digest()
    return f"text/{base64.b32encode(digest).decode().lower().rstrip('=')}"


def keep_texts(session: Session, value: _Model, origin: Origin, now: datetime) -> _Model:
    """Keep what people wrote in the value and return it with references in their place.

    The same request again gets the same references. One statement where something was written, and another one for a
    repetition.

    Raises:
        KeyReused: the request has brought other texts before, or one of them is erased.
    """
    given = texts_of(value)
    if not given:
        return value
    refs = _insert(session, given, origin, now)
    if len(refs) < len(given):
        refs = _kept_before(session, given, origin)
    return change_texts(value, lambda place, _: refs[place])


def _insert(
    session: Session, given: Mapping[str, str], origin: Origin, now: datetime
) -> dict[str, str]:
    """Insert what the request has not brought before, and return its references by place."""
    rows: list[dict[str, object]] = []
    for place, text in given.items():
        salt = secrets.token_hex(_SALT_BYTES)
        words = {"ref": ref_of(salt, text), "salt": salt, "text": text}
        rows.append({**words, **origin._asdict(), "place": place, "at": now})
    new = upsert(session, TextRow).on_conflict_do_nothing(index_elements=["request", "place"])
    session.flush()
    returning = new.returning(col(TextRow.place), col(TextRow.ref))
    return {row[0]: row[1] for row in session.connection().execute(returning, rows)}


def _kept_before(session: Session, given: Mapping[str, str], origin: Origin) -> dict[str, str]:
    rows = session.scalars(select(TextRow).where(col(TextRow.request) == origin.request)).all()
    if {row.place: row.text for row in rows} != given:
        raise KeyReused(origin.request)
    return {row.place: row.ref for row in rows}


def drop_unused(session: Session, request: str) -> None:
    """Delete the texts of an act that came to nothing: those that no line of their case's journal names.

    One statement.
    """
    used = exists().where(
        col(JournalRow.case_id) == col(TextRow.subject),
        func.instr(col(JournalRow.body), col(TextRow.ref)) > 0
        if session.get_bind().dialect.name == "sqlite"
        else func.strpos(col(JournalRow.body), col(TextRow.ref)) > 0,
    )
    rows_changed(session, delete(TextRow).where(col(TextRow.request) == request, ~used))


def has_texts(session: Session, request: str) -> bool:
    """Say whether a request has brought texts before. One statement."""
    kept = select(col(TextRow.ref)).where(col(TextRow.request) == request)
    return session.scalar(kept.limit(1)) is not None


def drop_request(session: Session, request: str) -> None:
    """Delete the texts of a request that nothing names. One statement."""
    rows_changed(session, delete(TextRow).where(col(TextRow.request) == request))


# --- Reading ----------------------------------------------------------------------------------


def refs_in(value: object) -> set[str]:
    """Return the references in a JSON value."""
    if isinstance(value, str):
        return {value} if _REF.fullmatch(value) else set()
    if isinstance(value, Mapping):
        parts: Iterable[object] = cast("Mapping[str, object]", value).values()
    elif isinstance(value, list | tuple):
        parts = cast("Iterable[object]", value)
    else:
        return set()
    return set[str]().union(*map(refs_in, parts))


def read_texts(session: Session, *values: object) -> dict[str, str | None]:
    """Return all texts that JSON values refer to, None for an erased one. At most one statement."""
    refs = set[str]().union(*map(refs_in, values))
    if not refs:
        return {}
    rows = session.execute(
        select(col(TextRow.ref), col(TextRow.text)).where(col(TextRow.ref).in_(sorted(refs)))
    )
    return {row[0]: row[1] for row in rows}


def with_texts(value: Any, texts: Mapping[str, str | None], erased: str = ERASED_IN_BOTH) -> Any:
    """Return the JSON value with the words in place of each reference, and ``erased`` where they are gone."""
    if isinstance(value, str):
        if not _REF.fullmatch(value):
            return value
        words = texts.get(value)
        return erased if words is None else words
    if isinstance(value, Mapping):
        named = cast("Mapping[str, object]", value)
        return {name: with_texts(part, texts, erased) for name, part in named.items()}
    if isinstance(value, list | tuple):
        return [with_texts(part, texts, erased) for part in cast("Iterable[object]", value)]
    return value


def show(session: Session, value: _Model, erased: str = ERASED_IN_BOTH) -> _Model:
    """Return the value with the words in place of each reference. At most one statement."""
    content = value.model_dump(mode="json")
    if not refs_in(content):
        return value
    texts = read_texts(session, content)
    return type(value).model_validate(with_texts(content, texts, erased))


# --- Proof ------------------------------------------------------------------------------------


def flaws_of_texts(session: Session, case_id: str, bodies: Iterable[str]) -> list[str]:
    """Return what is wrong with the texts that the lines of a journal name. One statement.

    An erased text is in order: only what was written can be proven, and only what was kept can be missing.
    """
    rows = session.scalars(select(TextRow).where(col(TextRow.subject) == case_id))
    known = {row.ref: row for row in rows}
    flaws: list[str] = []
    for seq, body in enumerate(bodies, start=1):
        for ref in _REF.findall(body):
            row = known.get(ref)
            if row is None:
                flaws.append(f"event {seq} names a text that is not on file")
            elif row.text is None or row.salt is None:
                if row.erased_at is None:
                    flaws.append(f"a text of event {seq} is gone, and was not erased")
            elif ref_of(row.salt, row.text) != ref:
                flaws.append(f"a text of event {seq} is not what was written")
    return flaws
