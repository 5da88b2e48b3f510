"""Somebody at a desk with a token: what the API's tests send, and to what."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.collaborators import Collaborators
from casework.domain.actors import Actor, ActorKind
from casework.domain.stages import Stage
from casework.identity.tokens import issue_token
from casework.settings import Settings
from casework.store.cases.enrollments import find_establishment
from casework.store.database import Database
from tests.sample_case import ESTABLISHMENT, NOW, TERMS
from tests.store.story import Story, put
from tests.workflows.office import seed_establishment

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
"""The smallest file that is taken for a PDF."""


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Desk:
    """Send requests as somebody. Every POST gets a key of its own unless the test names one."""

    def __init__(self, client: TestClient, settings: Settings, clock: SetClock) -> None:
        self.client = client
        self.settings = settings
        self.clock = clock

    @property
    def app(self) -> FastAPI:
        """The application under test."""
        app = self.client.app
        assert isinstance(app, FastAPI)
        return app

    @property
    def parts(self) -> Collaborators:
        """What its routes work with."""
        return self.app.state.collaborators

    @property
    def database(self) -> Database:
        """The database it reads and writes."""
        return self.parts.database

    def token(
        self,
        who: Actor,
        provinces: Iterable[str] | str = ("21",),
        programs: Iterable[str] | str = "*",
        **more: Any,
    ) -> str:
        """Sign a token for an actor of the sample case."""
        return issue_token(
            self.settings,
            who.person,
            who.kinds,
            provinces=_codes(provinces) if who.kinds != (ActorKind.APPLICANT,) else (),
            programs=_codes(programs),
            establishment=who.establishment,
            now=lambda: self.clock().timestamp(),
            **more,
        )

    def headers(self, who: Actor | None, **scope: Any) -> dict[str, str]:
        """Return the headers that say who asks."""
        return {"Authorization": f"Bearer {self.token(who, **scope)}"} if who else {}

    def get(self, path: str, who: Actor | None = None, **more: Any) -> httpx2.Response:
        """Read something."""
        headers = {**self.headers(who, **more.pop("scope", {})), **more.pop("headers", {})}
        return self.client.get(path, headers=headers, **more)

    def post(
        self,
        path: str,
        body: Any = None,
        who: Actor | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        scope: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> httpx2.Response:
        """Send something, as JSON unless ``content`` is given."""
        sent = {
            "Idempotency-Key": key or str(uuid.uuid4()),
            **self.headers(who, **(scope or {})),
            **(headers or {}),
        }
        if "content" not in more:
            more["json"] = body
        return self.client.post(path, headers=sent, **more)

    def act(
        self,
        slug: str,
        body: Any,
        who: Actor,
        *,
        version: int = 1,
        case_id: str = TERMS.case_id,
        **more: Any,
    ) -> httpx2.Response:
        """Do an act on the version that was seen."""
        headers = {"If-Match": f'"{version}"', **more.pop("headers", {})}
        path = f"/api/v1/cases/{case_id}/acts/{slug}"
        return self.post(path, body, who, headers=headers, **more)

    def upload(self, who: Actor, content: bytes = PDF, kind: str = "application/pdf") -> str:
        """Store a file and return its hash."""
        answer = self.post(
            "/api/v1/evidence", who=who, content=content, headers={"Content-Type": kind}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sha256"])

    def put_case(self, stage: Stage, case_id: str = TERMS.case_id, **terms: Any) -> Story:
        """Record the life of a case up to a stage, with its establishment."""
        with self.database.reading() as session:
            known = find_establishment(session, ESTABLISHMENT)
        if known is None:
            seed_establishment(self.database)
        version = self.parts.catalog.get("eco-network", "1")
        terms.setdefault("rules", version.rules())
        terms.setdefault("calendar", self.parts.calendar())
        return put(self.database, Story(case_id, **terms).lead_to(stage))


def _codes(codes: Iterable[str] | str) -> tuple[str, ...] | str:
    return codes if isinstance(codes, str) else tuple(codes)


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem of an answer that has to be this one."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["status"] == status
    assert body["type"].endswith(f"/errors/{code}")
    assert body["trace_id"] == answer.headers["x-trace-id"]
    return body


def pointers(body: Mapping[str, Any]) -> list[str]:
    """Return the places that a problem points at."""
    return [error["pointer"] for error in body["errors"]]
