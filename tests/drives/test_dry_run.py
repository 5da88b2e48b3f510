"""The dry run names every row, and writes to no case."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from casework.domain.drives import DriveState, ListedRow, ListedSite, RowRemark, RowVerdict
from casework.domain.stages import Stage
from casework.drives import dry_run as module
from casework.drives.dry_run import dry_run
from casework.store.cases.enrollments import NewEnrollment, Opened, open_enrollment
from casework.store.database import Database
from casework.store.drives.rows import list_rows
from casework.store.drives.states import DriveNotInState, ListChanged, lock_unstarted, start
from casework.store.drives.tables import Drive, DriveRow
from casework.store.tables import CaseRow, Contact, Enrollment, Establishment
from tests.drive_lists import drive_with, fill, rows_of, site
from tests.sample_case import NOW
from tests.statements import counted
from tests.store.rows import establishment_row
from tests.store.story import Story, record


def enroll(database: Database, number: int, stage: Stage | None = None) -> Opened:
    """Have the site of this number apply, and lead its case to a stage."""
    one = site(number)
    new = NewEnrollment.model_validate(
        {
            "program": "eco-network",
            "prefix": "eco",
            "program_version": "test",
            "establishment": one.model_dump(
                include={"registration_no", "name_th", "address", "province"}
            ),
            "contact": {"name": "สมหญิง", "email": one.email},
            "applicant": "applicant-1",
            "update_id": f"applied-{number}",
            "digest": "d1",
        }
    )
    with database.writing() as session:
        opened = open_enrollment(session, new, NOW)
        if stage is not None:
            story = Story(opened.case_id, establishment=opened.establishment_id).lead_to(stage)
            for request in story.requests:
                record(session, request)
    return opened


def verdicts(database: Database, drive_id: str) -> list[tuple[RowVerdict | None, str | None]]:
    dry_run(database, drive_id, NOW + timedelta(minutes=1))
    return [(row.verdict, row.verdict_about) for row in rows(database, drive_id)]


def rows(database: Database, drive_id: str) -> list[DriveRow]:
    with database.reading() as session:
        return list_rows(session, drive_id, limit=10_000)


def test_every_row_gets_its_verdict_and_nothing_else_is_written(database: Database) -> None:
    opened = enroll(database, 2, Stage.APPLICATION_REVIEW)
    certified = enroll(database, 3, Stage.CERTIFIED)
    reserved = enroll(database, 4)
    drive_id = drive_with(database, [], provinces={"21"})
    fill(
        database,
        drive_id,
        [
            ListedRow(line=2, site=site(1)),
            ListedRow(line=3, site=site(2)),
            ListedRow(line=4, site=site(3)),
            ListedRow(line=5, site=site(4)),
            ListedRow(line=6, site=site(1)),
            ListedRow(line=7, site=site(7, province="50")),
            ListedRow(line=8, site=site(8, email=None)),
            ListedRow(line=9, problems=(RowRemark(column="จังหวัด", reason="unknown"),)),
            ListedRow(line=10, site=ListedSite(registration_no="unknown", email="a@b.example")),
        ],
    )
    before = size(database)
    assert verdicts(database, drive_id) == [
        (RowVerdict.NEW, None),
        (RowVerdict.ALREADY_OPEN, opened.case_id),
        (RowVerdict.ALREADY_CERTIFIED, certified.case_id),
        (RowVerdict.ALREADY_OPEN, reserved.case_id),
        (RowVerdict.DUPLICATE, "2"),
        (RowVerdict.OUTSIDE_JURISDICTION, "50"),
        (RowVerdict.NO_CONTACT, None),
        (RowVerdict.INVALID, "จังหวัด"),
        (RowVerdict.INVALID, "name"),
    ]
    assert size(database) == before


def size(database: Database) -> list[int | None]:
    with database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (Establishment, Contact, Enrollment, CaseRow)
        ]


def test_an_invitation_nobody_took_up_is_remembered(database: Database) -> None:
    """A case that lapsed after an application is another thing."""
    invited, applied = enroll(database, 1), enroll(database, 2)
    with database.writing() as session:
        for opened, stage in ((invited, Stage.DECLINED), (applied, Stage.LAPSED)):
            story = Story(opened.case_id, establishment=opened.establishment_id)
            for request in story.lead_to(Stage.APPLICATION_REVIEW).requests:
                record(session, request)
            case = session.get_one(CaseRow, opened.case_id)
            case.stage, case.is_closed = stage, True
    drive_id = drive_with(database, [site(1), site(2)])
    with database.writing() as session:
        # Its journal has no application.
        session.execute(
            DriveRow.metadata.tables["journal"]
            .delete()
            .where(DriveRow.metadata.tables["journal"].c.case_id == invited.case_id)
        )
    assert verdicts(database, drive_id) == [
        (RowVerdict.INVITED_BEFORE, invited.case_id),
        (RowVerdict.NEW, None),
    ]


def test_the_place_on_file_counts_and_not_what_the_list_says(database: Database) -> None:
    """Nobody draws an establishment of another province into a drive by writing down their own."""
    enroll(database, 1)
    drive_id = drive_with(database, [site(1, province="50")], provinces={"50"})
    assert verdicts(database, drive_id) == [(RowVerdict.OUTSIDE_JURISDICTION, "21")]


def test_a_known_contact_serves_a_row_without_one(database: Database) -> None:
    enroll(database, 1, Stage.CERTIFIED)
    other_program = drive_with(database, [site(1, email=None)], program="river-governance")
    assert verdicts(database, other_program) == [(RowVerdict.NEW, None)]


@pytest.mark.parametrize(
    ("listed", "matches"),
    [
        ({"registration_no": None}, True),
        ({"registration_no": None, "latitude": 12.7001, "longitude": 101.1}, True),
        ({"registration_no": None, "latitude": 12.8, "longitude": 101.1}, False),
        ({"registration_no": None, "name_th": None, "name_en": "siam  MILL"}, True),
        ({"registration_no": None, "province": "22"}, False),
        ({"registration_no": "another"}, False),
    ],
)
def test_a_site_without_a_number_is_known_by_name_and_place(
    database: Database, listed: dict[str, object], matches: bool
) -> None:
    with database.writing() as session:
        there = establishment_row(
            "est-1",
            registration_no="3-00001",
            name_th="โรงสี",
            name_en="Siam  Mill",
            address="1 หมู่ 1",
            latitude=12.7,
            longitude=101.1,
        )
        session.execute(insert(Establishment), [there])
    drive_id = drive_with(database, [site(1, **{"name_th": "โรงสี", **listed})])
    dry_run(database, drive_id, NOW)
    (row,) = rows(database, drive_id)
    assert row.establishment_id == ("est-1" if matches else None)


def test_duplicates_are_of_the_first_line_that_can_be_reached(database: Database) -> None:
    """Nobody is lost because the line with their address came second."""
    listed = [
        site(1, email=None),
        site(1),
        site(1),
        site(5, registration_no=None, name_th=None, name_en="Mill", latitude=12.7, longitude=101),
        site(6, name_th=None, name_en="MILL", latitude=12.7001, longitude=101.0),
        site(7, name_th=None, name_en="Mill", latitude=12.8, longitude=101.0),
        site(8, name_th=None, name_en="Mill", province="22"),
    ]
    drive_id = drive_with(database, listed)
    assert [about for _, about in verdicts(database, drive_id)] == [
        "3",
        None,
        "3",
        None,
        "5",
        None,
        None,
    ]


def test_a_second_dry_run_gives_the_same_answer(database: Database) -> None:
    drive_id = drive_with(database, [site(1), site(1), site(2)])
    assert verdicts(database, drive_id) == verdicts(database, drive_id)


@dataclass
class Interrupted:
    """A database on which somebody else does something before one of our transactions."""

    database: Database
    before: int
    meanwhile: Callable[[], object]

    @contextmanager
    def writing(self) -> Generator[Session]:
        self.before -= 1
        if self.before == 0:
            self.meanwhile()
        with self.database.writing() as session:
            yield session


@pytest.mark.parametrize("before", [2, 3, 4, 5])
def test_a_list_that_comes_during_a_dry_run_is_not_taken_for_judged(
    database: Database, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Whenever it comes: its rows have no verdict, or not one of its own duplicates."""
    monkeypatch.setattr(module, "BATCH", 1)
    drive_id = drive_with(database, [site(1), site(2)])

    def another_list() -> None:
        fill(database, drive_id, rows_of([site(3), site(3)]))

    interrupted = cast("Database", Interrupted(database, before, another_list))
    with pytest.raises(ListChanged):
        dry_run(interrupted, drive_id, NOW)
    assert [row.verdict for row in rows(database, drive_id)] == [None, None]
    assert state_of(database, drive_id) is DriveState.DRAFT
    assert verdicts(database, drive_id) == [(RowVerdict.NEW, None), (RowVerdict.DUPLICATE, "2")]


