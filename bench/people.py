"""People of a drill: they apply, act and look, at a bounded pace, and repeat under one key what got no clear answer."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from time import monotonic
from typing import Any, NamedTuple

import httpx2

from api.http.preconditions import update_id_of
from bench.checker import Acknowledged
from casework.demo.cases import PAPER
from casework.demo.client import Who
from casework.demo.people import person_of
from casework.demo.steps import Cast, Goal, Situation, Step, is_there, next_step
from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from casework.identity.tokens import issue_token
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings

PROVINCE = "21"
GOAL = Goal(Stage.CERTIFIED, "eco-network")

_PAUSE_SECONDS = 0.1
_OPEN_CASES = 4
_UNCLEAR = frozenset({429, 502, 503, 504})
_APPLICATIONS, _CASES = "/api/v1/applications", "/api/v1/cases"


class Clear(NamedTuple):
    """An answer that says what became of it."""

    status: int
    body: dict[str, Any]


class OpenCase(NamedTuple):
    """A case on its way and everybody who acts in it."""

    case_id: str
    cast: Cast


@dataclass
class Tally:
    """What people were told, and when; moments are those of the monotonic clock."""

    acknowledged: list[Acknowledged] = field(default_factory=list[Acknowledged])
    refused: list[str] = field(default_factory=list[str])
    statuses: Counter[int] = field(default_factory=Counter[int])
    faults: list[str] = field(default_factory=list[str])
    unclear: int = 0
    never_clear: list[str] = field(default_factory=list[str])
    asked_and_answered: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    cases: list[OpenCase] = field(default_factory=list[OpenCase])


class Town:
    """What all people share: the API, their tokens, the programs and one file of evidence."""

    def __init__(self, client: httpx2.AsyncClient, settings: Settings) -> None:
        """Load the programs."""
        self.client = client
        self.catalog = ProgramCatalog.load()
        self.evidence = ""
        self._settings = settings
        self._tokens: dict[Who, str] = {}

    def headers(self, who: Who) -> dict[str, str]:
        """Return what says who asks."""
        if who not in self._tokens:
            self._tokens[who] = issue_token(
                self._settings,
                who.person,
                who.parts,
                provinces=(who.province,) if who.province else (),
                establishment=who.establishment,
            )
        return {"Authorization": f"Bearer {self._tokens[who]}"}

    async def upload(self) -> None:
        """Store the file that serves as evidence."""
        answer = await self.client.post(
            "/api/v1/evidence",
            content=PAPER,
            headers={
                **self.headers(_staff(ActorKind.INSPECTOR)),
                "Content-Type": "application/pdf",
                "Idempotency-Key": "paper",
            },
        )
        answer.raise_for_status()
        self.evidence = str(answer.json()["sha256"])


class Person:
    """Bring cases of sites to certification, with notes in between, on their own cases and those of others."""

    def __init__(self, name: str, town: Town, tally: Tally, seed: str) -> None:
        """Keep the town; what is drawn from the seed is who does what next."""
        self._name, self._town, self._tally = name, town, tally
        self._draw = random.Random(seed)
        self._applied = count(1)
        self._keys = count(1)
        self._mine: list[OpenCase] = []

    async def work(self, over: asyncio.Event) -> None:
        """Work until it is over; what has no clear answer then is still asked for."""
        while not over.is_set():
            if len(self._mine) < _OPEN_CASES:
                await self._apply()
                continue
            case = self._draw.choice(self._mine)
            view = await self._look(case)
            if view is None:
                continue
            if is_there(view, GOAL) and view["register_entry"] is not None:
                self._mine.remove(case)
                continue
            step = next_step(self._situation(case, view))
            if step is None or self._draw.random() < 0.5:
                # Half of the notes are on cases of others, who then read the case anew.
                case = self._draw.choice((case, self._draw.choice(self._tally.cases)))
                step = Step("add-note", case.cast.officer, {"note": f"Call {next(self._keys)}."})
                view = await self._look(case)
                if view is None:
                    continue
            await self._act(case, view, step)

    def _situation(self, case: OpenCase, view: dict[str, Any]) -> Situation:
        return Situation(
            view=view,
            goal=GOAL,
            cast=case.cast,
            program=self._town.catalog.get(view["program"], view["program_version"]),
            evidence=self._town.evidence,
            now=datetime.now(UTC),
        )

    async def _apply(self) -> None:
        number = next(self._applied)
        who = Who(f"{self._name}-site-{number}", (ActorKind.APPLICANT,))
        body = {
            "program": GOAL.program,
            "establishment": {
                "registration_no": f"{self._name.upper()}-{number}",
                "name_en": f"Works {number} of {self._name}",
                "address": "1 Moo 1",
                "province": PROVINCE,
            },
            "contact": {"name": "Somying", "email": f"{self._name}-{number}@sample.example"},
        }
        key = f"apply-{number}"
        headers = {**self._town.headers(who), "Idempotency-Key": key}
        answer = await self._ask("POST", _APPLICATIONS, headers, body)
        if answer.status not in {200, 201, 202}:
            self._tally.faults.append(f"an application was answered {answer.status}: {answer.body}")
            return
        told = answer.body
        request = update_id_of(who.person, "applications", key)
        self._tally.acknowledged.append(
            Acknowledged(told["case"], told["version"], "apply", request)
        )
        applicant = who._replace(establishment=told["establishment"])
        staff = [
            _staff(kind)
            for kind in (
                ActorKind.OFFICER,
                ActorKind.INSPECTOR,
                ActorKind.REVIEWER,
                ActorKind.DECISION_MAKER,
            )
        ]
        case = OpenCase(told["case"], Cast(applicant, *staff))
        self._mine.append(case)
        self._tally.cases.append(case)

    async def _look(self, case: OpenCase) -> dict[str, Any] | None:
        """Read a case; None while it is accepted and its record follows."""
        headers = self._town.headers(case.cast.officer)
        answer = await self._ask("GET", f"{_CASES}/{case.case_id}", headers)
        return answer.body if answer.status == 200 else None

    async def _act(self, case: OpenCase, view: dict[str, Any], step: Step) -> None:
        key = f"{self._name}-{next(self._keys)}"
        headers = {
            **self._town.headers(step.who),
            "If-Match": f'"{view["version"]}"',
            "Idempotency-Key": key,
        }
        path = f"{_CASES}/{case.case_id}/acts/{step.act}"
        asked = monotonic()
        answer = await self._ask("POST", path, headers, step.body)
        request = update_id_of(step.who.person, case.case_id, key)
        if answer.status in {200, 202}:
            told = Acknowledged(case.case_id, answer.body["version"], step.act, request)
            self._tally.acknowledged.append(told)
            self._tally.asked_and_answered.append((asked, monotonic()))
        elif answer.status in {409, 412}:
            self._tally.refused.append(request)
        else:
            self._tally.faults.append(
                f"{step.act} on {case.case_id} was answered {answer.status}: {answer.body}"
            )

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], body: object = None
    ) -> Clear:
        """Ask until the answer is clear."""
        ask: Callable[[], Awaitable[httpx2.Response]] = lambda: self._town.client.request(  # noqa: E731
            method, path, json=body, headers=headers
        )
        self._tally.never_clear.append(path)
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                answer = await ask()
            except httpx2.HTTPError:
                self._tally.unclear += 1
                continue
            self._tally.statuses[answer.status_code] += 1
            if answer.status_code == 500:
                self._tally.faults.append(f"{method} {path} was answered 500: {answer.text[:300]}")
            if answer.status_code not in _UNCLEAR | {500}:
                self._tally.never_clear.remove(path)
                is_json = "json" in answer.headers.get("Content-Type", "")
                return Clear(answer.status_code, answer.json() if is_json else {})
            self._tally.unclear += 1


def _staff(kind: ActorKind) -> Who:
    return Who(person_of(kind, PROVINCE), (kind,), province=PROVINCE)
