"""`casework demo`: start everything, fill it, walk one case through it, run a drive, and stay up."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from casework.contracts.drive import workflow_id_of
from casework.demo.cases import PAPER, Performer, bring
from casework.demo.checks import check
from casework.demo.client import Client, Unexpected, Who
from casework.demo.drives import Drives
from casework.demo.invited import Driven, InvitedPeople
from casework.demo.notebook import Notebook
from casework.demo.people import person_of, staff_of
from casework.demo.processes import Ports, PortTaken, Processes
from casework.demo.seminars import Seminar, earlier_seminar, seminar
from casework.demo.sites import Site, load_sites, read_sites
from casework.demo.stories import PATIENT, SWIFT, Story, tour_sites
from casework.demo.telling import Teller
from casework.demo.tour import Tour, Walked
from casework.domain.actors import ActorKind
from casework.drives.client import NotDone
from casework.people.directory import put_members
from casework.processes.servers import BinaryNotFound, ProcessFailed
from casework.processes.waiting import WaitedTooLong
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.store.database import Database

__all__ = ["Ports", "run_demo"]

_LOOK_EVERY_SECONDS = 1.0


class _Ended(Exception):
    """Somebody asked the demo to end."""


def run_demo(folder: Path, ports: Ports, *, once: bool) -> int:
    """Run the demo; return 0 if it ended as it should, else 1.

    Args:
        folder: where all of its state is; a second start goes on with it.
        ports: where its servers listen.
        once: end when all is shown instead of staying up.
    """
    teller = Teller()
    # The demo has settings of its own: those of another system must not reach its processes.
    for name in [name for name in os.environ if name.startswith("CASEWORK_")]:
        del os.environ[name]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    began = time.monotonic()
    try:
        ports.need_free()
        processes = Processes(folder, ports)
    except (PortTaken, BinaryNotFound) as error:
        teller.say(str(error), "red")
        return 1
    try:
        holds = _show(processes, teller)
        teller.say(f"\nThat took {time.monotonic() - began:.0f} seconds.")
        if not once:
            _stay_up(processes, teller)
    except (Unexpected, WaitedTooLong, NotDone, ProcessFailed, OSError) as error:
        teller.say(f"\n{error}", "red")
        teller.say(f"The logs are in {processes.folder / 'logs'}.")
        return 1
    except _Ended:
        teller.say("\nEnding.")
        return 0
    finally:
        processes.stop()
    return 0 if holds else 1


def _end(number: int, frame: FrameType | None) -> None:
    raise _Ended


def _show(processes: Processes, teller: Teller) -> bool:
    """Do all of it; return whether everything that was claimed is true."""
    catalog, sites = ProgramCatalog.load(), read_sites()
    attendees = seminar(sites)
    by_name = {site.name_en: site for site in reversed(sites)}
    notebook = Notebook(processes.folder / "demo.json")
    teller.chapter("Starting")
    establishments = _prepare(processes, sites, teller)
    patient = [story for story in PATIENT if not _has_rested(notebook, story, by_name)]
    swift = [story for story in SWIFT if not _has_rested(notebook, story, by_name)]
    # Of the earlier seminar nobody answers, which takes seconds under a sample version. The others
    # are invited under the published one, by the worker that takes over on the tour.
    is_before = notebook.drive_of(attendees.slug) is None
    processes.start(sample_programs=not patient, sample_drives=is_before)
    teller.say(f"Temporal {processes.temporal.target}, its pages {processes.temporal.ui_url}")
    teller.say(f"mail {processes.mail.url}, worker {processes.worker.pid}, API {processes.url}")
    with closing(Client(processes.url, processes.settings, processes.check)) as client:
        somebody = Who(person_of(ActorKind.OFFICER, "40"), (ActorKind.OFFICER,), province="40")
        performer = Performer(
            client=client,
            catalog=catalog,
            notebook=notebook,
            establishments=establishments,
            evidence=client.upload(PAPER, "application/pdf", somebody, "demo-paper"),
        )
        drives = Drives(performer, processes, teller.drives)
        teller.chapter("Filling the queues")
        earlier = drives.begin(earlier_seminar(sites))
        _fill(performer, processes, by_name, teller, patient, swift)
        tour = Tour(performer, processes, teller)
        site = next(site for site in tour_sites(sites) if not _has_been_walked(notebook, site))
        teller.chapter(f"One case from application to publication: {site.name_en}")
        walked = tour.walk(site)
        people = InvitedPeople(client, processes.mail, teller)
        driven = _drive(drives, people, earlier, attendees, teller)
        teller.chapter("Is it true?")
        holds = True
        brought = {story.site for story in (*patient, *swift)}
        for claim in check(performer, processes, by_name, brought, walked, driven):
            teller.verdict(claim.text, holds=claim.holds)
            holds = holds and claim.holds
        _tell_addresses(client, processes, walked, driven, teller)
    return holds


def _prepare(processes: Processes, sites: Iterable[Site], teller: Teller) -> dict[str, str]:
    database = Database(processes.settings.database)
    try:
        database.migrate()
        teller.say(f"Everything is kept in {processes.folder}; the database has its schema.")
        loaded = load_sites(database, sites, datetime.now(UTC))
        places = {site.province for site in sites}
        members = list(staff_of(provinces()[code] for code in sorted(places)))
        put_members(database, members)
    finally:
        database.close()
    teller.say(
        f"{len(loaded)} real sites in {len(places)} provinces, {len(members)} fictional accounts. "
        "What happens to the sites here is made up."
    )
    return dict(loaded)


def _fill(
    performer: Performer,
    processes: Processes,
    sites: dict[str, Site],
    teller: Teller,
    patient: list[Story],
    swift: list[Story],
) -> None:
    """Bring the cases of the queues to their stages: first under the published versions."""
    left, total = len(patient) + len(swift), len(PATIENT) + len(SWIFT)
    if left < total:
        teller.say(f"{total - left} cases are there from an earlier start.")
    with teller.counting("cases", left) as tell:
        bring(performer, patient, sites, tell)
        if patient:
            processes.restart_api(sample_programs=True)
        bring(performer, swift, sites, tell)


def _drive(
    drives: Drives, people: InvitedPeople, earlier: str, attendees: Seminar, teller: Teller
) -> Driven:
    """Enroll who came to a seminar, and see what becomes of some of the invitations."""
    teller.chapter(f"A seminar of {attendees.rows} becomes an enrollment drive")
    lapsed = drives.await_lapse(earlier)
    teller.say(f"The {len(lapsed)} of the earlier seminar have not answered.")
    drives.set_target()
    drive = drives.run(attendees)
    drives.show(drive)
    teller.chapter("What becomes of an invitation")
    people.see_lapsed(lapsed[0])
    return Driven(
        drive=drive,
        attendees=attendees,
        again=drives.start_again(drive),
        lapsed=tuple(case["id"] for case in lapsed),
        answered=people.answer(drive),
    )


def _has_rested(notebook: Notebook, story: Story, sites: dict[str, Site]) -> bool:
    return notebook.is_done(sites[story.site].registration_no)


def _has_been_walked(notebook: Notebook, site: Site) -> bool:
    number = site.registration_no
    return notebook.is_on_tour(number) and notebook.is_done(number)


def _tell_addresses(
    client: Client, processes: Processes, walked: Walked, driven: Driven, teller: Teller
) -> None:
    url, invited = processes.url, driven.answered.not_yet
    teller.chapter("Look for yourself")
    for what, address in (
        ("the public page", f"{url}{walked.public_path}"),
        ("the register", f"{url}/th/register"),
        ("sites to speak about", f"{url}/th/feedback"),
        ("the API", f"{url}/docs"),
        ("the outbox", f"{url}/dev/outbox"),
        ("an open invitation", f"{url}/dev/outbox?case={invited}" if invited else "none is left"),
        ("the case in Temporal", processes.page_of(walked.case_id)),
        ("the drive in Temporal", processes.page_of(workflow_id_of(driven.drive))),
    ):
        teller.say(f"{what:<22}{address}")
    place = provinces()[walked.officer.province or ""]
    teller.say(f"\nThe same case over the API, as an officer of {place.name_en}:\n")
    teller.say(
        f"curl -s -H 'Authorization: Bearer {client.token(walked.officer)}' "
        f"{url}/api/v1/cases/{walked.case_id}"
    )


def _stay_up(processes: Processes, teller: Teller) -> None:
    teller.say("\nAll of it stays up until Ctrl-C.", "bold")
    while True:
        time.sleep(_LOOK_EVERY_SECONDS)
        processes.check()
