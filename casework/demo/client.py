"""The demo's way in: HTTP and nothing else, as officers, applicants and neighbors have it."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import httpx2

from casework.domain.actors import ActorKind
from casework.identity.tokens import issue_token
from casework.processes.waiting import LONGEST_WAIT_SECONDS, wait_until
from casework.settings import Settings

Json = dict[str, Any]

_T = TypeVar("_T")

_TRY_AGAIN = frozenset({429, 503})


class Unexpected(Exception):
    """An answer that the story does not allow; the message quotes it."""


class Who(NamedTuple):
    """Somebody with a token: a person, the parts they may act in, and where (``*``: everywhere)."""

    person: str
    parts: tuple[ActorKind, ...]
    province: str | None = None
    establishment: str | None = None


class Answer(NamedTuple):
    """What was asked and what came back."""

    method: str
    path: str
    status: int
    body: Json


class Client:
    """Speak to the API as somebody. Repeats with the same key what it was asked to repeat."""

    def __init__(self, url: str, settings: Settings, check: Callable[[], None]) -> None:
        """Keep the address, and the settings of the local issuer that signs the tokens.

        ``check`` raises when there is nothing to wait for any more, because a process has ended.
        """
        self.url = url
        self._check = check
        self._settings = settings
        self._tokens: dict[Who, str] = {}
        self._http = httpx2.Client(base_url=url, timeout=LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def token(self, who: Who) -> str:
        """Return the bearer token of somebody, signed when it is first needed."""
        if who not in self._tokens:
            provinces = "*" if who.province == "*" else [who.province] if who.province else ()
            self._tokens[who] = issue_token(
                self._settings,
                who.person,
                who.parts,
                provinces=provinces,
                establishment=who.establishment,
            )
        return self._tokens[who]

    def get(self, path: str, who: Who | None = None) -> Json:
        """Read something; raises :class:`Unexpected` unless the answer is 200."""
        answer = self.ask("GET", path, who)
        return expect(answer, 200).body

    def page(self, path: str) -> httpx2.Response:
        """Read a page as anybody can, without a token."""
        return self._http.get(path, follow_redirects=True)

    def form(self, path: str, fields: Mapping[str, str]) -> httpx2.Response:
        """Send a form as a browser does."""
        return self._http.post(path, data=dict(fields))

    def case(self, case_id: str, who: Who) -> Json:
        """Read a case."""
        return self.get(f"/api/v1/cases/{case_id}", who)

    def journal(self, case_id: str, who: Who) -> list[Json]:
        """Read the journal of a case."""
        return self.get(f"/api/v1/cases/{case_id}/journal", who)["items"]

    def notices(self, case_id: str, who: Who) -> list[Json]:
        """Read the notices of a case."""
        return self.get(f"/api/v1/cases/{case_id}/notices", who)["items"]

    def act(self, view: Json, slug: str, body: Json, who: Who, key: str) -> Answer:
        """Do an act on the version of the case that was seen."""
        path = f"/api/v1/cases/{view['id']}/acts/{slug}"
        headers = {"If-Match": f'"{view["version"]}"'}
        return self.ask("POST", path, who, json=body, key=key, headers=headers)

    def upload(self, content: bytes, media_type: str, who: Who, key: str) -> str:
        """Store a file and return the SHA-256 by which findings and documents name it."""
        headers = {"Content-Type": media_type}
        answer = self.ask(
            "POST", "/api/v1/evidence", who, content=content, key=key, headers=headers
        )
        return str(expect(answer, 200, 201).body["sha256"])

    def ask(
        self,
        method: str,
        path: str,
        who: Who | None = None,
        *,
        json: Json | None = None,
        content: bytes | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request. A 429 or 503 is repeated with the same key, as long as all processes are up."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.token(who)}"
        if key is not None:
            sent["Idempotency-Key"] = key
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            self._check()
            response = self._http.request(method, path, json=json, content=content, headers=sent)
            if response.status_code not in _TRY_AGAIN or time.monotonic() > until:
                break
            time.sleep(min(float(response.headers.get("Retry-After", 1)), 2.0))
        is_json = "json" in response.headers.get("Content-Type", "")
        body: Json = response.json() if is_json else {}
        return Answer(method, path, response.status_code, body)

    def wait_until(self, what: str, look: Callable[[], _T | None]) -> _T:
        """Ask again and again until there is something, as long as all processes are up."""
        return wait_until(what, look, check=self._check)


def expect(answer: Answer, *statuses: int) -> Answer:
    """Return the answer; raises :class:`Unexpected` if its status is another."""
    if answer.status not in statuses:
        told = answer.body.get("detail") or answer.body.get("title") or answer.body
        raise Unexpected(f"{answer.method} {answer.path} answered {answer.status}: {told}")
    return answer
