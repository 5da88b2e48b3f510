"""The `casework` command. It starts worker and API as processes of their own and imports neither."""

import getpass
import importlib.util
import json
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Group, Parameter
from cyclopts.types import ExistingFile

from casework.cli.drive import drive
from casework.domain.actors import STAFF, ActorKind
from casework.processes.configuration import SettingsInvalid, read_settings
from casework.processes.exit import exit_process

if TYPE_CHECKING:
    from casework.store.database import Database

_DAILY = Group("Day to day", sort_key=1)
_DATA = Group("Programs and people", sort_key=2)
_TRY = Group("Try it", sort_key=3)

app = App(
    name="casework",
    help="Certification cases from application to the public register.",
    version=lambda: version("casework"),
    help_format="plaintext",
)
app.command(programs := App(name="programs", help="The certification programs.", group=_DATA))
app.command(notices := App(name="notices", help="Notices that did not leave.", group=_DAILY))
app.command(token := App(name="token", help="Tokens: make one, shut one out.", group=_DAILY))
app.command(links := App(name="links", help="The keys of invitation links.", group=_DAILY))
app.command(drive)
app.command(people := App(name="people", help="The staff directory.", group=_DATA))
app.command(person := App(name="person", help="What is kept about one person.", group=_DATA))

Part = Literal[
    "settings",
    "programs",
    "database",
    "keys",
    "temporal",
    "cases",
    "notices",
    "drives",
    "mail",
    "api",
]
Role = Literal[
    "applicant",
    "officer",
    "inspector",
    "reviewer",
    "decision-maker",
    "supervisor",
    "administrator",
]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        app()
    except SettingsInvalid as error:
        exit_process(_fail(error))
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        exit_process(end.code if isinstance(end.code, int) else int(end.code is not None))
    exit_process(0)


@contextmanager
def _opened_database() -> Generator["Database"]:
    """Yield the database of the settings; one that does not answer ends the command with a line."""
    from sqlalchemy.exc import DBAPIError

    from casework.store.database import Database

    database = Database(read_settings().database)
    try:
        yield database
    except DBAPIError as error:
        where = database.engine.url.render_as_string(hide_password=True)
        reason = " ".join(str(error.orig).split())
        raise SystemExit(
            f"CASEWORK_DATABASE_URL: {where}: {reason}. `casework doctor database` says more."
        ) from None
    finally:
        database.close()


def _fail(message: object) -> int:
    print(message, file=sys.stderr)
    return 1


# --- Day to day -----------------------------------------------------------------------------------


@app.command(group=_DAILY)
def migrate() -> None:
    """Bring the application database to the newest schema. Safe to repeat."""
    with _opened_database() as database:
        database.migrate()
        print(f"The {database.dialect} database has the newest schema.")


@app.command(group=_DAILY)
def serve(*, host: str = "127.0.0.1", port: int = 8000) -> int:
    """Serve the API and the public pages, in place of this process.

    Args:
        host: Address to listen on.
        port: Port to listen on.
    """
    read_settings()
    return _become("-m", "api.server", "--host", host, "--port", str(port))


def _become(*arguments: str) -> int:
    # Signals reach the server itself, and no parent is left to pass them on.
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606


@app.command(group=_DAILY)
def doctor(
    *parts: Part,
    quiet: Annotated[bool, Parameter(negative="")] = False,
    url: Annotated[str, Parameter(env_var="CASEWORK_API_URL")] = "http://127.0.0.1:8000",
) -> int:
    """Look whether the parts work and say what to do about those that do not.

    Args:
        parts: The parts to look at; all of them without a name.
        quiet: Print only what does not work.
        url: Where the API listens.
    """
    from casework.cli.doctor import PARTS, look_at

    findings = look_at(parts or PARTS, url)
    for finding in findings:
        if not finding.is_well or not quiet:
            remark = finding.remark.replace("\n", "\n" + " " * 15)
            print(f"{'ok' if finding.is_well else 'FAIL':<4} {finding.part:<9} {remark}")
    return 0 if all(finding.is_well for finding in findings) else 1


@app.command(group=_DAILY)
def verify(*cases: str) -> int:
    """Prove that no journal was altered, and that each case is what its journal adds up to.

    Args:
        cases: Ids of cases; all of them without an id.
    """
    from casework.audit.verification import case_ids, verify_case
    from casework.programs.catalog import ProgramCatalog

    catalog, holidays = ProgramCatalog.load(), read_settings().holidays_file
    checked = bad = 0
    with _opened_database() as database:
        for case_id in cases or case_ids(database):
            verdict = verify_case(database, catalog, case_id, holidays)
            checked, bad = checked + 1, bad + bool(verdict.differences)
            for difference in verdict.differences:
                print(f"{case_id}: {difference}")
            if cases and not verdict.differences:
                print(f"{case_id}: {verdict.events} events, {verdict.remark}")
    print(f"{checked} cases, {checked - bad} in order, {bad} not.")
    return 1 if bad else 0


