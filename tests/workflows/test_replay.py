"""Recorded histories of every path replay under the code as it is, and tell the same story."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import (
    Interceptor,
    Replayer,
    StartActivityInput,
    StartLocalActivityInput,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from casework.contracts.casebook import RecordRequest
from casework.contracts.drive import OpenPageRequest, StateNote
from tests.workflows.paths import PATHS
from tests.workflows.seminar import DRIVES
from tests.workflows.test_paths import HISTORIES
from workflows.enrollment_case import EnrollmentCase
from workflows.enrollment_drive import EnrollmentDrive


class Listener(Interceptor):
    """Hears what a replayed case asks to record: commands alone would not show a changed event."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the name is the SDK's
    ) -> type[WorkflowInboundInterceptor]:
        heard = self.heard

        class Outbound(WorkflowOutboundInterceptor):
            def start_local_activity(self, input: StartLocalActivityInput):  # noqa: A002 - likewise
                for argument in input.args:
                    if isinstance(argument, RecordRequest):
                        heard.extend(line.model_dump_json() for line in argument.events)
                return super().start_local_activity(input)

            def start_activity(self, input: StartActivityInput):  # noqa: A002 - likewise
                for argument in input.args:
                    if isinstance(argument, OpenPageRequest | StateNote):
                        heard.append(argument.model_dump_json())
                return super().start_activity(input)

        class Inbound(WorkflowInboundInterceptor):
            def init(self, outbound: WorkflowOutboundInterceptor) -> None:
                super().init(Outbound(outbound))

        return Inbound


def recorded(name: str) -> Sequence[Path]:
    """Return the files of a path's histories, oldest run first."""
    return sorted(HISTORIES.glob(f"{name}.[0-9].json"))


@pytest.mark.parametrize("name", PATHS)
async def test_a_recorded_case_replays_to_the_same_events(name: str) -> None:
    """The commands fit the history, and every event is byte for byte what was recorded then."""
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
    for file in files:
        kept = json.loads(file.read_text())
        await replayer.replay_workflow(WorkflowHistory.from_json(kept["id"], kept["history"]))
    told = (HISTORIES / f"{name}.events.jsonl").read_text().splitlines()
    assert listener.heard == told


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
        told += [
            payload.data.decode()
            for event in history.events
            for payload in event.activity_task_scheduled_event_attributes.input.payloads
        ]
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
