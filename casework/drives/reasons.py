"""Why a drive was paused or stopped: words in SQL, and a reference to them everywhere else."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from casework.contracts.drive import PauseDrive, StopDrive
from casework.store.database import Database
from casework.store.texts import Origin, drop_request, has_texts, keep_texts

_Request = TypeVar("_Request", bound=PauseDrive | StopDrive)


class DriveReasons:
    """Keep reasons. Blocks; decides nothing."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Keep the database and the clock (UTC)."""
        self._database = database
        self._now = now

    def keep(
        self, drive_id: str, name: str, request: _Request, update_id: str
    ) -> tuple[_Request, bool]:
        """Keep what somebody gave as reason; return the request with a reference to it, and whether that is new.

        Raises:
            KeyReused: the same key came with another reason before.
        """
        origin = Origin(drive_id, request.person, name, update_id)
        with self._database.writing() as session:
            is_new = not has_texts(session, update_id)
            return keep_texts(session, request, origin, self._now()), is_new

    def forget(self, update_id: str) -> None:
        """Delete a reason that came to nothing."""
        with self._database.writing() as session:
            drop_request(session, update_id)
