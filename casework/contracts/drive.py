"""How the world talks to an :class:`~workflows.enrollment_drive.EnrollmentDrive`, and it to its activities.

The rows of a drive are in SQL; history has its id, counts and what officers gave as reasons.
"""

from typing import Annotated

from pydantic import Field

from casework.domain._model import Compact, Frozen, Ref, Text
from casework.domain.drives import DriveState

TASK_QUEUE = "casework-drives"
WORKFLOW = "EnrollmentDrive"
GO = "go"
PAUSE = "Pause"
RESUME = "Resume"
STOP = "Stop"
PROGRESS = "progress"
OPEN_PAGE = "drives.open_page"
NOTE_STATE = "drives.note_state"

PROGRAM_NOT_OPEN = "ProgramNotOpen"
"""The failure of a page when the program has no version under which a case can open."""

NOT_RUNNING = "drive-not-running"
NOT_PAUSED = "drive-not-paused"
ALREADY_ENDED = "drive-already-ended"

Pace = Annotated[int, Field(ge=1, le=6000, description="cases per minute")]
Window = Annotated[int, Field(ge=1, le=32, description="cases being opened at the same time")]

PageRows = Annotated[int, Field(ge=1, le=1000, description="rows in one activity")]

USUAL_PACE = 1200
"""Twenty cases a second: ten thousand in nine minutes, with half of two cores left to the officers."""

USUAL_WINDOW = 16

USUAL_PAGE_ROWS = 200
"""About ten seconds of opening cases, and what a lost worker makes another one look at again."""

USUAL_PAGES_PER_RUN = 50
"""A drive continues as new after so many pages: under 500 history events."""


def workflow_id_of(drive_id: str) -> str:
    """Return the id of a drive's workflow."""
    return f"drive-{drive_id}"


class DriveProgress(Frozen):
    """The rows of a drive by outcome. Rows that the dry run kept out count as skipped."""

    pending: int = 0
    opened: int = 0
    joined: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """Count all rows."""
        return self.pending + self.opened + self.joined + self.skipped + self.failed


class Halt(Frozen):
    """Why a drive is paused, and by whom; ``person`` is ``system`` where it halted by itself."""

    person: Ref
    reason: Text | None = None


class DriveInput(Frozen):
    """What a run of a drive starts with. Without a ``pace`` it is as fast as the window allows.

    A drive keeps its ``page_rows`` and ``pages_per_run`` for life, so that other numbers in a later
    release do not meet drives under way. ``halted`` and ``progress`` are carried from run to run.
    """

    drive: Ref
    pace: Pace | None = None
    window: Window = USUAL_WINDOW
    page_rows: PageRows = USUAL_PAGE_ROWS
    pages_per_run: Annotated[int, Field(ge=1, le=500)] = USUAL_PAGES_PER_RUN
    halted: Halt | None = None
    progress: DriveProgress = DriveProgress()


class PauseDrive(Frozen):
    """Start no more cases until :data:`RESUME`."""

    person: Ref
    reason: Text | None = None


class ResumeDrive(Frozen):
    """Go on where the drive was paused."""

    person: Ref


class StopDrive(Frozen):
    """End the drive for good; rows whose turn had not come are skipped."""

    person: Ref
    reason: Text


class DriveView(Frozen):
    """Where a drive is: the answer to every message and query."""

    drive: Ref
    state: DriveState
    progress: DriveProgress
    reason: str | None = None


class OpenPageRequest(Compact):
    """Bring the next rows of a drive to their outcome, at most ``rows`` of them."""

    drive: Ref
    rows: PageRows
    pace: Pace | None = None
    window: Window = USUAL_WINDOW


class StateNote(Compact):
    """Write down the state a drive has come to. ``STOPPED`` skips the rows that are pending."""

    drive: Ref
    state: DriveState
    person: Ref
    reason: Text | None = None
