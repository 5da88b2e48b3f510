"""A drive over HTTP, as the command line works with it: requests, and the stream of its progress."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import httpx2

Json = dict[str, Any]

_DRIVES = "/api/v1/drives"
_PATIENCE_SECONDS = 60.0
"""How long a request is repeated that the server asked to repeat."""

_TRY_AGAIN = frozenset({429, 503})
_DRY_RUN_SECONDS = 600.0
"""Fifty thousand rows take a while to be judged."""

_SILENCE_SECONDS = 40.0
"""The stream sends a sign of life every 15 seconds: without one it is dead."""


class NotDone(Exception):
    """The API said no, or nothing; the message says what to do about it."""


class DriveClient:
    """Speak to the API with a token. Repeats with the same key what it was asked to repeat."""

    def __init__(self, url: str, token: str) -> None:
        """Keep where the API is and who asks."""
        self._http = httpx2.Client(
            base_url=url, timeout=60.0, headers={"Authorization": f"Bearer {token}"}
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def add_seminar(self, title: str, held_on: str, province: str | None) -> str:
        """Note a seminar and return its id."""
        body = {"title": title, "held_on": held_on, "province": province}
        return str(self._send("POST", "/api/v1/seminars", json=body)["id"])

    def add_drive(self, body: Mapping[str, Any]) -> str:
        """Prepare a drive and return its id."""
        return str(self._send("POST", _DRIVES, json=dict(body))["id"])

    def upload(self, drive: str, file: Path) -> Json:
        """Send the list and return what was read of it."""
        path, name = f"{_DRIVES}/{drive}/list", {"file_name": file.name}
        return self._send("PUT", path, content=file.read_bytes(), params=name)

    def try_out(self, drive: str, fields: Mapping[str, str]) -> Json:
        """Make the dry run."""
        path, body = f"{_DRIVES}/{drive}/mapping", {"fields": dict(fields)}
        return self._send("PUT", path, json=body, timeout=_DRY_RUN_SECONDS)

    def start(self, drive: str) -> Json:
        """Start the drive."""
        return self._send("POST", f"{_DRIVES}/{drive}/start")

    def read(self, drive: str) -> Json:
        """Return the drive with its counts and the forecast."""
        return self._send("GET", f"{_DRIVES}/{drive}")

    def save_unusable_rows(self, drive: str, file: Path) -> None:
        """Write the rows that could not be used into a file, to be mended and uploaded again."""
        path = f"{_DRIVES}/{drive}/rows.csv"
        with self._stream(path, params={"unusable": "true"}) as response:
            _check(response)
            with file.open("wb") as target:
                for piece in response.iter_bytes():
                    target.write(piece)

    def progress(self, drive: str) -> Iterator[Json]:
        """Yield the state of a drive whenever it has changed, until it has ended.

        A stream that breaks off is taken up where it was.
        """
        last_id, until = "", time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                for event in self._events(drive, last_id):
                    last_id, until = event["id"], time.monotonic() + _PATIENCE_SECONDS
                    yield json.loads(event["data"])
                    if event["event"] == "ended":
                        return
            except httpx2.TransportError as error:
                if time.monotonic() > until:
                    raise _no_answer(error) from error
                time.sleep(1.0)

    def _events(self, drive: str, last_id: str) -> Iterator[dict[str, str]]:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        path = f"{_DRIVES}/{drive}/events"
        with self._stream(path, headers=headers, timeout=_SILENCE_SECONDS) as response:
            _check(response)
            event: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name:
                    event[name] = value
                elif "data" in event:
                    yield event
                    event = {}
                else:
                    event = {}

    def _stream(self, path: str, **more: Any) -> AbstractContextManager[httpx2.Response]:
        return self._http.stream("GET", path, **more)

    def _send(self, method: str, path: str, **more: Any) -> Json:
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                response = self._http.request(method, path, headers=headers, **more)
            except httpx2.TransportError as error:
                raise _no_answer(error) from error
            if response.status_code not in _TRY_AGAIN or time.monotonic() > until:
                break
            time.sleep(min(float(response.headers.get("Retry-After", 1)), 5.0))
        _check(response)
        return response.json()


def _no_answer(error: httpx2.TransportError) -> NotDone:
    return NotDone(f"The API does not answer ({type(error).__name__}). Is it up? casework doctor")


def _check(response: httpx2.Response) -> None:
    if response.status_code < 400:
        return
    response.read()
    is_json = "json" in response.headers.get("Content-Type", "")
    told: Json = response.json() if is_json else {}
    detail = told.get("detail") or f"The API answered {response.status_code}."
    raise NotDone(f"{told['title']}. {detail}" if told.get("title") else str(detail))
