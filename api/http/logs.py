"""How the API writes its log: one JSON object a line, without the values of variables."""

import traceback

import structlog

_MOST_FRAMES = 12


def configure_logs() -> None:
    """Write JSON lines to the standard output, which the operator's own tools collect."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        cache_logger_on_first_use=False,
    )


def trail_of(error: BaseException) -> list[str]:
    """Return where an error came from, file by file.

    Neither its message nor any variable is in it: both may hold what somebody wrote or sent.
    """
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
