"""Hold everything the demo says against what is there: the claims, each with whether it is true."""

import os
from collections.abc import Collection, Iterator, Mapping
from html import escape
from typing import NamedTuple

from casework.audit.verification import case_ids, verify_case
from casework.demo.cases import Performer
from casework.demo.client import GaveUp, Json
from casework.demo.processes import Processes
from casework.demo.sites import Site
from casework.demo.steps import is_there
from casework.demo.stories import PATIENT, SWIFT
from casework.demo.tour import Walked
from casework.domain.stages import Stage
from casework.store.database import Database


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
) -> Iterator[Claim]:
    """Yield every claim. Reads over HTTP, from the database and from the mail folder.

    ``brought`` are the sites whose cases this start brought to their stages. Those of an earlier one
    may have moved on since, because a period ended.
    """
    yield from _stories(performer, sites, brought)
    yield from _tour(performer, walked)
    yield from _worker(walked, processes)
    yield from _pages(performer, processes, walked)
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


def _worker(walked: Walked, processes: Processes) -> Iterator[Claim]:
    first, second = walked.killed_pid, walked.second_pid
    yield Claim(
        f"worker {first} is gone and worker {second} works",
        not _is_alive(first) and processes.worker.alive and processes.worker.pid == second,
    )


def _pages(performer: Performer, processes: Processes, walked: Walked) -> Iterator[Claim]:
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
    ):
        yield Claim(f"{what} answers: {url}", client.page(url).status_code == 200)


def _mail(
    performer: Performer, processes: Processes, sites: Mapping[str, Site], walked: Walked
) -> Iterator[Claim]:
    client = performer.client
    cases = [(walked.case_id, walked.officer)]
    for story in (*PATIENT, *SWIFT):
        case_id = performer.notebook.case_of(sites[story.site].registration_no)
        cases.append((str(case_id), performer.cast_of(sites[story.site]).officer))

    def all_ended() -> list[Json] | None:
        rows = [row for case_id, officer in cases for row in client.notices(case_id, officer)]
        return None if any(row["state"] in {"created", "sending"} for row in rows) else rows

    try:
        rows = client.wait_until("all notices to leave", all_ended)
    except GaveUp as error:
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
