"""What people write is found in SQL alone, and can be erased: a canary in every field of every act."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.housekeeping import HousekeepingActivities
from api.engine.calls import EngineCalls
from api.engine.cases import CaseGateway
from api.http.metrics import Metrics
from casework.audit.figures import count
from casework.cases.on_record import ActsOnRecord
from casework.cases.reading import CaseReader
from casework.contracts import enrollment
from casework.domain import acts as a
from casework.domain.actors import Actor
from casework.domain.case import Case, evolve
from casework.domain.policy import Principal
from casework.domain.written import change_texts, texts_of, written_places
from casework.notices.composing import NoticeComposer
from casework.people.personal import erase_person
from casework.processes.servers import TemporalDevServer
from casework.settings import Settings
from casework.store.cases.casebook import read_journal
from casework.store.evidence import EvidenceStore
from casework.store.outbox import notices_of_case
from casework.store.tables import TextRow
from casework.store.texts import ERASED, flaws_of_texts
from tests.sample_case import CALENDAR, CAST, FILE, act_of
from tests.workflows import paths
from tests.workflows.office import Office, office_at_work, sample_catalog

WALKS = (
    paths.invited_applies_and_withdraws,
    paths.invitation_declined,
    paths.returned_resubmitted_and_rejected,
    paths.office_overdue_is_escalated_and_goes_on,
    paths.nonconformity_corrected,
    paths.objections_answered_and_refused,
    paths.deferred_to_every_stage_in_turn,
    paths.visit_moved_after_a_conflict,
)

_ONE: Mapping[str, BaseModel] = {
    "documents": a.Evidence(file=FILE, title="A plan"),
    "asked": a.ReturnedItem(item="map", reason="Unclear."),
}

CANARY = "canary"


class WritingOffice(Office):
    """An office whose people fill in every field they have, and whose acts go through the API's gateway."""

    gateway: CaseGateway
    record: ActsOnRecord
    metrics: Metrics
    filled_in: dict[type[a.Act], set[str]]
    wrote: set[str]

    async def open(self, act: a.Act, actor: Actor, key: str | None = None) -> enrollment.ActReceipt:
        key = key or f"open-{self.terms.case_id}"
        intent = self.record.intend(key, self.terms.case_id, self._written(act), actor.person)
        return await super().open(intent.act, actor, key)

    async def act(
        self,
        act: a.Act | type[a.Act],
        actor: Actor,
        key: str | None = None,
        expected_version: int | Literal["as seen"] | None = "as seen",
        name: str | None = None,
    ) -> enrollment.ActReceipt:
        case = self.case()
        if isinstance(act, type):
            act = act_of(act, case, self.now())
        who = Principal(person=actor.person, kinds=actor.kinds, establishment=actor.establishment)
        written, key = self._written(act), key or f"{act.slug}-{case.version}"
        taken = await self.gateway.apply(self.terms.case_id, written, who, case.version, key)
        assert taken.is_recorded
        return taken.receipt

    def _written(self, act: a.Act) -> a.Act:
        written = change_texts(
            filled(act), lambda place, _: f"{CANARY} {act.slug} {self.case_version()} {place}"
        )
        given = texts_of(written)
        self.wrote |= set(given.values())
        where = {"/".join("*" if x.isdigit() else x for x in place.split("/")) for place in given}
        self.filled_in.setdefault(type(act), set()).update(where)
        return written

    def case_version(self) -> int:
        with self.database.reading() as session:
            return len(read_journal(session, self.terms.case_id))


def filled(value: Any) -> Any:
    """Return the value with something in every field in which people can write."""
    changes: dict[str, object] = {}
    for place in written_places(type(value)):
        name, _, rest = place[1:].partition("/")
        now = getattr(value, name)
        if not rest:
            changes[name] = now or "x"
        elif rest.startswith("*"):
            is_asked = name != "asked" or value.outcome is a.Outcome.DEFERRED
            changes[name] = tuple(map(filled, now or ((_ONE[name],) if is_asked else ())))
        else:
            changes[name] = filled(now)
    return value.model_copy(update=changes)


def writing(office: Office) -> WritingOffice:
    settings = Settings(_env_file=None, temporal_address=office.server.target)  # pyright: ignore[reportCallIssue]
    reader = CaseReader(office.database, lambda program, version: office.terms.rules)
    here = WritingOffice(**{f.name: getattr(office, f.name) for f in fields(Office)})
    here.record = ActsOnRecord(office.database, reader, office.recorder, lambda: datetime.now(UTC))
    here.metrics = Metrics()
    here.gateway = CaseGateway(EngineCalls(settings), here.record, here.metrics)
    here.filled_in, here.wrote = {}, set()
    return here


