"""`casework drive`: enroll the attendees of a seminar from the command line, over HTTP."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.types import ExistingFile

from casework.processes.configuration import read_settings

if TYPE_CHECKING:
    from casework.drives.client import DriveClient
    from casework.drives.screen import DriveScreen

_URL = "http://127.0.0.1:8000"
_HAVE_PROBLEMS = ("duplicate", "outside-jurisdiction", "no-contact", "invalid")

drive = App(
    name="drive",
    help="Enrollment drives: many invitations from one list.",
    group="Day to day",
)

Url = Annotated[str, Parameter(env_var="CASEWORK_API_URL")]
Token = Annotated[str | None, Parameter(env_var="CASEWORK_TOKEN")]


@drive.command
def run(
    file: ExistingFile,
    *,
    program: str,
    seminar: str,
    held_on: datetime | None = None,
    province: Annotated[Sequence[str], Parameter(negative="")] = (),
    column: Annotated[Sequence[str], Parameter(negative="")] = (),
    pace: int | None = None,
    invite_again: Annotated[bool, Parameter(negative="")] = False,
    yes: Annotated[bool, Parameter(negative="")] = False,
    url: Url = _URL,
    token: Token = None,
) -> int:
    """Upload a list, show what would happen, start, and follow the drive to its end.

    Rows that could not be used are written to FILE.problems.csv: mend them and run that file.

    Args:
        file: CSV or XLSX, as it is.
        program: The program that the establishments are invited to.
        seminar: Title of the seminar.
        held_on: Day of the seminar (2026-11-20); today without it.
        province: Code of a province that the drive may invite in; may be repeated; all without one.
        column: A correction of the guessed columns, such as email=E-Mail; may be repeated.
        pace: Cases per minute at most; 1,200 without it.
        invite_again: Also ask those who left an earlier invitation unanswered.
        yes: Start without asking.
        url: Where the API listens.
        token: Bearer token of an officer or supervisor; without it the local issuer signs one.
    """
    from casework.drives.client import DriveClient, NotDone
    from casework.drives.screen import DriveScreen

    screen = DriveScreen()
    body: dict[str, Any] = {
        "program": program,
        "provinces": list(province) or None,
        "invite_again": invite_again,
    }
    if pace is not None:
        body["pace"] = pace
    day = (held_on.date() if held_on else date.today()).isoformat()  # noqa: DTZ011 (of the office)
    try:
        with DriveClient(url, token or _signed_here(province)) as client:
            body["seminar"] = client.add_seminar(
                seminar, day, province[0] if len(province) == 1 else None
            )
            drive_id = client.add_drive(body)
            ready = _prepare(client, screen, drive_id, file, column)
            if not ready:
                screen.say("No row of the list can be used. Nothing was started.")
                return 1
            if not yes and not (screen.is_terminal and screen.confirm("Start the drive?")):
                screen.say(f"Not started. {drive_id} is ready; run this again with --yes.")
                return 1
            client.start(drive_id)
            return _watch(client, screen, drive_id, file)
    except NotDone as error:
        screen.say(str(error))
        return 1


@drive.command
def status(drive_id: str, *, url: Url = _URL, token: Token = None) -> int:
    """Show where a drive is, its summary by province and the forecast.

    Args:
        drive_id: Id of the drive.
        url: Where the API listens.
        token: Bearer token of an officer or supervisor; without it the local issuer signs one.
    """
    from casework.drives.client import DriveClient, NotDone
    from casework.drives.screen import DriveScreen

    screen = DriveScreen()
    try:
        with DriveClient(url, token or _signed_here(())) as client:
            screen.show_summary(client.read(drive_id))
    except NotDone as error:
        screen.say(str(error))
        return 1
    return 0


def _prepare(
    client: "DriveClient", screen: "DriveScreen", drive_id: str, file: Path, column: Sequence[str]
) -> bool:
    """Upload the list and make the dry run; say whether there is anything to start."""
    from casework.drives.client import NotDone

    taken = client.upload(drive_id, file)
    fields: dict[str, str] = taken["fields"]
    for correction in column:
        field, is_pair, name = correction.partition("=")
        if not is_pair:
            raise NotDone(f"--column {correction}: write field=column, such as email=E-Mail.")
        fields = {f: held for f, held in fields.items() if f != field and held != name}
        if name:
            fields[field] = name
    screen.show_list(taken, fields)
    tried = client.try_out(drive_id, fields)
    screen.show_dry_run(tried)
    verdicts: dict[str, int] = tried["verdicts"]
    unusable = sum(verdicts.get(name, 0) for name in _HAVE_PROBLEMS)
    if unusable:
        _save(client, screen, drive_id, file, unusable)
    return bool(tried["rows"] - unusable)


def _watch(client: "DriveClient", screen: "DriveScreen", drive_id: str, file: Path) -> int:
    """Follow the drive to its end and show what came of it."""
    try:
        screen.follow(client.progress(drive_id))
    except KeyboardInterrupt:
        screen.say(f"The drive goes on. Look at it with: casework drive status {drive_id}")
        return 130
    found = client.read(drive_id)
    screen.show_summary(found)
    failed: int = found["progress"]["failed"]
    if failed:
        verdicts: dict[str, int] = found["verdicts"]
        _save(
            client, screen, drive_id, file, failed + sum(verdicts.get(n, 0) for n in _HAVE_PROBLEMS)
        )
    return 1 if failed else 0


def _save(
    client: "DriveClient", screen: "DriveScreen", drive_id: str, file: Path, rows: int
) -> None:
    target = file.with_name(f"{file.name}.problems.csv")
    client.save_unusable_rows(drive_id, target)
    screen.say(f"{rows} rows cannot be used: {target}")


def _signed_here(provinces: Sequence[str]) -> str:
    """Return a token of the local issuer, for installations without a provider."""
    from casework.domain.actors import ActorKind
    from casework.drives.client import NotDone
    from casework.identity.tokens import KeyFileTooOpen, issue_token

    settings = read_settings()
    if settings.token_keys is not None:
        raise NotDone("Give a token of your provider: --token or CASEWORK_TOKEN.")
    try:
        return issue_token(
            settings, "drive-desk", [ActorKind.OFFICER], provinces=list(provinces) or "*"
        )
    except (OSError, KeyFileTooOpen) as error:
        raise NotDone(f"The local issuer has no key: {error}") from error
