"""What slows down a flood, and that it never closes the door for others."""

from collections.abc import Iterator

import pytest
from starlette.requests import Request

from api.http.errors import Problem
from api.http.pacing import MovingWindows, PublicPace, Quota, networks_of

CASE = "eco-k3v9a2q7m4tz"


class Time:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


def request_from(host: str | None) -> Request:
    return Request({"type": "http", "headers": [], "client": (host, 1) if host else None})


def sent(pace: PublicPace, hosts: Iterator[str] | list[str], case: str = CASE) -> list[bool]:
    """Send one representation from each address and return which were taken."""
    taken: list[bool] = []
    for host in hosts:
        answer: Problem | None = None
        try:
            pace.check(request_from(host), case)
        except Problem as refused:
            answer = refused
        assert answer is None or answer.code == "rate-limited"
        assert answer is None or int((answer.headers or {})["Retry-After"]) >= 1
        taken.append(answer is None)
    return taken


@pytest.mark.parametrize(
    ("host", "address", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32", "192.0.2.0/24"),
        ("::ffff:192.0.2.1", "192.0.2.1/32", "192.0.2.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("unix", "unix", "unix"),
    ],
)
def test_an_address_is_a_machine_or_a_home_in_a_network(
    host: str, address: str, network: str
) -> None:
    """A home has 2^64 addresses of IPv6, and a customer 65,536 such homes."""
    assert networks_of(host) == (address, network)


def test_a_home_sends_ten_in_a_minute_and_a_hundred_in_a_day_over_all_cases() -> None:
    time = Time()
    pace = PublicPace(time)
    assert sum(sent(pace, [f"2001:db8::{n:x}" for n in range(20)])) == 10
    for minute in range(2, 60):
        time.now += 60
        sent(pace, [f"2001:db8::{n:x}" for n in range(10)], f"eco-{minute:012}")
    assert sum(sent(pace, ["2001:db8::1"], "eco-another00001")) == 0


def test_a_network_of_many_homes_neither_fills_a_case_nor_keeps_others_out() -> None:
    """One /48 with 65,536 homes, a month long: 60 a day; a fresh network is always let in."""
    time = Time()
    pace = PublicPace(time)
    taken = 0
    for day in range(30):
        for hour in range(24):
            taken += sum(sent(pace, [f"2001:db8:0:{hour * 40 + n:x}::1" for n in range(40)]))
            time.now += 3600
        assert sent(pace, [f"2001:db9:{day:x}::1"]) == [True]
    assert taken == 30 * 60
    assert taken < 10_000


def test_what_others_send_slows_those_who_have_spoken_and_nobody_else() -> None:
    """A flood from a thousand networks: its own networks wait, a first-time visitor does not."""
    pace = PublicPace(Time())
    flood = [f"10.{n // 200}.{n % 200}.1" for n in range(1000)]
    assert all(sent(pace, flood))
    assert not any(sent(pace, flood))
    assert sent(pace, ["198.51.100.7"]) == [True]
    assert sent(pace, [flood[0]], "eco-another00001") == [True]


def test_a_refused_representation_costs_nothing_more() -> None:
    """Who waits as long as told is let in, however often they knocked meanwhile."""
    time = Time()
    pace = PublicPace(time)
    sent(pace, ["192.0.2.1"] * 10)
    with pytest.raises(Problem) as refused:
        pace.check(request_from("192.0.2.1"), CASE)
    assert refused.value.headers is not None
    for _ in range(30):
        time.now += 1
        sent(pace, ["192.0.2.1"])
    time.now += int(refused.value.headers["Retry-After"]) - 30
    assert sent(pace, ["192.0.2.1"]) == [True]


def test_a_sender_without_an_address_has_one_pace_with_all_such() -> None:
    pace = PublicPace(Time())
    for _ in range(10):
        pace.check(request_from(None), CASE)
    with pytest.raises(Problem):
        pace.check(request_from(None), CASE)


def test_the_quota_of_one_person_leaves_the_others_alone() -> None:
    time = Time()
    quota = Quota("2/minute;3/day", "uploads", time)
    quota.check("a")
    quota.check("a")
    with pytest.raises(Problem, match="At most 2 per 1 minute uploads of one person"):
        quota.check("a")
    quota.check("b")
    time.now += 60
    quota.check("a")
    with pytest.raises(Problem) as refused:
        quota.check("a")
    assert refused.value.headers == {"Retry-After": str(24 * 3600 - 60)}


def test_what_is_long_over_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood from ever new addresses does not fill the memory for good."""
    monkeypatch.setattr("api.http.pacing._SWEEP_AFTER", 100)
    time = Time()
    windows = MovingWindows(time)
    rate = Quota("2/minute", "uploads", time)._rates[0]
    for n in range(1000):
        windows.count(rate, str(n))
        time.now += 3600
    assert len(windows._came) <= 200