async def test_a_canary_in_every_field_is_found_in_one_table_alone(
    temporal_server: TemporalDevServer,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither history nor journal, read model, outbox, exported file, log or metric holds what somebody wrote."""
    filled_in: dict[type[a.Act], set[str]] = {a.InviteEstablishment: set()}
    for walk in WALKS:
        folder = tmp_path / walk.__name__
        folder.mkdir()
        async with office_at_work(temporal_server, folder) as office:
            here = writing(office)
            await walk(here)
            await settle_down(here)
            assert_only_in_texts(folder / "casework.db", here.wrote)
            for history in await histories(here):
                assert CANARY not in history
            files = EvidenceStore(folder / "files")
            await export_histories(here, files)
            kept = [file for file in (folder / "files").rglob("*") if file.is_file()]
            assert kept or not here.case().is_closed
            for file in kept:
                assert CANARY not in file.name
                assert CANARY.encode() not in file.read_bytes()
            with here.database.reading() as session:
                figures = count(session, here.now())
            assert CANARY.encode() not in here.metrics.text(figures)
            for kind, places in here.filled_in.items():
                filled_in.setdefault(kind, set()).update(places)
    assert filled_in == {kind: set(written_places(kind)) for kind in a.ACTS.values()}
    out, err = capfd.readouterr()
    assert CANARY not in caplog.text + out + err


async def test_an_erased_text_leaves_chain_case_and_letters_whole(
    temporal_server: TemporalDevServer, tmp_path: Path
) -> None:
    """Before, letters say what was written; afterwards, that it was erased. Nothing else in the case changes."""
    async with office_at_work(temporal_server, tmp_path) as office:
        here = writing(office)
        await paths.returned_resubmitted_and_rejected(here)
        await settle_down(here)
        letters = letters_of(here)
        assert f"{CANARY} return-application 1 /items/0/reason" in letters
        assert f"{CANARY} reject-application 3 /reasons" in letters
        before, heads = here.journal(), hashes(here)
        now = datetime.now(UTC)
        for person in {actor.person for actor in CAST}:
            with here.database.writing() as session:
                erase_person(session, person, "Asked for by letter.", "clerk-1", now)
        assert (here.journal(), hashes(here)) == (before, heads)
        folded = Case(terms=here.terms)
        for line in here.journal():
            folded = evolve(folded, line)
        assert folded == here.case()
        letters = letters_of(here)
        assert CANARY not in letters
        assert letters.count(ERASED["th"]) == 2
        with here.database.reading() as session:
            rows = read_journal(session, here.terms.case_id)
            assert flaws_of_texts(session, here.terms.case_id, [row.body for row in rows]) == []
        assert_only_in_texts(tmp_path / "casework.db", set())
        with here.database.reading() as session:
            assert {row.text for row in session.scalars(select(TextRow))} == {None}
            assert {row.salt for row in session.scalars(select(TextRow))} == {None}


async def settle_down(office: Office) -> None:
    case = office.case()
    if case.is_closed:
        await office.handle.result()


def assert_only_in_texts(file: Path, wrote: set[str]) -> None:
    """Look at every value of every table of the database."""
    found: set[str] = set()
    with sqlite3.connect(file) as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            for row in database.execute(f'SELECT * FROM "{name}"'):
                values = [value for value in row if CANARY in str(value)]
                assert not values or name == "texts", (name, row)
                found |= set(values)
    assert found == wrote


async def histories(office: Office) -> list[str]:
    last = (await office.handle.describe()).run_id
    runs = {*office.runs, last}
    handles = [office.client.get_workflow_handle(office.terms.case_id, run_id=run) for run in runs]
    return [
        json.dumps((await h.fetch_history()).to_json_dict()) + payloads(await h.fetch_history())
        for h in handles
    ]


def payloads(history: Any) -> str:
    """Return what the payloads of a history say: in JSON they are base 64."""
    return b"".join(event.SerializeToString() for event in history.events).decode(errors="replace")


async def export_histories(office: Office, files: EvidenceStore) -> None:
    rounds = HousekeepingActivities(office.database, office.client, files, lambda: CALENDAR)
    await ActivityEnvironment().run(rounds.export_histories)


def hashes(office: Office) -> list[str]:
    with office.database.reading() as session:
        return [row.hash for row in read_journal(session, office.terms.case_id)]


def letters_of(office: Office) -> str:
    composer = NoticeComposer(
        office.database, sample_catalog(), "https://cases.example", "Casework <no@cases.example>"
    )
    with office.database.reading() as session:
        keys = [
            n.key
            for n in notices_of_case(session, office.terms.case_id)
            if n.recipient == "applicant"
        ]
    return "\n".join(composer.render_preview(key).text for key in keys)
