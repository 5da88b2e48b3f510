"""What counts as one address."""

import pytest
from starlette.requests import Request

from api.http.errors import Problem
from api.http.pacing import Pace


def request_from(host: str | None) -> Request:
    return Request({"type": "http", "headers": [], "client": (host, 1) if host else None})


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("unix", "unix", True),
        (None, None, True),
    ],
)
def test_an_address_is_a_machine_or_a_home(
    first: str | None, second: str | None, same: bool
) -> None:
    """A home has 2^64 addresses of IPv6, and counts as one."""
    pace = Pace("1/hour")
    pace.check(request_from(first))
    if same:
        with pytest.raises(Problem, match="At most 1 per 1 hour"):
            pace.check(request_from(second))
    else:
        pace.check(request_from(second))


def test_every_rate_has_to_hold() -> None:
    """A slow trickle meets the bound of the day."""
    pace = Pace("100/second", "2/day")
    for _ in range(2):
        pace.check(request_from("192.0.2.1"))
    with pytest.raises(Problem) as refused:
        pace.check(request_from("192.0.2.1"))
    assert refused.value.headers is not None
    assert int(refused.value.headers["Retry-After"]) > 60
