"""What history holds against what SQL says, by somebody who shares no code with the engine.

It reads SQL with psycopg and Temporal's histories with the SDK, and takes both as JSON. The order matters: SQL is read
first, so that whatever stands there must be in a history that is read afterwards.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

Line = tuple[str, int]
"""A line of the journal: the case and its number."""


@dataclass(frozen=True)
class Acknowledged:
    """An act that somebody was told had been accepted."""

    case_id: str
    version: int


@dataclass
class Record:
    """What SQL says at one moment."""

    journal: dict[Line, datetime] = field(default_factory=dict[Line, datetime])
    letters: list[Line] = field(default_factory=list[Line])
    entries: list[Line] = field(default_factory=list[Line])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    intents: list[str] = field(default_factory=list[str])


def read_record(folder: str, database: str) -> Record:
    """Read all that counts in one transaction of PostgreSQL, by the socket in a folder."""
    with psycopg.connect(host=folder, user="postgres", dbname=database, connect_timeout=5) as db:
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return Record(
            journal={(c, n): at for c, n, at in db.execute("SELECT case_id, seq, at FROM journal")},
            letters=list(
                db.execute(
                    "SELECT case_id, seq FROM notices WHERE slug <> 'representation-received'"
                )
            ),
            entries=list(db.execute("SELECT case_id, version FROM register_entries")),
            versions=dict(db.execute("SELECT case_id, version FROM cases").fetchall()),
            intents=[row[0] for row in db.execute("SELECT case_id FROM intents")],
        )


async def read_histories(client: Client, cases: Iterable[str]) -> dict[Line, datetime]:
    """Return the lines that the histories of these cases hold, over all their runs."""
    lines: dict[Line, datetime] = {}
    for case_id in cases:
        run_id: str | None = None
        while True:
            try:
                handle = client.get_workflow_handle(case_id, run_id=run_id)
                history = await handle.fetch_history()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    break
                raise
            for event in history.events:
                for content in _contents(event):
                    lines |= {(case_id, n): at for n, at in _lines(content)}
            first = history.events[0].workflow_execution_started_event_attributes
            run_id = first.continued_execution_run_id
            if not run_id:
                break
    return lines


def _contents(event: Any) -> Iterable[Any]:
    answer = event.workflow_execution_update_completed_event_attributes.outcome.success
    asked = event.activity_task_scheduled_event_attributes.input
    for payload in (*answer.payloads, *asked.payloads):
        yield json.loads(payload.data)


def _lines(content: Any) -> Iterable[tuple[int, datetime]]:
    if not isinstance(content, dict):
        return
    for line in (content.get("unrecorded") or {}).get("lines", ()):
        yield line["seq"], datetime.fromisoformat(line["at"])
    if "seq" in content and "at" in content:
        # An activity that does something and records it under this number.
        yield content["seq"], datetime.fromisoformat(content["at"])


def ahead_of_history(record: Record, lines: dict[Line, datetime]) -> list[str]:
    """Return what SQL says and no history holds, in words."""
    wrong = [
        f"line {n} of {case_id} is recorded and in no history"
        for (case_id, n), at in record.journal.items()
        if lines.get((case_id, n)) != at
    ]
    wrong += [
        f"a letter about {n} of {c} is in no history"
        for c, n in record.letters
        if (c, n) not in lines
    ]
    wrong += [
        f"entry at {n} of {c} is in no history" for c, n in record.entries if (c, n) not in lines
    ]
    return wrong


def behind_history(
    record: Record, lines: dict[Line, datetime], acknowledged: Iterable[Acknowledged]
) -> list[str]:
    """Return what history holds or somebody was told, and SQL lacks, in words."""
    wrong = [
        f"line {n} of {c} is in history and not recorded"
        for c, n in lines
        if (c, n) not in record.journal
    ]
    wrong += [
        f"version {act.version} of {act.case_id} was acknowledged and is not recorded"
        for act in acknowledged
        if (act.case_id, act.version) not in record.journal
    ]
    wrong += [f"an act on {case_id} is not settled" for case_id in record.intents]
    last: dict[str, int] = {}
    count: dict[str, int] = {}
    for case_id, n in record.journal:
        last[case_id] = max(last.get(case_id, 0), n)
        count[case_id] = count.get(case_id, 0) + 1
    wrong += [f"{c} has {count[c]} lines up to {n}" for c, n in last.items() if count[c] != n]
    wrong += [
        f"{c} stands at {record.versions.get(c)} and its journal at {n}"
        for c, n in last.items()
        if record.versions.get(c) != n
    ]
    return wrong
