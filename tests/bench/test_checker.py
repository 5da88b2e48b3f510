"""The checker of the drill notices what it is there to notice."""

import hashlib
import json
from collections import Counter
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent

from bench.checker import (
    Acknowledged,
    History,
    Record,
    ahead_of_history,
    behind_history,
    read_run,
)

AT = "2026-11-24T00:00:00Z"
LATER = "2026-11-25T00:00:00Z"
CASE = "eco-1"
APPLIED = Acknowledged(CASE, 1, "apply", "request-1")


def line(seq: int, kind: str = "NoteAdded", at: str = AT, **event: Any) -> dict[str, Any]:
    actor = {"person": "officer-21", "kind": "officer"}
    return {
        "seq": seq,
        "at": at,
        "actor": actor,
        "event": {"type": kind, **event},
        "request": f"request-{seq}",
    }


FIRST = line(1, "ApplicationSubmitted", contact="con-1")


def journal(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    rows, head = [], hashlib.sha256(CASE.encode()).hexdigest()
    for each in lines:
        body = json.dumps(each)
        digest = hashlib.sha256((head + body).encode()).hexdigest()
        row = {"case_id": CASE, "seq": each["seq"], "body": body}
        rows.append({**row, "previous_hash": head, "hash": digest})
        head = digest
    return rows


def record(*lines: dict[str, Any], **more: Any) -> Record:
    rows = journal(*lines)
    cases = [{"case_id": CASE, "version": lines[-1]["seq"], "head": rows[-1]["hash"]}]
    return Record(**{"journal": rows, "cases": cases, **more})


def letter(seq: int) -> dict[str, Any]:
    return {"key": f"{CASE}/note/{seq}/officer", "case_id": CASE, "seq": seq}


def history(*lines: dict[str, Any], **activities: Any) -> dict[str, History]:
    """Read an update that answered with these lines, as Temporal has it."""
    update = HistoryEvent(event_id=1)
    answer = update.workflow_execution_update_completed_event_attributes.outcome.success
    answer.payloads.append(payload({"receipt": "1", "unrecorded": {"lines": lines}}))
    return {CASE: read_run([update, *activities.get("events", ())])}


def payload(content: Any) -> Payload:
    return Payload(data=json.dumps(content).encode())


def publication(seq: int, entry: int | None) -> list[HistoryEvent]:
    asked = HistoryEvent(event_id=7)
    scheduled = asked.activity_task_scheduled_event_attributes
    scheduled.activity_type.name = "casebook.publish"
    content = {"unrecorded": {}, "seq": seq, "at": AT, "version": 1}
    scheduled.input.payloads.append(payload(content))
    done = HistoryEvent(event_id=8)
    completed = done.activity_task_completed_event_attributes
    completed.scheduled_event_id = 7
    completed.result.payloads.append(payload({"entry": entry}))
    return [asked] if entry is None else [asked, done]


PUBLISHED = line(2, "CertificationPublished", version=1, entry=1)
ENTRY = {"case_id": CASE, "version": 1, "number": 1}


def test_what_history_holds_and_sql_says_is_no_difference() -> None:
    sent = letter(1)
    mails = Counter([hashlib.sha256(sent["key"].encode()).hexdigest()[:32]])
    same = record(FIRST, letters=[sent], mails=mails)
    assert ahead_of_history(same, history(FIRST)) == []
    assert behind_history(same, history(FIRST), [APPLIED]) == []


def test_a_publication_that_was_asked_for_holds_its_line_and_its_entry() -> None:
    published = record(FIRST, PUBLISHED, entries=[ENTRY])
    for entry in (None, 1):
        held = history(FIRST, events=publication(2, entry))
        assert ahead_of_history(published, held) == []
        assert behind_history(published, held, [APPLIED]) == []
    other = history(FIRST, events=publication(2, 2))
    assert len(ahead_of_history(published, other)) == 2
    assert behind_history(record(FIRST), history(FIRST, events=publication(2, 1)), [])
    assert ahead_of_history(published, history(FIRST))


def test_what_is_empty_in_a_result_is_left_out_of_its_line() -> None:
    asked, done = publication(2, 1)
    asked.activity_task_scheduled_event_attributes.activity_type.name = "casebook.close_feedback"
    result = done.activity_task_completed_event_attributes.result
    for representations in ([], [[1, 2]]):
        told = {"representations": {"ranges": representations}, "support": len(representations)}
        result.payloads[0].CopyFrom(payload(told))
        held = history(FIRST, events=[asked, done])
        held[CASE].made[0].version = None
        closed = line(2, "FeedbackClosed", **(told if representations else {}))
        assert ahead_of_history(record(FIRST, closed), held) == []
        other = line(2, "FeedbackClosed", representations={"ranges": [[1, 3]]})
        assert len(ahead_of_history(record(FIRST, other), held)) == 1


def test_lines_letters_entries_and_mails_without_a_history_are_named() -> None:
    ahead = record(
        FIRST,
        line(2),
        letters=[letter(1), letter(2)],
        entries=[ENTRY],
        mails=Counter(["of nobody"]),
    )
    assert [(wrong.case_id, wrong.seq) for wrong in ahead_of_history(ahead, history(FIRST))] == [
        (CASE, 2),
        (CASE, 2),
        (CASE, 1),
        ("", 0),
    ]
    assert len(ahead_of_history(ahead, {})) == 6


def test_the_same_number_with_another_content_is_another_line() -> None:
    held = history(FIRST, line(2, note="txt-1"))
    for other in (line(2, note="txt-2"), line(2, note="txt-1", at=LATER)):
        assert len(ahead_of_history(record(FIRST, other), held)) == 1
        assert len(behind_history(record(FIRST, other), held, [])) == 1


def test_a_mail_that_left_twice_is_named() -> None:
    sent = letter(1)
    digest = hashlib.sha256(sent["key"].encode()).hexdigest()[:32]
    twice = record(FIRST, letters=[sent], mails=Counter({digest: 2}))
    assert len(ahead_of_history(twice, history(FIRST))) == 1


def test_gaps_doubles_broken_chains_and_cases_elsewhere_are_named() -> None:
    held = history(FIRST, line(2), line(3))
    assert ahead_of_history(record(FIRST, line(3)), held)
    assert ahead_of_history(record(FIRST, FIRST), held)
    broken = record(FIRST, line(2))
    broken.journal[0]["hash"] = "another"
    assert ahead_of_history(broken, held)
    elsewhere = record(FIRST)
    elsewhere.cases[0]["version"] = 2
    assert ahead_of_history(elsewhere, held)
    assert ahead_of_history(record(FIRST, entries=[{**ENTRY, "number": 2}]), held)


def test_what_sql_lacks_is_named() -> None:
    assert behind_history(record(FIRST), history(FIRST, line(2)), [])
    note = Acknowledged(CASE, 2, "add-note", "request-2")
    assert behind_history(record(FIRST), history(FIRST), [note])
    assert behind_history(record(FIRST, line(2)), history(FIRST, line(2)), [note]) == []


def test_what_people_were_told_is_held_against_the_record() -> None:
    both, held = record(FIRST, line(2)), history(FIRST, line(2))
    of_another = Acknowledged(CASE, 2, "add-note", "request-9")
    assert behind_history(both, held, [of_another])
    assert behind_history(both, held, [Acknowledged(CASE, 2, "decide", "request-2")])
    assert behind_history(both, held, [APPLIED], ["request-2"])
    assert behind_history(both, held, [APPLIED], ["request-9"]) == []
    twice = line(3)
    twice["request"] = "request-2"
    done_twice = record(FIRST, line(2), twice)
    note = Acknowledged(CASE, 2, "add-note", "request-2")
    assert behind_history(done_twice, history(FIRST, line(2), twice), [note])


def test_an_intent_that_is_older_than_it_may_be_is_named() -> None:
    intent = {"update_id": "request-2", "case_id": CASE, "act": "add-note", "age": 20.0}
    left = record(FIRST, intents=[intent])
    assert behind_history(left, history(FIRST), [APPLIED])
    assert behind_history(left, history(FIRST), [APPLIED], oldest_intent=30.0) == []
