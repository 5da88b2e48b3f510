"""Hold everything the demo says against what is there: the claims, each with whether it is true."""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from email.utils import parseaddr
from functools import partial
from html import escape
from typing import NamedTuple

from casework.audit.verification import case_ids, verify_case
from casework.contracts.drive import workflow_id_of
from casework.demo.cases import Performer
from casework.demo.client import Client, Json
from casework.demo.drives import OFFICER, rows_of
from casework.demo.invited import Driven
from casework.demo.mail import MailServer
from casework.demo.processes import Processes
from casework.demo.sites import Site
from casework.demo.steps import is_there
from casework.demo.stories import PATIENT, SWIFT
from casework.demo.tour import Walked
from casework.domain.drives import RowOutcome
from casework.domain.stages import Stage
from casework.processes.waiting import WaitedTooLong
from casework.store.database import Database
from casework.store.drives.run import inviter_of


class Claim(NamedTuple):
    """Something the demo says, and whether it is so."""

    text: str
    holds: bool


def check(
    performer: Performer,
    processes: Processes,
    sites: Mapping[str, Site],
    brought: Collection[str],
    walked: Walked,
    driven: Driven,
) -> Iterator[Claim]:
    """Yield every claim. Reads over HTTP, from the database and from the mail folder.

    ``brought`` are the sites whose cases this start brought to their stages. Those of an earlier one
    may have moved on since, because a period ended.
    """
    yield from _stories(performer, sites, brought)
    yield from _tour(performer, walked)
    yield from _drive(performer, processes, driven)
    yield from _invitations(performer, processes.mail, driven)
    yield from _worker(walked, processes)
    yield from _pages(performer, processes, walked, driven)
    yield from _mail(performer, processes, sites, walked)
    yield _journals(performer, processes)


def _stories(
    performer: Performer, sites: Mapping[str, Site], brought: Collection[str]
) -> Iterator[Claim]:
    stages: set[str] = set()
    away: list[str] = []
    for story in (*PATIENT, *SWIFT):
        view = performer.look(sites[story.site])
        stages.add(view["stage"])
        if story.site in brought and not is_there(view, story.goal):
            away.append(f"{story.site} is at {view['stage']}")
    count = len(PATIENT) + len(SWIFT)
    text = f"{count} cases are at {len(stages)} stages: {', '.join(sorted(stages))}"
    yield Claim("; ".join([text, *away]), not away)


def _tour(performer: Performer, walked: Walked) -> Iterator[Claim]:
    client, case_id = performer.client, walked.case_id
    view = client.case(case_id, walked.officer)
    journal = client.journal(case_id, walked.officer)
    yield Claim(
        f"{walked.site.name_en} is certified and in the register as entry {view['register_entry']}",
        view["stage"] == Stage.CERTIFIED and view["register_entry"] is not None,
    )
    yield Claim(
        f"its journal has {len(journal)} events without a gap",
        [line["seq"] for line in journal] == list(range(1, view["version"] + 1)),
    )
    refused = walked.refused
    if refused is not None:
        yield Claim(
            f"the inspector could not recommend: {refused.body.get('code')}",
            refused.body.get("code") == "inspected-this-case",
        )


def _drive(performer: Performer, processes: Processes, driven: Driven) -> Iterator[Claim]:
    drive, client = driven.drive, performer.client
    progress = client.get(f"/api/v1/drives/{drive}", OFFICER)["progress"]
    total, opened = progress.pop("total"), progress["opened"]
    told = ", ".join(f"{rows} {outcome}" for outcome, rows in progress.items() if rows)
    yield Claim(
        f"the {driven.attendees.rows} lines of the list have outcomes: {told}",
        driven.attendees.rows == total == sum(progress.values())
        and progress["pending"] == progress["failed"] == 0,
    )
    cases = {row["case"] for row in rows_of(client, drive, RowOutcome.OPENED)}
    database = Database(processes.settings.database)
    try:
        with database.reading() as session:
            by_drive = [i for i in case_ids(database) if inviter_of(session, i) == drive]
    finally:
        database.close()
    yield Claim(
        f"each of the {opened} opened lines has one case, and no other case is the drive's",
        len(by_drive) == len(cases) == opened and set(by_drive) == cases,
    )
    again = driven.again
    yield Claim(
        f"started twice, it opened each once; started after its end, it says {again.body.get('code')}",
        again.body.get("code") == "drive-not-in-state",
    )


