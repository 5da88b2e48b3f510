"""Text search inside words, because Thai does not put spaces between them.

The text is brought into one form when it is stored and when it is sought, and cut into trigrams by
the index: FTS5 on SQLite, pg_trgm on PostgreSQL. What is sought is always taken literally.
"""

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, column, false, select, table, true
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.store.tables import Establishment

_MOST_WORDS = 8
_TRIGRAM = 3
_FEW = 1000
_THAI_DIGITS = {0x0E50 + digit: str(digit) for digit in range(10)}
# Zero-width characters mark word ends in some Thai texts and are invisible in all of them.
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_trigrams = table("establishment_trigrams", column("rowid"), column("search_text"))
_trigram_rows = table("establishment_trigram_rows", column("number"), column("establishment_id"))


def searchable(*texts: str | None) -> str:
    """Return texts in the one form that search compares.

    Compatibility characters are taken apart (so that both ways to type sara am are one), case is
    folded, Thai digits are Arabic ones, invisible characters are gone and spaces are single.
    """
    joined = " ".join(text for text in texts if text)
    folded = unicodedata.normalize("NFKC", joined).casefold().translate(_THAI_DIGITS | _INVISIBLE)
    return " ".join(_CONTROL.sub(" ", folded).split())


def establishment_matches(
    session: Session, text: str, establishment_id: SQLColumnExpression[str]
) -> ColumnElement[bool]:
    """Return the condition that the :class:`Establishment` in the query holds every word.

    At most 8 words count. ``establishment_id`` is the column of the query that says whose row it
    is. May send a statement of its own on SQLite, to choose between two ways: a few hits lead the
    query, many are met soon enough by going along its order. PostgreSQL has statistics for that.
    Words of one or two characters have no trigram and are compared row by row.
    """
    words = searchable(text).split()[:_MOST_WORDS]
    if not words:
        return false() if text.strip() else true()
    compared = and_(*(like(col(Establishment.search_text), word) for word in words))
    if session.get_bind().dialect.name == "postgresql":
        return compared
    long = [word for word in words if len(word) >= _TRIGRAM]
    probe = select(col(Establishment.id)).where(compared)
    if long:
        probe = (
            select(_trigram_rows.c.establishment_id)
            .join(_trigrams, _trigrams.c.rowid == _trigram_rows.c.number)
            .where(column(_trigrams.name).op("MATCH")(_phrases(long)))
        )
    hits = list(session.scalars(probe.limit(_FEW + 1)))
    return compared if len(hits) > _FEW else and_(establishment_id.in_(hits), compared)


def like(searched: SQLColumnExpression[str], word: str) -> ColumnElement[bool]:
    """Return the condition that a stored :func:`searchable` text holds this word."""
    return searched.contains(word, autoescape=True, escape="\\")


def _phrases(words: Iterable[str]) -> str:
    return " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