def test_of_two_dry_runs_the_later_one_counts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    drive_id = drive_with(database, [site(1), site(1)])

    def again() -> None:
        assert verdicts(database, drive_id) == found

    found = [(RowVerdict.NEW, None), (RowVerdict.DUPLICATE, "2")]
    with pytest.raises(ListChanged):
        dry_run(cast("Database", Interrupted(database, 2, again)), drive_id, NOW)
    assert state_of(database, drive_id) is DriveState.READY


def test_a_drive_is_not_started_while_it_is_judged_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of its rows would run by the verdicts of one dry run, some by those of the other."""
    monkeypatch.setattr(module, "BATCH", 1)
    drive_id = drive_with(database, [site(1), site(2)])
    dry_run(database, drive_id, NOW)

    def go() -> None:
        with pytest.raises(DriveNotInState), database.writing() as session:
            start(session, drive_id, "officer-21", NOW)

    dry_run(cast("Database", Interrupted(database, 3, go)), drive_id, NOW)
    assert state_of(database, drive_id) is DriveState.READY


@pytest.mark.postgres
def test_a_list_that_comes_before_the_lock_is_seen_after_it(postgresql_database: Database) -> None:
    """What the session has read of the drive before is old by then."""
    database = postgresql_database
    drive_id = drive_with(database, [site(1)])
    with database.writing() as session:
        seen = session.get_one(Drive, drive_id).state_at
        fill(database, drive_id, rows_of([site(2)]))
        with pytest.raises(ListChanged):
            lock_unstarted(session, drive_id, seen)


def state_of(database: Database, drive_id: str) -> DriveState:
    with database.reading() as session:
        return session.get_one(Drive, drive_id).state


def test_a_dry_run_goes_in_batches_of_few_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 100)
    drive_id = drive_with(database, [site(n) for n in range(250)])
    with counted(database.engine) as sent:
        counts = dry_run(database, drive_id, NOW)
    assert [(count.verdict, count.rows) for count in counts] == [(RowVerdict.NEW, 250)]
    updates = [text for text in sent.texts if text.startswith("UPDATE drive_rows SET verdict")]
    assert len(updates) == 250
    # Duplicates, three batches and the look after the last, the end.
    assert sent.statements - len(updates) <= 50, sent


def test_thousands_of_one_name_are_no_trouble(database: Database) -> None:
    listed = (
        site(n, registration_no=None, name_th="โรงสี", latitude=10 + n / 100, longitude=100.0)
        for n in range(1000)
    )
    drive_id = drive_with(database, listed)
    counts = dry_run(database, drive_id, NOW)
    assert [(count.verdict, count.rows) for count in counts] == [(RowVerdict.NEW, 1000)]
