"""What the API counts, in the text format of Prometheus. Labels are routes and codes, never cases or people."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one application, in a registry of its own so that several can live in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "casework_http_requests",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "casework_http_request_seconds",
            "Time until the whole response was handed over, by route.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "casework_http_requests_in_flight",
            "Requests that are being answered.",
            registry=self._registry,
        )
        self._acts = Counter(
            "casework_acts",
            "Acts by what became of them: applied, refused, or no answer from the engine.",
            ["act", "outcome"],
            registry=self._registry,
        )
        self._refusals = Counter(
            "casework_refusals",
            "Refused acts by the code of the refusal.",
            ["code"],
            registry=self._registry,
        )

        self._keys_age = Gauge(
            "casework_token_keys_age_seconds",
            "Seconds since the key set of the token issuer was last read; +Inf if never.",
            registry=self._registry,
        )

    def token_keys_are(self, seconds: float) -> None:
        """Say how old the key set is that tokens are judged by."""
        self._keys_age.set(seconds)

    def request_began(self) -> None:
        """Count a request that is being answered."""
        self._in_flight.inc()

    def request_ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request under the template of its route."""
        self._in_flight.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def act_applied(self, act: str) -> None:
        """Count an act that was applied, or whose receipt was repeated."""
        self._acts.labels(act, "applied").inc()

    def act_refused(self, act: str, code: str) -> None:
        """Count an act that broke a rule."""
        self._acts.labels(act, "refused").inc()
        self._refusals.labels(code).inc()

    def act_unanswered(self, act: str) -> None:
        """Count an act of which nobody knows yet what became of it."""
        self._acts.labels(act, "unanswered").inc()

    def text(self) -> bytes:
        """Return all of it in the exposition format."""
        return generate_latest(self._registry)
