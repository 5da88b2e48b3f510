"""What the API counts, in the text format of Prometheus. Labels are routes and codes, never cases or people."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from casework.audit.figures import Figures

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

    def text(self, figures: Figures | None) -> bytes:
        """Return all of it in the exposition format.

        ``figures`` are those of the database. While it does not answer, ``casework_database_up`` is 0 and they are
        left out: an old number would look like a new one.
        """
        standing = CollectorRegistry()
        _gauge(standing, "database_up", "Whether the database answers.", figures is not None)
        if figures is not None:
            outbox = Gauge(
                "casework_notices",
                "Notices that have not been sent, by state.",
                ["state"],
                registry=standing,
            )
            outbox.labels("waiting").set(figures.notices_waiting)
            outbox.labels("sending").set(figures.notices_sending)
            outbox.labels("failed").set(figures.notices_failed)
            outbox.labels("unknown").set(figures.notices_unknown)
            for name, about, value in (
                (
                    "notices_oldest_waiting_seconds",
                    "Age of the oldest notice that waits.",
                    figures.notices_oldest_waiting,
                ),
                ("cases_overdue", "Cases past their due date.", figures.cases_overdue),
                ("intents", "Acts whose outcome is not on record yet.", figures.intents),
                ("intents_oldest_seconds", "Age of the oldest of them.", figures.intents_oldest),
                ("drives_running", "Drives that run.", figures.drives_running),
                (
                    "drive_rows_pending",
                    "Rows of running drives that are still to come.",
                    figures.drive_rows_pending,
                ),
            ):
                _gauge(standing, name, about, value)
        return generate_latest(self._registry) + generate_latest(standing)


def _gauge(registry: CollectorRegistry, name: str, about: str, value: float) -> None:
    Gauge(f"casework_{name}", about, registry=registry).set(value)
