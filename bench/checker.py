"""What history holds against what SQL says, by somebody who shares no code with the engine.

It reads SQL with psycopg, the folder of the mail server and Temporal's histories with the SDK, all of it as JSON.
The order matters: mail is read first, then SQL, then the histories, so that whatever stands in one must be in those
read after it.
"""

import asyncio
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import DictRow, dict_row
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

Json = dict[str, Any]

_ANSWER_WITHIN = timedelta(seconds=20)
_AT_ONCE = 8

_TABLES: dict[str, LiteralString] = {
    "journal": "SELECT case_id, seq, body, previous_hash, hash FROM journal ORDER BY case_id, seq",
    "letters": "SELECT key, case_id, seq FROM notices WHERE slug <> 'representation-received'",
    "entries": "SELECT case_id, version, number FROM register_entries ORDER BY number",
    "cases": "SELECT case_id, version, head FROM cases",
    "intents": "SELECT update_id, case_id, act, extract(epoch FROM now() - sent_at)::float AS age FROM intents",
    "enrollments": "SELECT case_id FROM enrollments",
}

_MAKES = {"casebook.close_feedback": "FeedbackClosed", "casebook.publish": "CertificationPublished"}
"""Activities that make a line themselves: their input has its number and instant, their result what else is in it."""

EVENTS = {
    "apply": "ApplicationSubmitted",
    "accept-application": "ApplicationAccepted",
    "schedule-inspection": "InspectionScheduled",
    "file-inspection": "InspectionFiled",
    "add-note": "NoteAdded",
    "recommend": "RecommendationMade",
    "decide": "DecisionMade",
}
"""What an act brings about, by its name in the address."""


@dataclass(frozen=True)
class Acknowledged:
    """An act that somebody was told had been accepted; ``request`` is the id under which it was sent."""

    case_id: str
    version: int
    act: str
    request: str


@dataclass(frozen=True)
class Violation:
    """A sentence that is not true of a line of a case."""

    what: str
    case_id: str = ""
    seq: int = 0
    detail: str = ""

    def __str__(self) -> str:
        """Say it on one line."""
        return " ".join(filter(None, (self.what, self.case_id, str(self.seq or ""), self.detail)))


@dataclass
class Record:
    """What the mail server and SQL say at one moment."""

    journal: list[Json] = field(default_factory=list[Json])
    letters: list[Json] = field(default_factory=list[Json])
    entries: list[Json] = field(default_factory=list[Json])
    cases: list[Json] = field(default_factory=list[Json])
    intents: list[Json] = field(default_factory=list[Json])
    enrollments: list[Json] = field(default_factory=list[Json])
    mails: Counter[str] = field(default_factory=Counter[str])

    def lines(self) -> dict[tuple[str, int], Json]:
        """Return the lines by case and number."""
        return {(row["case_id"], row["seq"]): json.loads(row["body"]) for row in self.journal}

    def all_cases(self) -> set[str]:
        """Return every case that SQL knows of."""
        rows = (*self.enrollments, *self.cases, *self.journal, *self.intents)
        return {row["case_id"] for row in rows}


@dataclass
class Made:
    """A line that an activity makes; ``result`` is None as long as history has none."""

    seq: int
    at: str
    type: str
    version: int | None = None
    result: Json | None = None

    def is_that_of(self, line: Json) -> bool:
        """Say whether the line is this one; fields that have nothing in them are left out of lines."""
        event = line["event"]
        same = (self.seq, self.type) == (line["seq"], event["type"])
        same = same and datetime.fromisoformat(self.at) == datetime.fromisoformat(line["at"])
        if not same or self.result is None:
            return same and event.get("version") == self.version
        made = {**self.result, **({"version": self.version} if self.version else {})}
        # Lines are written without what is empty.
        return _telling({"type": self.type, **made}) == _telling(event)


def _telling(content: Json) -> Json:
    return {name: value for name, value in content.items() if _says(value)}


def _says(value: object) -> bool:
    return any(map(_says, value.values())) if isinstance(value, dict) else bool(value)


