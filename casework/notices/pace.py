"""How fast messages may leave for one mail domain."""

from collections import defaultdict, deque
from collections.abc import Collection
from datetime import datetime, timedelta

from limits import parse

_SHARE_OF_THE_WAITING = 0.8
"""Those put back leave at this share of the pace, so that what is new today need not queue behind
a drive of ten thousand invitations."""


def seconds_between(notation: str) -> float:
    """Return the seconds from one message to the next at a pace such as ``1200/minute``.

    Raises:
        ValueError: it is none.
    """
    limit = parse(notation)
    return limit.get_expiry() / limit.amount


class Pace:
    """Let so many messages leave for each mail domain within any stretch of time.

    A moving window, in the memory of one process: exactly one drain is at work, and after a restart
    the rows it had put back keep their times. The window is counted here and not by the storage of
    ``limits``, which reads the system's clock and starts a thread; its notation is used.
    """

    def __init__(self, notation: str) -> None:
        """Read a pace such as ``60/minute``.

        Raises:
            ValueError: it is none.
        """
        limit = parse(notation)
        self._most = limit.amount
        self._stretch = timedelta(seconds=limit.get_expiry())
        self._left: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._promised: dict[str, datetime] = {}

    def admit(self, domains: Collection[str], now: datetime) -> datetime | None:
        """Count a message to these domains and return None, or return when to come back with it.

        Those who come too early are spread over the time to come, so that few of them have to come
        more than twice.
        """
        full = [domain for domain in domains if self._is_full(domain, now)]
        if not full:
            for domain in domains:
                self._left[domain].append(now)
            return None
        return max(self._promise(domain, now) for domain in full)

    def _is_full(self, domain: str, now: datetime) -> bool:
        left = self._left[domain]
        while left and left[0] <= now - self._stretch:
            left.popleft()
        return len(left) >= self._most

    def _promise(self, domain: str, now: datetime) -> datetime:
        free = self._left[domain][0] + self._stretch
        step = self._stretch / (self._most * _SHARE_OF_THE_WAITING)
        last = self._promised.get(domain)
        promised = free if last is None or last <= now else max(free, last + step)
        self._promised[domain] = promised
        return promised
