"""Recorded histories of every path replay under the code as it is, and tell the same story."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    HandleUpdateInput,
    Interceptor,
    Replayer,
    StartActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from casework.domain.events import Recorded
from casework.store.cases.casebook import canonical
from tests.workflows.paths import PATHS
from tests.workflows.seminar import DRIVES
from tests.workflows.test_paths import HISTORIES
from workflows.enrollment_case import EnrollmentCase
from workflows.enrollment_drive import EnrollmentDrive


class Listener(Interceptor):
    """Hears what a replayed workflow answers to acts and asks of activities: commands alone would not show a change."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the name is the SDK's
    ) -> type[WorkflowInboundInterceptor]:
        heard = self.heard

        class Outbound(WorkflowOutboundInterceptor):
            def start_activity(self, input: StartActivityInput):  # noqa: A002 - likewise
                heard.extend(
                    argument.model_dump_json()
                    for argument in input.args
                    if isinstance(argument, BaseModel)
                )
                return super().start_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

            async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002 - likewise
                answer = await super().handle_update_handler(input)
                if isinstance(answer, BaseModel):
                    heard.append(answer.model_dump_json())
                return answer

        return Inbound


def answered_and_asked(history: WorkflowHistory) -> list[str]:
    """Return the answers to updates and the inputs of activities in a history, in order."""
    told: list[str] = []
    for event in history.events:
        done = event.workflow_execution_update_completed_event_attributes.outcome.success
        asked = event.activity_task_scheduled_event_attributes.input
        told += [payload.data.decode() for payload in (*done.payloads, *asked.payloads)]
    return told


def made_by_an_activity(line: str) -> bool:
    """Say whether an activity wrote this line, from what it found or did: the history has its result instead."""
    return json.loads(line)["event"]["type"] in {"FeedbackClosed", "CertificationPublished"}


def lines_in(told: Sequence[str]) -> list[str]:
    """Return each line of the journal that Temporal holds, once and in order."""
    lines: dict[int, str] = {}
    for text in told:
        content = json.loads(text)
        for line in content.get("unrecorded", {}).get("lines", ()):
            parsed = Recorded.model_validate(line)
            assert lines.setdefault(parsed.seq, canonical(parsed)) == canonical(parsed)
    return [lines[seq] for seq in sorted(lines)]


def recorded(name: str) -> Sequence[Path]:
    """Return the files of a path's histories, oldest run first."""
    return sorted(HISTORIES.glob(f"{name}.[0-9].json"))


@pytest.mark.parametrize("name", PATHS)
async def test_a_recorded_case_replays_to_the_same_events(name: str) -> None:
    """The commands fit the history, and every line is byte for byte what was decided then."""
    listener = Listener()
    # Unsandboxed, so that the listener and the test share one list.
    replayer = Replayer(
        workflows=[EnrollmentCase],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[listener],
    )
    files = recorded(name)
    assert files, f"no recorded history of {name}: run `make histories`"
    told: list[str] = []
    for file in files:
        kept = json.loads(file.read_text())
        history = WorkflowHistory.from_json(kept["id"], kept["history"])
        await replayer.replay_workflow(history)
        told += answered_and_asked(history)
    assert listener.heard == told
    journal = (HISTORIES / f"{name}.events.jsonl").read_text().splitlines()
    assert lines_in(told) == [line for line in journal if not made_by_an_activity(line)]


@pytest.mark.parametrize("name", DRIVES)
async def test_a_recorded_drive_replays_to_the_same_pages_and_notes(name: str) -> None:
    """The commands fit the history, and every activity is asked for what it was asked for then."""
    listener = Listener()
    replayer = Replayer(
        workflows=[EnrollmentDrive],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[listener],
    )
    files = recorded(name)
    assert files, f"no recorded history of {name}: run `make histories`"
    told: list[str] = []
    for file in files:
        kept = json.loads(file.read_text())
        history = WorkflowHistory.from_json(kept["id"], kept["history"])
        await replayer.replay_workflow(history)
        told += answered_and_asked(history)
    assert listener.heard == told


def test_the_histories_have_the_commands_they_are_known_for() -> None:
    """A readable fingerprint of each path: a difference here is a change that running cases will meet.

    If it is meant, put it behind a patch (``workflows/_patches.py``), see the old histories replay, then run
    ``make histories`` and commit both.
    """
    prints = json.loads((HISTORIES / "fingerprints.json").read_text())
    assert prints == fingerprints()


def fingerprints() -> dict[str, list[str]]:
    """Return, for each path and drive, the commands that its runs gave, in order and counted."""
    names = (*PATHS, *DRIVES)
    return {name: [_fingerprint(file) for file in recorded(name)] for name in names}


_COMMANDS = {
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_TIMER_CANCELED: "cancel timer",
    EventType.EVENT_TYPE_MARKER_RECORDED: "local activity",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activity",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: "update",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continue as new",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "complete",
}


def _fingerprint(file: Path) -> str:
    kept = json.loads(file.read_text())
    history = WorkflowHistory.from_json(kept["id"], kept["history"])
    words = [_COMMANDS[e.event_type] for e in history.events if e.event_type in _COMMANDS]
    return ", ".join(words)


if __name__ == "__main__":
    (HISTORIES / "fingerprints.json").write_text(json.dumps(fingerprints(), indent=1) + "\n")
