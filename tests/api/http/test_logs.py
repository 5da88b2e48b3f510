"""What the API logs: a JSON object a line, with the template of a route in place of what somebody sent."""

import json
import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from casework.processes.logs import configure_logs
from tests.api.desk import Desk

CANARY = "k4n4r13nv0g3l"
PUBLIC = ("/th", "/en", "/healthz", "/readyz", "/metrics", "/errors", "/dev", "/openapi.json")


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers = before


def addresses(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and template of every route, whatever router it came with."""
    found = app.openapi()["paths"]
    listed = [(m.upper(), path) for path, methods in found.items() for m in methods]
    pages = [
        (sorted(route.methods)[0], route.path)
        for route in cast(list[APIRoute], app.routes)
        if hasattr(route, "methods") and route.methods
    ]
    return sorted({*listed, *pages})


def test_no_log_holds_what_was_in_a_path_a_query_or_a_header(
    desk: Desk, capsys: pytest.CaptureFixture[str]
):
    """Every route, and addresses that none has; the database has no such thing, and so most are 404."""
    app = cast(FastAPI, desk.client.app)
    import re

    asked = [(m, re.sub(r"\{[^}]*\}", CANARY, path)) for m, path in addresses(app)]
    for language in ("th", "en"):
        for place in ("apply", "feedback", "case", "register", "track", "receipt", CANARY):
            asked.append(("GET", f"/{language}/{place}/{CANARY}"))
            asked.append(("POST", f"/{language}/{place}/{CANARY}"))
    asked.append(("GET", f"/{CANARY}"))
    assert len(asked) > 60
    for method, path in asked:
        if path.endswith("/progress"):
            continue
        desk.client.request(
            method,
            path,
            params={"q": CANARY, "case": CANARY},
            headers={
                "Authorization": f"Bearer {CANARY}",
                "Referer": f"http://here/{CANARY}",
                "User-Agent": CANARY,
                "Idempotency-Key": CANARY,
            },
            content=f'{{"text": "{CANARY}"}}' if method != "GET" else None,
        )
    lines = lines_of(capsys)
    assert len([line for line in lines if line["event"] == "request"]) >= len(asked) - 2
    assert [line for line in lines if CANARY in json.dumps(line)] == []


def test_a_request_is_one_line_with_its_template_and_its_trace(
    desk: Desk, capsys: pytest.CaptureFixture[str]
):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    desk.client.get("/healthz?q=x", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    (line,) = lines_of(capsys)
    assert line.pop("time").endswith("Z")
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/healthz",
        "status": 200,
        "trace_id": trace,
    }


def test_lines_of_uvicorn_and_of_the_sdk_have_the_same_shape(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    configure_logs()
    for name in ("uvicorn.error", "temporalio.worker", "temporalio.activity"):
        # A server that ran in this process before may have asked for less.
        caplog.set_level(logging.INFO, logger=name)
        logging.getLogger(name).warning("Something %s", "happened")
    lines = lines_of(capsys)
    assert [line["logger"] for line in lines] == [
        "uvicorn.error",
        "temporalio.worker",
        "temporalio.activity",
    ]
    for line in lines:
        assert (line["event"], line["level"]) == ("Something happened", "warning")
        assert line["time"].endswith("Z")


def test_a_line_of_an_activity_says_of_which_run_it_is(capsys: pytest.CaptureFixture[str]):
    configure_logs()
    run = "0199f1d2-5b5e-7c0a-8d53-0a2f4e0b6c11"
    logging.getLogger("temporalio.activity").warning(
        "Notice waits",
        extra={
            "temporal_activity": {
                "workflow_id": "notice-delivery",
                "workflow_run_id": run,
                "activity_type": "drain",
                "attempt": 2,
            }
        },
    )
    (line,) = lines_of(capsys)
    assert line["trace_id"] == run.replace("-", "")
    assert (line["workflow"], line["activity"], line["attempt"]) == ("notice-delivery", "drain", 2)


def test_an_exception_is_its_kind_and_its_trail_and_never_its_text(
    capsys: pytest.CaptureFixture[str],
):
    configure_logs()
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise ValueError(CANARY) from error
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n%s", CANARY)
    (line,) = lines_of(capsys)
    assert (line["kind"], line["causes"]) == ("ValueError", ["KeyError"])
    assert "test_logs.py" in line["trail"][0]
    assert CANARY not in json.dumps(line)


def test_whole_addresses_are_not_logged_by_the_server(capsys: pytest.CaptureFixture[str]):
    configure_logs()
    access = logging.getLogger("uvicorn.access")
    assert not access.hasHandlers()
    access.info('%s - "GET /th/apply/%s HTTP/1.1" 200', "127.0.0.1", CANARY)
    assert capsys.readouterr().out == ""
