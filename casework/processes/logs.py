"""How every process writes its log: one JSON object a line, with time, level, event and, where there is one, trace id.

Lines of ours come from structlog; those of uvicorn, of Temporal's SDK and of everything else come from the standard
library and take the same shape. What people write and send has no place in a log: an exception is its kind and its
trail, a request the template of its route.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog
from temporalio import activity, workflow

_MOST_FRAMES = 12
_MOST_CAUSES = 5

_OF_THE_SDK = {
    "workflow_id": "workflow",
    "workflow_type": "workflow_type",
    "activity_type": "activity",
    "attempt": "attempt",
}
"""What a line of an activity or a workflow says about where it was written."""


def configure_logs() -> None:
    """Write JSON lines to the standard output, which the operator's own tools collect. Safe to repeat."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _exception_without_values,
    ]
    rendered = structlog.processors.JSONRenderer(ensure_ascii=False, default=_unwritable)
    structlog.configure(processors=[*shared, rendered], cache_logger_on_first_use=False)
    handler = _StandardOutput()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_of_record, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
        )
    )
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, _StandardOutput)] + [handler]
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # It writes whole addresses, with links and searches. A request has a line of its own (`api.http.envelope`).
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


def trail_of(error: BaseException) -> list[str]:
    """Return where an error came from, file by file.

    Neither its message nor any variable is in it: both may hold what somebody wrote or sent.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Write to what the standard output is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Return the standard output."""
        return sys.stdout


def _of_record(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add what a record of the standard library says beside its message."""
    record = cast(logging.LogRecord, line["_record"])
    # What follows the first line quotes exceptions and their values.
    line["event"] = str(line["event"]).partition("\n")[0]
    line["logger"] = record.name
    for name in ("temporal_activity", "temporal_workflow"):
        found = cast(Mapping[str, Any], getattr(record, name, None) or {})
        line.update(
            {ours: found[theirs] for theirs, ours in _OF_THE_SDK.items() if theirs in found}
        )
        run = found.get("workflow_run_id") or found.get("run_id")
        if isinstance(run, str):
            # All lines of a run belong together, and the id has the shape of a trace id but for its hyphens.
            line.setdefault("trace_id", run.replace("-", ""))
    return line


def _exception_without_values(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the kinds of an exception and its causes, and its trail, in place of its text."""
    found = line.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error: Any = cast("tuple[Any, ...]", found)[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        line["kind"] = type(error).__name__
        line["trail"] = trail_of(error)
        causes: list[str] = []
        while (error := error.__cause__) is not None and len(causes) < _MOST_CAUSES:
            causes.append(type(error).__name__)
        if causes:
            line["causes"] = causes
    return line


def _unwritable(value: object) -> str:
    return type(value).__name__
