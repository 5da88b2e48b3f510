"""Drives as an officer of the ministry runs them: with the client and the screen of `casework drive`."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from casework.demo.cases import Performer
from casework.demo.client import Answer, Client, Json, Who, expect
from casework.demo.processes import Processes
from casework.demo.seminars import Seminar
from casework.demo.stories import ECO
from casework.domain.actors import ActorKind
from casework.domain.calendar import BANGKOK
from casework.domain.drives import DriveState, RowOutcome
from casework.domain.stages import Stage
from casework.drives.client import DriveClient
from casework.drives.screen import DriveScreen

OFFICER = Who("officer-ministry", (ActorKind.OFFICER,), province="*")
_SUPERVISOR = Who("supervisor-ministry", (ActorKind.SUPERVISOR,), province="*")

_PACE = 1800
"""Cases per minute: slow enough to be watched, and it takes five seconds."""

_PAUSED_AFTER = 60
_TARGET = 40
_MOST_ROWS = 500


class Drives:
    """Carry out drives over HTTP, from wherever an earlier start of the demo has left them."""

    def __init__(self, performer: Performer, processes: Processes, screen: DriveScreen) -> None:
        """Keep who asks, where the lists go, and what shows the drive."""
        self._performer = performer
        self._client = performer.client
        self._folder = processes.folder / "seminars"
        self._screen = screen

    def begin(self, seminar: Seminar) -> str:
        """Start a drive without looking on, and return its id."""
        with self._desk() as desk:
            drive = self._drive_of(desk, seminar)
            if desk.read(drive)["state"] in {DriveState.DRAFT, DriveState.READY}:
                taken = self._upload(desk, drive, seminar)
                desk.try_out(drive, taken["fields"])
                desk.start(drive)
                self._screen.say(
                    f"{seminar.rows} who came are invited under the sample version: they have 40 seconds."
                )
            return drive

    def run(self, seminar: Seminar) -> str:
        """Run a drive in front of the reader, pause it on the way, and return its id."""
        with self._desk() as desk:
            drive = self._drive_of(desk, seminar)
            state = desk.read(drive)["state"]
            if state in {DriveState.DRAFT, DriveState.READY}:
                taken = self._upload(desk, drive, seminar)
                self._screen.show_list(taken, taken["fields"])
                self._screen.show_dry_run(desk.try_out(drive, taken["fields"]))
                desk.start(drive)
                # As by a second click: both get the same answer.
                desk.start(drive)
            else:
                self._screen.say("It was started in an earlier start of the demo.")
            if state == DriveState.PAUSED:
                self._say(drive, "resume")
            self._screen.follow(self._with_a_pause(drive, desk.progress(drive)))
            problems = self._folder / f"{seminar.file_name}.problems.csv"
            desk.save_unusable_rows(drive, problems)
            self._screen.say(f"What could not be used, to be mended and uploaded: {problems}")
            return drive

    def start_again(self, drive: str) -> Answer:
        """Ask a drive that has ended to start."""
        return self._say(drive, "start")

    def show(self, drive: str) -> None:
        """Show the outcomes and the forecast."""
        with self._desk() as desk:
            self._screen.show_summary(desk.read(drive), by_province=False)

    def await_lapse(self, drive: str) -> list[Json]:
        """Wait until every invitation of a drive has ended without an answer; return the cases."""

        def lapsed() -> list[Json] | None:
            rows = rows_of(self._client, drive, RowOutcome.OPENED)
            cases = [self._client.case(row["case"], OFFICER) for row in rows]
            return cases if cases and all(c["stage"] == Stage.LAPSED for c in cases) else None

        return self._client.wait_until("invitations to lapse", lapsed)

    def set_target(self) -> None:
        """Set the country's target of the fiscal year, unless there is one."""
        path = "/api/v1/targets"
        known = self._client.get(f"{path}?program={ECO}", _SUPERVISOR)
        if known["targets"]:
            return
        body = {"program": ECO, "fiscal_year": known["fiscal_year"], "target": _TARGET}
        expect(self._client.ask("PUT", path, _SUPERVISOR, json=body), 200)

    def _desk(self) -> DriveClient:
        return DriveClient(self._client.url, self._client.token(OFFICER))

    def _drive_of(self, desk: DriveClient, seminar: Seminar) -> str:
        notebook = self._performer.notebook
        drive = notebook.drive_of(seminar.slug)
        if drive is None:
            held_on = datetime.now(BANGKOK).date() - timedelta(days=seminar.days_ago)
            body = {
                "program": ECO,
                "seminar": desk.add_seminar(seminar.title, held_on.isoformat(), None),
                "pace": _PACE,
            }
            drive = desk.add_drive(body)
            notebook.prepared(seminar.slug, drive)
        return drive

    def _upload(self, desk: DriveClient, drive: str, seminar: Seminar) -> Json:
        self._folder.mkdir(exist_ok=True)
        file = self._folder / seminar.file_name
        file.write_bytes(seminar.file)
        self._screen.say(f"Of a seminar {seminar.days_ago} days ago there is a list: {file}")
        return desk.upload(drive, file)

    def _with_a_pause(self, drive: str, statuses: Iterable[Json]) -> Iterator[Json]:
        """Pause the drive when a part is done, and resume it when it says that it is paused."""
        is_asked = False
        for status in statuses:
            yield status
            if status["state"] == DriveState.PAUSED:
                self._say(drive, "resume")
            elif status["progress"]["opened"] >= _PAUSED_AFTER and not is_asked:
                is_asked = True
                # On a quick machine it may have ended meanwhile.
                self._say(drive, "pause", {"reason": "ตรวจสอบรายชื่ออีกครั้ง (ตัวอย่าง)"})

    def _say(self, drive: str, what: str, body: Json | None = None) -> Answer:
        path, key = f"/api/v1/drives/{drive}/{what}", f"demo-{drive}-{what}"
        return self._client.ask("POST", path, OFFICER, json=body, key=key)


def rows_of(client: Client, drive: str, outcome: RowOutcome) -> list[Json]:
    """Return the rows of a drive with an outcome, in the order of their lines."""
    path = f"/api/v1/drives/{drive}/rows?outcome={outcome}&limit={_MOST_ROWS}"
    return client.get(path, OFFICER)["items"]