@token.default
def make(
    *,
    role: Annotated[Sequence[Role], Parameter(negative="")],
    province: Annotated[Sequence[str], Parameter(negative="")] = (),
    program: Annotated[Sequence[str], Parameter(negative="")] = (),
    establishment: str | None = None,
    person: str | None = None,
    hours: float = 12.0,
) -> int:
    """Print a bearer token of the local issuer, for trying out: in production a provider signs them.

    Args:
        role: A part in which the person may act; may be repeated.
        province: Code of a province the person works on (21), or `all`; may be repeated.
        program: A program the person works on; all without one; may be repeated.
        establishment: The establishment an applicant acts for; without it, one that applies for the first time.
        person: Opaque reference of the person; without it, made of role and province.
        hours: How long the token is good.
    """
    from casework.identity.tokens import issue_token
    from casework.programs.provinces import provinces

    settings = read_settings()
    if not 0 < hours * 3600 <= settings.token_longest_seconds:
        return _fail(
            f"A token lives at most {settings.token_longest_seconds / 3600:g} hours "
            "(CASEWORK_TOKEN_LONGEST_SECONDS): --hours"
        )
    roles = [ActorKind(name) for name in role]
    everywhere = list(province) == ["all"]
    if unknown := [code for code in province if code not in provinces() and not everywhere]:
        return _fail(f"No province has the code {', '.join(unknown)}; such as 21, or `all` alone.")
    if not STAFF.isdisjoint(roles) and not province:
        return _fail("Say where: --province 21, or --province all.")
    if ActorKind.APPLICANT in roles and establishment is None and person is None:
        return _fail(
            "An applicant acts for one establishment: --establishment est-…; who applies for a new one has none "
            "yet, and needs a name: --person site-001"
        )
    place = establishment if ActorKind.APPLICANT in roles else "-".join(province)
    print(
        issue_token(
            read_settings(),
            person or f"{roles[0].value}-{place}",
            roles,
            provinces="*" if everywhere else list(province),
            programs=list(program) or "*",
            establishment=establishment,
            lifetime_seconds=round(hours * 3600),
        )
    )
    return 0


@token.command
def revoke(
    *, reason: str, person: str | None = None, token_id: str | None = None, by: str | None = None
) -> int:
    """Shut out a person with all tokens, or one token; every process knows within seconds.

    Args:
        reason: Why, for those who look into it later.
        person: Reference of the person (`sub`).
        token_id: Id of the token (`jti`).
        by: Who decides it; without it, who runs this command.
    """
    from casework.store.database import Database
    from casework.store.revocations import add_revocation

    if (person is None) == (token_id is None):
        return _fail("Say whom or what: --person or --token-id.")
    database = Database(read_settings().database)
    try:
        with database.writing() as session:
            add_revocation(
                session, person, token_id, datetime.now(UTC), by or getpass.getuser(), reason
            )
    finally:
        database.close()
    print(f"{person or token_id} is shut out.")
    return 0


@token.command
def restore(person: str, *, by: str | None = None) -> int:
    """Let a person in again, with tokens that are issued from now on.

    Args:
        person: Reference of the person (`sub`).
        by: Who decides it; without it, who runs this command.
    """
    from casework.store.database import Database
    from casework.store.revocations import lift_revocations

    database = Database(read_settings().database)
    try:
        with database.writing() as session:
            lifted = lift_revocations(session, person, datetime.now(UTC), by or getpass.getuser())
    finally:
        database.close()
    if not lifted:
        return _fail(f"{person} is not shut out.")
    print(f"{person} may come in with a new token.")
    return 0


@token.command
def revoked() -> None:
    """List who and what was shut out: since when, by whom and why."""
    from casework.store.database import Database
    from casework.store.revocations import revocations

    database = Database(read_settings().database)
    try:
        with database.reading() as session:
            rows = revocations(session)
    finally:
        database.close()
    for row in rows:
        until = f" until {row.lifted_at:%Y-%m-%d %H:%M} ({row.lifted_by})" if row.lifted_at else ""
        what = row.person or f"token {row.token}"
        print(f"{what}  since {row.since:%Y-%m-%d %H:%M}{until}  {row.by}: {row.reason}")