def _invitations(performer: Performer, mail: MailServer, driven: Driven) -> Iterator[Claim]:
    client = performer.client
    rows = rows_of(client, driven.drive, RowOutcome.OPENED)
    sent = 0
    for row in rows:
        notices = client.wait_until("an invitation to leave", partial(_left, client, row["case"]))
        sent += [n["state"] for n in notices if n["notice"] == "invitation"] == ["sent"]
    first: dict[str, str] = {}
    arrived: Counter[str] = Counter()
    for letter in mail.letters():
        if "/apply/" in letter.text:
            # Reminders follow the invitation under a subject of their own.
            address = parseaddr(letter.to)[1]
            arrived[address] += first.setdefault(address, letter.subject) == letter.subject
    once = sum(arrived[row["email"]] == 1 for row in rows)
    yield Claim(
        f"{sent} invitations were sent once, and {once} arrived once at the mail server",
        len(rows) == sent == once,
    )
    for what, stage, cases in (
        ("did not answer, and lapsed", Stage.LAPSED, driven.lapsed),
        ("applied by the link in its letter", Stage.APPLICATION_REVIEW, [driven.answered.applied]),
        ("declined by the link in its letter", Stage.DECLINED, [driven.answered.declined]),
    ):
        stages = [client.case(case, OFFICER)["stage"] for case in cases if case]
        if stages:
            yield Claim(f"{len(stages)} {what}", set(stages) == {stage})


def _left(client: Client, case_id: str) -> list[Json] | None:
    """Return the notices of a case when none of them is on its way any more."""
    rows = client.notices(case_id, OFFICER)
    return None if any(row["state"] in {"created", "sending"} for row in rows) else rows


def _worker(walked: Walked, processes: Processes) -> Iterator[Claim]:
    first, second = walked.killed_pid, walked.second_pid
    yield Claim(
        f"worker {first} is gone and worker {second} works",
        not _is_alive(first) and processes.worker.alive and processes.worker.pid == second,
    )


def _pages(
    performer: Performer, processes: Processes, walked: Walked, driven: Driven
) -> Iterator[Claim]:
    client = performer.client
    page = client.page(walked.public_path)
    yield Claim(
        f"the public page {walked.public_path} shows {walked.site.name_en}",
        page.status_code == 200 and escape(walked.site.name_en) in page.text,
    )
    csv = client.page("/register.csv")
    yield Claim(
        "the register as a file has it too",
        csv.status_code == 200 and walked.site.name_en in csv.text,
    )
    for what, url in (
        ("the API's own documentation", "/docs"),
        ("its description for programs", "/openapi.json"),
        ("the outbox", "/dev/outbox"),
        ("Temporal's page of the case", processes.page_of(walked.case_id)),
        ("Temporal's page of the drive", processes.page_of(workflow_id_of(driven.drive))),
    ):
        yield Claim(f"{what} answers: {url}", client.page(url).status_code == 200)


def _mail(
    performer: Performer, processes: Processes, sites: Mapping[str, Site], walked: Walked
) -> Iterator[Claim]:
    client = performer.client
    numbers = [sites[story.site].registration_no for story in (*PATIENT, *SWIFT)]
    cases = [walked.case_id, *(str(performer.notebook.case_of(number)) for number in numbers)]

    def all_left() -> list[Json] | None:
        found = [_left(client, case_id) for case_id in cases]
        return None if None in found else [row for rows in found for row in rows or ()]

    try:
        rows = client.wait_until("all notices to leave", all_left)
    except WaitedTooLong as error:
        yield Claim(f"all notices left ({error})", holds=False)
        return
    unsent = [
        f"{row['notice']} to {row['recipient']} {row['state']}: {row['failure']}"
        for row in rows
        if row["state"] != "sent"
    ]
    yield Claim("; ".join([f"{len(rows)} notices were sent", *unsent]), not unsent)
    yield Claim(
        f"{processes.mail.count} letters are in {processes.mail.folder}",
        processes.mail.count >= len(rows) - len(unsent),
    )


def _journals(performer: Performer, processes: Processes) -> Claim:
    database = Database(processes.settings.database)
    try:
        ids = list(case_ids(database))
        bad = [i for i in ids if verify_case(database, performer.catalog, i).differences]
    finally:
        database.close()
    return Claim(
        f"the journals of all {len(ids)} cases are unbroken and add up to what the lists show",
        not bad,
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
