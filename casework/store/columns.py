"""Column types that read the same from SQLite and from PostgreSQL."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """Keep an instant in microseconds and give it back in UTC.

    SQLite has no zones, so it gets UTC without one; text of one width also sorts as time does. A
    datetime without a zone is a defect of the caller and raises :class:`ValueError`.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant has a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Keep what people write.

    PostgreSQL takes every character but NUL, and a case whose answer it does not take could never
    go on. So NUL is kept as the replacement character, on both databases.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\x00", "\ufffd")


class Opaque(PlainText):
    """Keep an id or a code, compared byte by byte.

    A linguistic collation would sort ids differently from Python and from SQLite, and cost more.
    """

    impl = String(64)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(64, collation=collation))


class NoticeKey(Opaque):
    """Keep ``<case>/<slug>/<seq>/<recipient>`` or a recipient such as ``inspector:<ref>``: longer than one id."""

    impl = String(255)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(255, collation=collation))


class Words(TypeDecorator[tuple[str, ...]]):
    """Keep a few codes as a JSON list, sorted."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(sorted(set(value)))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


def one_of(members: type[StrEnum]) -> type[TypeDecorator[Any]]:
    """Return the column type that keeps members of an enumeration by their values.

    SQLModel would keep their Python names and make a type of PostgreSQL's own, which every new
    member had to alter.
    """

    class Member(TypeDecorator[Any]):
        impl = String(32)
        cache_ok = True

        def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
            return None if value is None else members(value).value

        def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
            return None if value is None else members(value)

    Member.__name__ = Member.__qualname__ = f"OneOf{members.__name__}"
    return Member
