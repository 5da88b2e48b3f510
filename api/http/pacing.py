"""How often somebody may come: one network to the community's form, one person to what costs much.

Counted in the memory of one process. With several, each allows as much again.
"""

import ipaddress
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from limits import RateLimitItem, parse_many
from starlette.requests import Request

from api.http.errors import Problem

OF_AN_ADDRESS = "10/minute;100/day"
"""From one machine (IPv4) or one home (a /64 of IPv6)."""

OF_A_NETWORK = "30/minute;300/day"
"""From the machines around it: a /24 of IPv4, a /48 of IPv6, which is what one customer gets."""

OF_A_NETWORK_ON_A_CASE = "20/hour;60/day"
"""So that no network fills a case: 60 a day are 1,800 in a month, and a case takes 10,000."""

OF_A_CASE = "60/minute;1000/day"
"""Beyond it those wait that have spoken there today. Who comes for the first time is always let in."""

_SWEEP_AFTER = 10_000
"""Counts of this many keys, and those whose time is over are thrown away."""


class _Window(NamedTuple):
    rate: RateLimitItem
    key: tuple[str, ...]


class MovingWindows:
    """Count what comes within any stretch of time. Safe to share between threads."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Keep the clock (seconds since 1970)."""
        self._now = now
        self._came: dict[tuple[str, ...], deque[float]] = {}
        self._sweep_at = _SWEEP_AFTER
        self.lock = threading.RLock()

    def wait(self, rate: RateLimitItem, *key: str) -> float:
        """Return in how many seconds one more would be within the rate; 0 if it is now."""
        came = self._living(rate, key)
        if len(came) < rate.amount:
            return 0.0
        return max(1.0, came[-rate.amount] + rate.get_expiry() - self._now())

    def has_come(self, rate: RateLimitItem, *key: str) -> bool:
        """Say whether anything was counted in the stretch of the rate."""
        return bool(self._living(rate, key))

    def count(self, rate: RateLimitItem, *key: str) -> None:
        """Count one."""
        if len(self._came) >= self._sweep_at:
            self._sweep()
        came = self._came.setdefault((str(rate), *key), deque(maxlen=rate.amount))
        came.append(self._now())

    def _living(self, rate: RateLimitItem, key: tuple[str, ...]) -> deque[float]:
        name = (str(rate), *key)
        came = self._came.get(name)
        if came is None:
            return deque()
        since = self._now() - rate.get_expiry()
        while came and came[0] <= since:
            came.popleft()
        if not came:
            del self._came[name]
        return came

    def _sweep(self) -> None:
        longest = self._now() - 24 * 60 * 60
        for name in [name for name, came in self._came.items() if came[-1] <= longest]:
            del self._came[name]
        self._sweep_at = max(_SWEEP_AFTER, 2 * len(self._came))


class PublicPace:
    """Slow down who sends too many representations, and never close the door for anybody else.

    A network is slowed by what it sent itself. What others send to a case slows only those who have
    spoken there already.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Keep the clock (seconds since 1970)."""
        self._windows = MovingWindows(now)
        self._of_an_address = parse_many(OF_AN_ADDRESS)
        self._of_a_network = parse_many(OF_A_NETWORK)
        self._of_a_network_on_a_case = parse_many(OF_A_NETWORK_ON_A_CASE)
        self._of_a_case = parse_many(OF_A_CASE)
        self._today = max(self._of_a_network_on_a_case, key=lambda rate: rate.get_expiry())

    def check(self, request: Request, case_id: str) -> None:
        """Count a representation, or raise a 429 that says when the next one may come."""
        address, network = networks_of(request.client.host if request.client else "unknown")
        own = [
            *(_Window(rate, ("address", address)) for rate in self._of_an_address),
            *(_Window(rate, ("network", network)) for rate in self._of_a_network),
            *(_Window(rate, (case_id, network)) for rate in self._of_a_network_on_a_case),
        ]
        of_all = [_Window(rate, ("case", case_id)) for rate in self._of_a_case]
        with self._windows.lock:
            is_new = not self._windows.has_come(self._today, case_id, network)
            for rate, key in own if is_new else [*own, *of_all]:
                if wait := self._windows.wait(rate, *key):
                    what = "for one case" if key[0] == "case" else "from one network"
                    raise _too_many(f"At most {rate} {what}.", wait)
            for rate, key in [*own, *of_all]:
                self._windows.count(rate, *key)


class Quota:
    """Bound how often one person does something that costs much."""

    def __init__(self, rates: str, what: str, now: Callable[[], float]) -> None:
        """Set the rates, such as ``30/minute;500/day``, of which all hold, and what is counted."""
        self._rates = parse_many(rates)
        self._what = what
        self._windows = MovingWindows(now)

    def check(self, person: str) -> None:
        """Count once for a person, or raise a 429 that says when the next one may come."""
        with self._windows.lock:
            for rate in self._rates:
                if wait := self._windows.wait(rate, person):
                    raise _too_many(f"At most {rate} {self._what} of one person.", wait)
            for rate in self._rates:
                self._windows.count(rate, person)


def _too_many(detail: str, wait: float) -> Problem:
    return Problem("rate-limited", detail, headers={"Retry-After": str(math.ceil(wait))})


def networks_of(host: str) -> tuple[str, str]:
    """Return what counts as one address, and as the network around it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host, host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    near, far = (32, 24) if isinstance(address, ipaddress.IPv4Address) else (64, 48)
    return (
        str(ipaddress.ip_network((address, near), strict=False)),
        str(ipaddress.ip_network((address, far), strict=False)),
    )
