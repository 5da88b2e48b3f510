"""Officers at work: the same few requests a second, however long the answers take."""

import asyncio
import contextlib
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count, cycle
from typing import Self

import httpx2

from casework.domain.actors import ActorKind
from casework.identity.tokens import issue_token
from casework.settings import Settings

PER_SECOND = 4
_ROUND = ("queue", "note", "case", "note")
_CASES = "/api/v1/cases"
_PATIENCE_SECONDS = 60.0


class OfficeCase:
    """A case with its officer."""

    def __init__(self, case_id: str, province: str, settings: Settings) -> None:
        """Sign the token of an officer of its province."""
        self.path = f"{_CASES}/{case_id}"
        self.province = province
        self.version = 1
        officer = (f"officer-{province}", (ActorKind.OFFICER,))
        token = issue_token(settings, *officer, provinces=(province,))
        self.headers = {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class Answered:
    """One request. ``seconds`` count from the instant at which it should have left."""

    is_act: bool
    seconds: float
    status: int


class Latencies:
    """What requests had to wait, in milliseconds."""

    def __init__(self, answers: Iterable[Answered]) -> None:
        """Keep the waits in rising order."""
        self._waits = sorted(answer.seconds * 1000 for answer in answers)

    def __len__(self) -> int:
        """Count the requests."""
        return len(self._waits)

    def percentile(self, percent: float) -> float:
        """Return the wait within which so many of a hundred were answered."""
        return self._waits[max(math.ceil(len(self._waits) * percent / 100) - 1, 0)]


class Officers:
    """Read queues and cases and add notes to cases, at a constant rate.

    A request leaves when its time has come, whatever became of those before it, and its wait counts
    from then: a system that stands still is not asked less.
    """

    def __init__(self, url: str, cases: Iterable[OfficeCase]) -> None:
        """Keep the cases; they take their turns."""
        self._http = httpx2.AsyncClient(base_url=url, timeout=_PATIENCE_SECONDS)
        self._cases = cycle(cases)

    async def __aenter__(self) -> Self:
        """Return the officers."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def work_until(self, over: asyncio.Event) -> list[Answered]:
        """Work until the event, hear out what is under way, and return all answers."""
        begun = asyncio.get_running_loop().time()
        tasks: list[asyncio.Task[Answered]] = []
        for number in count():
            due = begun + number / PER_SECOND
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await over.wait()
            if over.is_set():
                break
            what = _ROUND[number % len(_ROUND)]
            tasks.append(asyncio.create_task(self._ask(what, next(self._cases), due)))
        return await asyncio.gather(*tasks)

    async def _ask(self, what: str, case: OfficeCase, due: float) -> Answered:
        try:
            answer = await self._send(what, case)
        except httpx2.TransportError:
            status = 0
        else:
            status = answer.status_code
            if what == "note" and answer.is_success:
                case.version = int(answer.json()["version"])
        seconds = asyncio.get_running_loop().time() - due
        return Answered(is_act=what == "note", seconds=seconds, status=status)

    async def _send(self, what: str, case: OfficeCase) -> httpx2.Response:
        if what == "queue":
            return await self._http.get(_CASES, headers=case.headers)
        if what == "case":
            return await self._http.get(case.path, headers=case.headers)
        headers = {"If-Match": f'"{case.version}"', "Idempotency-Key": uuid.uuid4().hex}
        body = {"note": "Spoke with the site on the telephone."}
        path = f"{case.path}/acts/add-note"
        return await self._http.post(path, json=body, headers={**case.headers, **headers})