@dataclass
class History:
    """All lines that Temporal holds of one case, over its runs."""

    lines: dict[int, list[Json]] = field(default_factory=lambda: defaultdict(list))
    made: list[Made] = field(default_factory=list[Made])

    def add(self, other: "History") -> None:
        """Take in what another run holds."""
        for seq, lines in other.lines.items():
            self.lines[seq] += lines
        self.made += other.made

    def holds(self, line: Json) -> bool:
        """Say whether this very line is held."""
        return line in self.lines.get(line["seq"], ()) or any(m.is_that_of(line) for m in self.made)

    def has(self, seq: int) -> bool:
        """Say whether a line of this number is held."""
        return seq in self.lines or any(made.seq == seq for made in self.made)


# --- Reading --------------------------------------------------------------------------------------


def read_record(folder: str, database: str, mail: Path) -> Record:
    """Read the mail, and then all tables in one transaction of PostgreSQL, by the socket in a folder."""
    mails = Counter(
        str(message_from_bytes(file.read_bytes())["Message-ID"]).strip(" <>").partition("@")[0]
        for file in mail.glob("*.eml")
    )
    with psycopg.Connection[DictRow].connect(
        host=folder, user="postgres", dbname=database, connect_timeout=5, row_factory=dict_row
    ) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        tables = {name: db.execute(text).fetchall() for name, text in _TABLES.items()}
    return Record(**tables, mails=mails)


