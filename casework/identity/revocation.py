"""Tokens and people that were shut out before their tokens end: a list in memory, read again every few seconds.

It owns when a token counts no more; where the list is kept is the business of whoever hands in ``read``.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

BETWEEN_READINGS_SECONDS = 5.0
"""A revocation holds in every process after this long at most."""

_log = structlog.get_logger(__name__)


def _nobody() -> dict[str, float | None]:
    return {}


@dataclass(frozen=True)
class Revoked:
    """Who is shut out. ``people`` says until when tokens were issued that do not count; None for all.

    Instants are in seconds since 1970.
    """

    people: Mapping[str, float | None] = field(default_factory=_nobody)
    tokens: frozenset[str] = frozenset()

    def covers(self, person: str, token: object, issued_at: float) -> bool:
        """Say whether a token counts no more. Letting a person in again does not revive old tokens."""
        if token in self.tokens:
            return True
        if person not in self.people:
            return False
        until = self.people[person]
        return until is None or issued_at <= until


class RevocationList:
    """Keep the list in memory. One thread reads it again; the others go on with the one there is."""

    def __init__(self, read: Callable[[], Revoked], now: Callable[[], float]) -> None:
        """Keep how the list is read, and the clock (seconds since 1970)."""
        self._read = read
        self._now = now
        self._known: Revoked | None = None
        self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def __call__(self) -> Revoked:
        """Return the list, at most five seconds old while the database answers.

        While it does not, the last list holds: what needs the database is refused anyway. Without
        any list, the error of the first reading goes to the caller.
        """
        if self._is_old() and self._lock.acquire(blocking=self._known is None):
            try:
                if self._is_old():
                    self._read_again()
            finally:
                self._lock.release()
        if self._known is None:  # pragma: no cover  # _read_again raised
            raise RuntimeError("the list was never read")
        return self._known

    def _is_old(self) -> bool:
        return self._known is None or not (
            0 <= self._now() - self._tried_at < BETWEEN_READINGS_SECONDS
        )

    def _read_again(self) -> None:
        try:
            found = self._read()
        except Exception as error:
            if self._known is None:
                raise
            _log.error("revocations_unreadable", kind=type(error).__name__)
        else:
            self._known = found
        self._tried_at = self._now()