@links.command
def rotate(*, forget: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Sign links of invitations with a new key from now on; links that are out stay good.

    Args:
        forget: Drop the old keys, and with them all links that are out: when others know a key.
    """
    from casework.identity.invitation_links import InvitationLinks

    count = InvitationLinks.of(read_settings()).rotate(datetime.now(UTC), forget=forget)
    print(f"A new key signs; links under {count} keys are good.")


@notices.command
def stuck() -> int:
    """List what failed, and what may have left; the key, the state and the reason of each."""
    from casework.audit.outbox import stuck_notices

    with _opened_database() as database:
        found = stuck_notices(database)
    for row in found:
        print(f"{row.key}  {row.state}  {row.failure or ''}")
    print(f"{len(found)} notices failed or may have left.")
    return 1 if found else 0


@notices.command
def send_again(*keys: str) -> int:
    """Queue failed or unknown notices once more. An unknown one may arrive a second time.

    Args:
        keys: Keys as `casework notices stuck` lists them.
    """
    from casework.audit.outbox import queue_again

    with _opened_database() as database:
        missed = queue_again(database, keys)
    if missed:
        return _fail(
            "\n".join(f"{key}: no such notice that failed or may have left" for key in missed)
        )
    print(f"{len(keys)} notices are queued again.")
    return 0


# --- Programs and people --------------------------------------------------------------------------


@programs.command(name="list")
def list_programs() -> None:
    """List every version of every program."""
    from casework.programs.catalog import ProgramCatalog

    catalog = ProgramCatalog.load()
    for name in catalog.programs():
        for found in catalog.versions(name):
            state = "sample" if found.sample else "published" if found.published else "draft"
            until = found.valid_until or "further notice"
            days = state if found.sample else f"{state}, {found.valid_from} to {until}"
            words = f"{found.name.th} / {found.name.en}"
            print(f"{name} {found.version:<8} {len(found.criteria):>3} criteria  {days}  {words}")


@programs.command
def check() -> int:
    """Check the files, and that no published version changed."""
    from casework.programs.catalog import (
        ProgramCatalog,
        PublishedVersionChanged,
        check_published,
    )
    from casework.programs.loader import ProgramFileError

    try:
        catalog = ProgramCatalog.load()
        check_published()
    except (ProgramFileError, PublishedVersionChanged) as error:
        return _fail(error)
    print(f"In order: {', '.join(catalog.programs())}.")
    return 0


@programs.command
def record() -> int:
    """Write the digest of each version that was published since; its text is final then."""
    from casework.programs.catalog import record_published
    from casework.programs.loader import ProgramFileError

    try:
        new = record_published()
    except ProgramFileError as error:
        return _fail(error)
    print("\n".join(f"Recorded {name}." for name in new) or "Nothing new.")
    return 0


@people.command
def load(file: ExistingFile) -> int:
    """Add the people of a CSV file to the staff directory; who is there already is replaced.

    Args:
        file: Columns person, name, email, language, kinds, provinces and programs.
    """
    from casework.people.directory import DirectoryFileError, put_members, read_directory

    try:
        members = read_directory(file)
    except DirectoryFileError as error:
        return _fail(error)
    with _opened_database() as database:
        put_members(database, members)
    print(f"{len(members)} people are in the directory.")
    return 0


@person.command
def export(who: str) -> int:
    """Print all that a person wrote, and all rows about them, as JSON.

    Args:
        who: Reference of a person (officer-21), id of a contact (con-…) or an e-mail address.
    """
    from casework.people.personal import kept_about
    from casework.store.database import Database

    database = Database(read_settings().database)
    try:
        with database.reading() as session:
            kept = kept_about(session, who)
    finally:
        database.close()
    print(json.dumps(kept, ensure_ascii=False, indent=2))
    return 0


@person.command(name="erase")
def erase_one(who: str, *, reason: str, by: str | None = None) -> int:
    """Erase what a person wrote and what says who they are. Journals stay whole, ids stay; nothing brings it back.

    Args:
        who: As for `casework person export`.
        reason: Why, for the line that tells of the erasure for ever: without what is erased.
        by: Who does it, for the same line; without it, the login.
    """
    from casework.people.personal import erase_person
    from casework.store.database import Database

    database, now = Database(read_settings().database), datetime.now(UTC)
    try:
        with database.writing() as session:
            erased = erase_person(session, who, reason, by or getpass.getuser(), now)
    finally:
        database.close()
    for kind, count in erased.items():
        print(f"{count:>6} {kind}")
    if not any(erased.values()):
        return _fail("Nothing is kept under this name that could be erased.")
    return 0


# --- Try it ---------------------------------------------------------------------------------------


@app.command(group=_TRY)
def demo(
    *,
    once: Annotated[bool, Parameter(negative="")] = False,
    folder: Path = Path("var/demo"),
    api_port: Annotated[int | None, Parameter(env_var="CASEWORK_DEMO_API_PORT")] = None,
    temporal_port: Annotated[int | None, Parameter(env_var="CASEWORK_DEMO_TEMPORAL_PORT")] = None,
    ui_port: Annotated[int | None, Parameter(env_var="CASEWORK_DEMO_UI_PORT")] = None,
    smtp_port: Annotated[int | None, Parameter(env_var="CASEWORK_DEMO_SMTP_PORT")] = None,
) -> int:
    """Run the whole system on this machine with real sites, and walk one case through it.

    Everything it keeps is in one folder; a second start goes on with what is there.

    Args:
        once: End after the tour, with 0 if everything it says is true.
        folder: Where databases, mail, keys and logs are.
        api_port: Port of the API and the public pages (8000). 0 is a free one; with --once the default.
        temporal_port: Port of Temporal (7233).
        ui_port: Port of Temporal's web pages (8233).
        smtp_port: Port of the mail server (1025).
    """
    if importlib.util.find_spec("aiosmtpd") is None:
        return _fail("The demo needs a mail server of its own: install Casework's `local` extra.")
    from casework.demo.run import Ports, run_demo

    ports = Ports.of(
        api=api_port, temporal=temporal_port, ui=ui_port, smtp=smtp_port, choose_free=once
    )
    return run_demo(folder, ports, once=once)


if __name__ == "__main__":
    main()