class Histories:
    """Read the histories of cases; runs that have ended are read once."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._ended: dict[str, tuple[History, str]] = {}

    async def read(self, client: Client, cases: Iterable[str]) -> dict[str, History]:
        """Return what Temporal holds of these cases; nothing of one that never started."""
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(case_id: str) -> tuple[str, History]:
            async with places:
                return case_id, await self._all_runs(client, case_id)

        return dict(await asyncio.gather(*(one(case_id) for case_id in sorted(cases))))

    async def _all_runs(self, client: Client, case_id: str) -> History:
        whole = History()
        try:
            handle = client.get_workflow_handle(case_id)
            described = await handle.describe(rpc_timeout=_ANSWER_WITHIN)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return whole
            raise
        run_id = described.raw_info.first_run_id
        while run_id:
            if run_id not in self._ended:
                handle = client.get_workflow_handle(case_id, run_id=run_id)
                events = (await handle.fetch_history(rpc_timeout=_ANSWER_WITHIN)).events
                last = events[-1].workflow_execution_continued_as_new_event_attributes
                run = read_run(events), last.new_execution_run_id
                if run[1]:
                    self._ended[run_id] = run
            else:
                run = self._ended[run_id]
            whole.add(run[0])
            run_id = run[1]
        return whole


def read_run(events: Iterable[Any]) -> History:
    """Take the lines out of the events of one run."""
    found = History()
    asked: dict[int, Made] = {}
    for event in events:
        answer = event.workflow_execution_update_completed_event_attributes.outcome.success
        scheduled = event.activity_task_scheduled_event_attributes
        for payload in (*answer.payloads, *scheduled.input.payloads):
            content = json.loads(payload.data) if payload.data else None
            if not isinstance(content, dict):
                continue
            for line in (content.get("unrecorded") or {}).get("lines", ()):
                found.lines[line["seq"]].append(line)
            kind = _MAKES.get(scheduled.activity_type.name)
            if kind is not None:
                made = Made(content["seq"], content["at"], kind, content.get("version"))
                asked[event.event_id] = made
                found.made.append(made)
        done = event.activity_task_completed_event_attributes
        if done.scheduled_event_id in asked:
            asked[done.scheduled_event_id].result = json.loads(done.result.payloads[0].data)
    return found


# --- Judging --------------------------------------------------------------------------------------


def ahead_of_history(record: Record, histories: Mapping[str, History]) -> list[Violation]:
    """Return what SQL or the mail server have and no history holds; true at any moment there is none."""
    nothing = History()
    wrong = [
        Violation("a line on record is in no history", case_id, seq, line["event"]["type"])
        for (case_id, seq), line in record.lines().items()
        if not histories.get(case_id, nothing).holds(line)
    ]
    wrong += [
        Violation("a letter is about a line in no history", row["case_id"], row["seq"], row["key"])
        for row in record.letters
        if not histories.get(row["case_id"], nothing).has(row["seq"])
    ]
    wrong += [
        Violation("an entry of the register is in no history", row["case_id"], row["version"])
        for row in record.entries
        if not any(
            made.version == row["version"]
            and (made.result is None or made.result["entry"] == row["number"])
            for made in histories.get(row["case_id"], nothing).made
        )
    ]
    letters = {hashlib.sha256(r["key"].encode()).hexdigest()[:32]: r for r in record.letters}
    for message, times in record.mails.items():
        row = letters.get(message)
        if row is None:
            wrong.append(Violation("a mail left that is no letter", detail=message))
        elif times > 1:
            wrong.append(Violation("a mail left twice", row["case_id"], row["seq"], row["key"]))
    return wrong + _broken(record)


def behind_history(
    record: Record,
    histories: Mapping[str, History],
    acknowledged: Iterable[Acknowledged],
    refused: Iterable[str] = (),
    *,
    oldest_intent: float = 0.0,
) -> list[Violation]:
    """Return what history holds or somebody was told and SQL lacks; after a while of rest there is none.

    ``refused`` has the requests that nothing may have come of, ``oldest_intent`` the seconds that an act may stay
    unsettled.
    """
    lines = record.lines()
    wrong = [
        Violation("a line in history is not on record", case_id, seq, held["event"]["type"])
        for case_id, history in histories.items()
        for seq, versions in history.lines.items()
        for held in versions
        if lines.get((case_id, seq)) != held
    ]
    wrong += [
        Violation("a line in history is not on record", case_id, made.seq, made.type)
        for case_id, history in histories.items()
        for made in history.made
        if made.result is not None and not _is_written(made, lines.get((case_id, made.seq)))
    ]
    by_request: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    for (case_id, seq), line in lines.items():
        if request := line.get("request"):
            by_request[request].append((case_id, seq, line["event"]["type"]))
    for act in acknowledged:
        brought = by_request.get(act.request, [])
        if (act.case_id, act.version) not in {(c, n) for c, n, _ in brought}:
            wrong.append(
                Violation("acknowledged and not on record", act.case_id, act.version, act.act)
            )
        elif [kind for *_, kind in brought].count(EVENTS[act.act]) != 1:
            detail = f"{act.act}: {', '.join(kind for *_, kind in brought)}"
            wrong.append(Violation("on record otherwise", act.case_id, act.version, detail))
    wrong += [
        Violation("refused and on record", case_id, seq, kind)
        for request in refused
        for case_id, seq, kind in by_request.get(request, ())
    ]
    wrong += [
        Violation(
            "an act is not settled", row["case_id"], 0, f"{row['act']}, {row['age']:.0f} s old"
        )
        for row in record.intents
        if row["age"] > oldest_intent
    ]
    return wrong


def _is_written(made: Made, line: Json | None) -> bool:
    return line is not None and made.is_that_of(line)


def _broken(record: Record) -> list[Violation]:
    """Return gaps, doubles and broken chains, and cases that are not where their journal ends."""
    wrong: list[Violation] = []
    ends: dict[str, tuple[int, str]] = {}
    for row in record.journal:
        case_id, seq = row["case_id"], row["seq"]
        last, head = ends.get(case_id, (0, hashlib.sha256(case_id.encode()).hexdigest()))
        if seq != last + 1 or json.loads(row["body"])["seq"] != seq:
            wrong.append(Violation("the journal has a gap or a double", case_id, seq))
        expected = hashlib.sha256((head + row["body"]).encode()).hexdigest()
        if (row["previous_hash"], row["hash"]) != (head, expected):
            wrong.append(Violation("the journal's chain is broken", case_id, seq))
        ends[case_id] = seq, row["hash"]
    wrong += [
        Violation("the case is not where its journal ends", row["case_id"], row["version"])
        for row in record.cases
        if ends.get(row["case_id"]) != (row["version"], row["head"])
    ]
    numbers = [row["number"] for row in record.entries]
    if numbers != list(range(1, len(numbers) + 1)):
        wrong.append(Violation("the register has a gap or a double", detail=str(numbers)))
    return wrong
