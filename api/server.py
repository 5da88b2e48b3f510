"""Serve the API: ``python -m api.server``. Connections that keep it waiting are closed.

uvicorn has no time limit for a request that is on its way, so one is set here. Whose X-Forwarded-For counts
is the application's business (``CASEWORK_TRUSTED_PROXIES``), not the server's.
"""

import argparse
import asyncio
from collections.abc import Sequence

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from casework.settings import Settings

SECONDS_FOR_HEADERS = 15.0
"""From the opening of a connection, or the first byte of a further request, to the end of its headers."""

SECONDS_FOR_A_BODY = 300.0
"""From the end of the headers to the last byte: 20 MB at 70 kB a second."""

MOST_CONNECTIONS = 1000
"""More get 503 until others end."""

MOST_BYTES_OF_HEADERS = 32 * 1024


class ImpatientProtocol(H11Protocol):
    """Close a connection whose request does not come to its end in time."""

    seconds_for_headers = SECONDS_FOR_HEADERS
    seconds_for_a_body = SECONDS_FOR_A_BODY

    _waits_for: str | None = None
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Expect headers."""
        super().connection_made(transport)
        self._expect("headers", self.seconds_for_headers)

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expect(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has arrived, and expect what is missing."""
        super().handle_events()
        if self.transport.is_closing():
            return
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._expect("body", self.seconds_for_a_body)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect("headers", self.seconds_for_headers)
        elif state is not h11.IDLE or self._waits_for == "body":
            self._expect(None)

    def _expect(self, what: str | None, seconds: float = 0) -> None:
        if what == self._waits_for:
            return
        if self._limit is not None:
            self._limit.cancel()
        self._waits_for = what
        self._limit = self.loop.call_later(seconds, self.transport.close) if what else None


def run(host: str, port: int, log_level: str) -> None:
    """Serve until a signal asks to end; what is being answered is answered."""
    # First of all: a wrong setting is one message here, and no half-started server.
    Settings()
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=host,
        port=port,
        log_level=log_level,
        http=ImpatientProtocol,
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=MOST_BYTES_OF_HEADERS,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="api.server", description="Serve the API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--log-level", default="info")
    given = parser.parse_args(arguments)
    run(given.host, given.port, given.log_level)


if __name__ == "__main__":
    main()
