"""Drives in SQL: kept once, seen by those whose provinces they reach, and led from state to state."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from casework.contracts.drive import DriveProgress
from casework.domain.actors import ActorKind
from casework.domain.drives import DriveState, ListedRow, RowOutcome, RowRemark, RowVerdict, Why
from casework.domain.policy import Principal
from casework.drives.dry_run import dry_run
from casework.store.database import Database
from casework.store.drives import drives
from casework.store.drives import rows as drive_rows
from casework.store.drives import states as drive_states
from casework.store.drives.drives import NewSeminar
from casework.store.drives.rows import RowFilter
from casework.store.drives.run import RowEnd, mark
from casework.store.drives.states import DriveNotInState
from casework.store.keys import KeyReused
from tests.drive_lists import drive_with, fill, new_drive, rows_of, site, started
from tests.sample_case import NOW


def seminar(**more: object) -> NewSeminar:
    return NewSeminar.model_validate(
        {
            "title": "สัมมนาภาคตะวันออก",
            "held_on": date(2026, 11, 20),
            "created_by": "officer-21",
            "update_id": "s1",
            "digest": "d1",
            **more,
        }
    )


def principal(*provinces: str, programs: object = "*", kind: str = "officer") -> Principal:
    scope = "*" if provinces == ("*",) else frozenset(provinces)
    return Principal.model_validate(
        {"person": "p-1", "kinds": (ActorKind(kind),), "provinces": scope, "programs": programs}
    )


def test_a_seminar_and_its_drive_are_kept_once_for_a_key(database: Database) -> None:
    with database.writing() as session:
        held = drives.add_seminar(session, seminar(), NOW)
        assert drives.add_seminar(session, seminar(), NOW).id == held.id
        with pytest.raises(KeyReused):
            drives.add_seminar(session, seminar(digest="d2"), NOW)
        drive = drives.add_drive(session, new_drive(seminar=held.id), NOW)
        assert drives.add_drive(session, new_drive(seminar=held.id), NOW).id == drive.id
        with pytest.raises(KeyReused):
            drives.add_drive(session, new_drive(digest="d2"), NOW)
    with database.reading() as session:
        assert [row.id for row in drives.list_seminars(session)] == [held.id]
        assert drives.find_seminar(session, held.id) is not None
        kept = drives.find_drive(session, drive.id)
        assert kept is not None
        assert (kept.state, kept.seminar_id) == (DriveState.DRAFT, held.id)
        assert drives.provinces_of(session, drive.id) == "*"


def test_of_requests_that_come_together_one_is_kept(database: Database) -> None:
    """A retry may overtake the answer that it did not wait for."""
    together = threading.Barrier(4)

    def keep(_: int) -> tuple[str, str]:
        together.wait()
        with database.writing() as session:
            held = drives.add_seminar(session, seminar(), NOW)
            return held.id, drives.add_drive(session, new_drive(seminar=held.id), NOW).id

    with ThreadPoolExecutor(4) as threads:
        kept = set(threads.map(keep, range(4)))
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (principal("*"), {"east", "lamphun", "everywhere", "rivers"}),
        (principal("*", programs=frozenset({"river-governance"})), {"rivers"}),
        (principal("20", "21", "22"), {"east", "rivers"}),
        (principal("21"), {"rivers"}),
        (principal("51", kind="supervisor"), {"lamphun"}),
        (principal("51", programs=frozenset({"river-governance"})), set()),
        (principal(), set()),
        (principal("*", kind="applicant"), set()),
    ],
)
def test_a_drive_is_seen_by_staff_whose_provinces_it_stays_in(
    database: Database, who: Principal, sees: set[str]
) -> None:
    """Its rows hold contacts of all its provinces."""
    made = {
        "east": new_drive("1", provinces={"20", "21"}),
        "lamphun": new_drive("2", provinces={"51"}),
        "everywhere": new_drive("3"),
        "rivers": new_drive("4", provinces={"21"}, program="river-governance"),
    }
    with database.writing() as session:
        ids = {drives.add_drive(session, new, NOW).id: name for name, new in made.items()}
    with database.reading() as session:
        assert {ids[row.id] for row in drives.list_drives(session, who)} == sees
        for drive_id, name in ids.items():
            found = drives.find_visible_drive(session, who, drive_id)
            assert (found is not None) == (name in sees)


def test_drives_are_listed_latest_first_and_page_by_page(database: Database) -> None:
    with database.writing() as session:
        for n in range(5):
            drives.add_drive(session, new_drive(str(n)), NOW + timedelta(minutes=n // 2))
    seen: list[str] = []
    before = None
    with database.reading() as session:
        while page := drives.list_drives(session, principal("*"), before=before, limit=2):
            seen += [row.update_id for row in page]
            before = (page[-1].created_at, page[-1].id)
        other = drives.list_drives(session, principal("*"), program="river-governance")
    assert (len(seen), set(seen)) == (5, set("01234"))
    assert seen[0] == "4"
    assert other == []


def test_a_new_list_replaces_the_one_before(database: Database) -> None:
    drive_id = drive_with(database, [site(1), site(2)])
    dry_run(database, drive_id, NOW)
    fill(database, drive_id, rows_of([site(3)]))
    with database.reading() as session:
        drive = drives.find_drive(session, drive_id)
        rows = drive_rows.list_rows(session, drive_id)
    assert drive is not None
    assert (drive.state, drive.judged_at) == (DriveState.DRAFT, None)
    assert [row.registration_no for row in rows] == ["3-00003"]


def test_a_row_is_read_out_as_it_was_put_in(database: Database) -> None:
    drive_id = drive_with(database, [])
    problem = RowRemark(column="อีเมล", code="email", reason="is no address")
    given = [
        ListedRow(line=2, cells=("๑", "=1+1", ""), site=site(1, name_en="Mill")),
        ListedRow(line=3, cells=("x",), problems=(problem,)),
        ListedRow(line=4),
    ]
    fill(database, drive_id, given)
    with database.reading() as session:
        rows = list(drive_rows.every_row(session, drive_id))
    assert [row.line for row in rows] == [2, 3, 4]
    assert drive_rows.cells_of(rows[0]) == given[0].cells
    assert drive_rows.site_of(rows[0]) == given[0].site
    assert drive_rows.problems_of(rows[0]) == ()
    assert drive_rows.problems_of(rows[1]) == (problem,)
    assert len(drive_rows.problems_of(rows[2])) == 1


def test_a_list_has_an_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive_rows, "MOST_ROWS", 2)
    drive_id = drive_with(database, [site(1), site(2)])
    with pytest.raises(drive_rows.TooManyRows), database.writing() as session:
        drive_rows.put_rows(session, drive_id, [ListedRow(line=9, site=site(9))])


def test_the_start_gives_every_row_its_outcome_or_its_turn(database: Database) -> None:
    """And starting twice changes nothing: the answer may have been lost."""
    drive_id = drive_with(database, [site(1), site(1), site(2, email=None)], pace=60, window=8)
    start = started(database, drive_id)
    assert (start.drive, start.pace, start.window) == (drive_id, 60, 8)
    with database.writing() as session:
        assert drive_states.start(session, drive_id, "officer-22", NOW) == start
    with database.reading() as session:
        rows = drive_rows.list_rows(session, drive_id)
        assert drive_rows.progress_of(session, drive_id) == DriveProgress(pending=1, skipped=2)
        skipped = RowFilter(outcome=RowOutcome.SKIPPED, province="21")
        assert len(drive_rows.list_rows(session, drive_id, skipped)) == 2
        new = RowFilter(verdict=RowVerdict.NEW)
        assert len(drive_rows.list_rows(session, drive_id, new)) == 1
        counts = drive_rows.count_by_province(session, drive_id)
        drive = drives.find_drive(session, drive_id)
    assert [(row.outcome, row.outcome_why, row.outcome_about) for row in rows] == [
        (RowOutcome.PENDING, None, None),
        (RowOutcome.SKIPPED, Why.DUPLICATE, "2"),
        (RowOutcome.SKIPPED, Why.NO_CONTACT, None),
    ]
    assert sum(count.rows for count in counts) == 3
    assert drive is not None
    assert (drive.state, drive.state_by) == (DriveState.RUNNING, "officer-21")


def test_rows_stay_as_they_are_once_a_drive_has_been_started(database: Database) -> None:
    drive_id = drive_with(database, [site(1)])
    started(database, drive_id)
    with pytest.raises(DriveNotInState):
        fill(database, drive_id, rows_of([site(2)]))
    with pytest.raises(DriveNotInState):
        dry_run(database, drive_id, NOW)
    end(database, drive_id, RowOutcome.FAILED)
    with database.writing() as session:
        assert drive_states.rerun(session, drive_id, "officer-21", NOW) == 1
    with pytest.raises(DriveNotInState):
        dry_run(database, drive_id, NOW)


def test_a_drive_is_not_started_before_its_dry_run_nor_after_its_end(database: Database) -> None:
    drive_id = drive_with(database, [site(1)])
    with pytest.raises(DriveNotInState), database.writing() as session:
        drive_states.start(session, drive_id, "officer-21", NOW)
    started(database, drive_id)
    end(database, drive_id, RowOutcome.OPENED)
    with pytest.raises(DriveNotInState) as refused, database.writing() as session:
        drive_states.start(session, drive_id, "officer-21", NOW)
    assert refused.value.state is DriveState.FINISHED
    with pytest.raises(LookupError), database.writing() as session:
        drive_states.start(session, "drv-nothing", "officer-21", NOW)


def test_only_what_failed_is_run_again(database: Database) -> None:
    drive_id = drive_with(database, [site(1), site(2), site(3)])
    started(database, drive_id)
    with pytest.raises(DriveNotInState), database.writing() as session:
        drive_states.rerun(session, drive_id, "officer-21", NOW)
    end(database, drive_id, RowOutcome.OPENED, RowOutcome.FAILED, RowOutcome.FAILED)
    with database.writing() as session:
        assert drive_states.rerun(session, drive_id, "officer-22", NOW) == 2
        drive_states.start(session, drive_id, "officer-22", NOW)
    with database.reading() as session:
        assert drive_rows.progress_of(session, drive_id) == DriveProgress(pending=2, opened=1)


def test_a_stop_skips_the_rest_and_a_finish_does_not_hide_it(database: Database) -> None:
    drive_id = drive_with(database, [site(1)])
    started(database, drive_id)
    for state in (DriveState.FINISHED, DriveState.STOPPED, DriveState.STOPPED, DriveState.FINISHED):
        with database.writing() as session:
            # The first finds a row pending and so finishes nothing.
            drive_states.note_state(session, drive_id, state, "officer-21", "Why.", NOW)
    with database.reading() as session:
        drive = drives.find_drive(session, drive_id)
        assert drive is not None
        assert (drive.state, drive.ended_at) == (DriveState.STOPPED, NOW)
        assert drive_rows.progress_of(session, drive_id) == DriveProgress(skipped=1)
    with database.writing() as session:
        assert drive_states.rerun(session, drive_id, "officer-21", NOW) == 0
        assert drive_states.rerun(session, drive_id, "officer-21", NOW, also_stopped=True) == 1


def end(database: Database, drive_id: str, *outcomes: RowOutcome) -> None:
    """Let the rows come to these outcomes, and the drive to its end."""
    ends = [RowEnd(line=line, outcome=outcome) for line, outcome in enumerate(outcomes, 2)]
    with database.writing() as session:
        mark(session, drive_id, ends, NOW)
        drive_states.note_state(session, drive_id, DriveState.FINISHED, "system", None, NOW)
