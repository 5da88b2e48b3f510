"""The server as it is started: what keeps it waiting or speaks with two tongues is cut off, alone and behind nginx."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from casework.processes.servers import LOOPBACK, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.store.database import Database

ROOT = Path(__file__).parent.parent.parent
IMPATIENT = """
import api.server
api.server.ImpatientProtocol.seconds_for_headers = 1.0
api.server.ImpatientProtocol.seconds_for_a_body = 1.0
api.server.main()
"""
"""The server as it is, with shorter limits: a test does not wait for a quarter of a minute."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[int]:
    database = Database(f"sqlite:///{folder / 'casework.db'}")
    database.migrate()
    database.close()
    port = free_port()
    command = [sys.executable, "-c", IMPATIENT, "--host", LOOPBACK, "--port", str(port)]
    env = {
        "CASEWORK_STATE_FOLDER": str(folder),
        "PYTHONPATH": str(ROOT),
        # uvicorn's own variable trusts everybody; it must not count.
        "FORWARDED_ALLOW_IPS": "*",
        "CASEWORK_TRUSTED_PROXIES": "127.0.0.2",
    }
    log = folder / "api.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output)
    try:
        answers(port, log)
        yield port
    finally:
        process.terminate()
        process.wait(LONGEST_WAIT_SECONDS)


def answers(port: int, log: Path) -> None:
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while time.monotonic() < until:
        try:
            if b" 200 " in said(
                port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            ):
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def said(port: int, *pieces: bytes, pause: float = 0.0, wait: float = 20.0) -> bytes:
    """Send these pieces and return all that comes until the other side closes.

    Raises:
        TimeoutError: it did not close within ``wait`` seconds of silence.
    """
    heard = b""
    with socket.create_connection((LOOPBACK, port), timeout=wait) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                break
            time.sleep(pause)
        try:
            while piece := connection.recv(65536):
                heard += piece
        except ConnectionError:
            pass
    return heard


BOTH = (
    b"POST /api/v1/evidence HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
)


def test_a_request_with_two_ends_is_refused_and_the_connection_closed(api: int) -> None:
    """What follows in the same connection is no request of its own."""
    heard = said(api, BOTH)
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert heard.count(b"HTTP/1.1 ") == 1


def test_headers_that_do_not_come_to_an_end_are_cut_off(api: int) -> None:
    """A byte now and then does not help, nor does silence."""
    began = time.monotonic()
    slow = [b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 12]
    assert said(api, *slow, pause=0.2) == b""
    assert said(api) == b""
    assert time.monotonic() - began < 10


def test_a_body_that_does_not_come_to_an_end_is_cut_off(api: int) -> None:
    head = (
        b"POST /api/v1/cases/eco-k3v9a2q7m4tz/representations HTTP/1.1\r\nHost: a\r\n"
        b"Idempotency-Key: 1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    began = time.monotonic()
    said(api, head, *[b" "] * 12, pause=0.2)
    assert time.monotonic() - began < 10


def test_a_further_request_of_a_connection_has_its_own_time(api: int) -> None:
    """The limit is for a request on its way, not for a connection."""
    whole = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert said(api, whole, whole, whole, last, pause=0.6).count(b"HTTP/1.1 200 ") == 4
    heard = said(api, whole, b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 12, pause=0.2)
    assert heard.count(b"HTTP/1.1 ") == 1


def test_a_wrong_setting_ends_the_start(folder: Path) -> None:
    """Whoever trusted everybody would count no address at all."""
    for proxies in ("*", "127.0.0.1,*", "0.0.0.0/0", "::/0", "proxy"):
        done = subprocess.run(
            [sys.executable, "-m", "api.server", "--port", str(free_port())],
            env={"CASEWORK_STATE_FOLDER": str(folder), "CASEWORK_TRUSTED_PROXIES": proxies},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT_SECONDS,
            check=False,
        )
        assert done.returncode != 0
        assert "trusted_proxies" in done.stderr


# --- Behind the proxy of the compose file ---------------------------------------------------------


@pytest.fixture(scope="module")
def proxy(api: int, folder: Path) -> Iterator[int]:
    """nginx with the file of the compose file, but for the two addresses and shorter limits."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    text = (ROOT / "deploy" / "nginx" / "compose.conf").read_text(encoding="utf-8")
    for there, here in (
        ("server api:8000;", f"server {LOOPBACK}:{api};"),
        ("listen 8080;", f"listen {LOOPBACK}:{port};"),
        ("client_header_timeout 15s;", "client_header_timeout 1s;"),
        ("client_body_timeout 60s;", "client_body_timeout 1s;"),
        # The address that the API of this test trusts.
        ("proxy_connect_timeout 5s;", "proxy_connect_timeout 5s; proxy_bind 127.0.0.2;"),
        ("worker_processes 2;", "worker_processes 1; daemon off;"),
        ("/tmp/", f"{folder}/"),
    ):
        assert there in text
        text = text.replace(there, here)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    log = folder / "nginx.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", "stderr"],
            stdout=output,
            stderr=output,
        )
    try:
        answers(port, log)
        yield port
    finally:
        process.terminate()
        process.wait(LONGEST_WAIT_SECONDS)


def test_the_proxy_cuts_off_who_keeps_it_waiting(proxy: int) -> None:
    """nginx tells of the timeout, or says nothing, and closes."""
    began = time.monotonic()
    for pieces in ([], [b"GET /healthz HTTP/1.1\r\n", *[b"X: y\r\n"] * 12]):
        heard = said(proxy, *pieces, pause=0.2)
        assert heard == b"" or heard.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 10


def test_the_proxy_refuses_a_request_with_two_ends(proxy: int) -> None:
    heard = said(proxy, BOTH)
    assert heard.startswith(b"HTTP/1.1 400 ")
    assert heard.count(b"HTTP/1.1 ") == 1


def status_of_a_post(port: int, *, source: str, claimed: str) -> int:
    """Say something about a case that is not there, from one address and claiming another."""
    body = b'{"stance": "support", "text": "ok"}'
    with socket.create_connection((LOOPBACK, port), timeout=20, source_address=(source, 0)) as own:
        own.sendall(
            b"POST /api/v1/cases/eco-k3v9a2q7m4tz/representations HTTP/1.1\r\nHost: a\r\n"
            + f"X-Forwarded-For: {claimed}\r\nIdempotency-Key: {claimed}\r\n".encode()
            + b"Content-Type: application/json\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return int(own.recv(65536).split(b" ")[1])


def test_an_address_that_a_client_claims_does_not_count(api: int, proxy: int) -> None:
    """Eleven claimed addresses are one, straight to the API and through the proxy."""
    for port, source in ((api, "127.0.1.1"), (proxy, "127.0.3.1")):
        claimed = [f"198.51.{n}.1" for n in range(11)]
        codes = [status_of_a_post(port, source=source, claimed=each) for each in claimed]
        assert codes == [404] * 10 + [429]


def test_people_behind_the_proxy_are_told_apart(api: int, proxy: int) -> None:
    """Whoever sends too much slows the others behind the same proxy as little as without one."""
    for _ in range(11):
        last = status_of_a_post(proxy, source="127.0.4.1", claimed="198.51.100.1")
    assert last == 429
    assert status_of_a_post(proxy, source="127.0.5.1", claimed="198.51.100.1") == 404
