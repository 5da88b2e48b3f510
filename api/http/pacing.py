"""How many requests one address may send to a page that asks for no token."""

import ipaddress
import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from api.http.errors import Problem

_HOST_BITS_OF_A_HOME = 64
"""A home or a telephone has a whole /64 of IPv6, so that is what counts as one address."""


class Pace:
    """Refuse an address that comes too often. Counted in the memory of one process.

    Behind a proxy the server has to be told to trust its ``X-Forwarded-For`` (uvicorn's
    ``--forwarded-allow-ips``); otherwise everybody has the proxy's address.
    """

    def __init__(self, *rates: str) -> None:
        """Set the rates, such as ``10/minute``; all of them hold."""
        self._rates = [parse(rate) for rate in rates]
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, request: Request) -> None:
        """Count the request, or raise a 429 that says when the next one may come."""
        address = _address(request)
        for rate in self._rates:
            if not self._limiter.hit(rate, address):
                reset_at = self._limiter.get_window_stats(rate, address).reset_time
                wait = max(1, math.ceil(reset_at - time.time()))
                raise Problem(
                    "rate-limited",
                    f"At most {rate} from one address.",
                    headers={"Retry-After": str(wait)},
                )


def _address(request: Request) -> str:
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _HOST_BITS_OF_A_HOME), strict=False))
    return host
