"""Members whose certification ends or who went quiet become the rows of a drive."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from casework.domain.drives import RowOutcome, RowVerdict
from casework.domain.stages import Stage
from casework.drives.dry_run import dry_run
from casework.store.database import Database
from casework.store.drives.drives import add_drive
from casework.store.drives.members import MembersQuery, put_members
from casework.store.drives.rows import list_rows
from casework.store.drives.run import reserve_page
from casework.store.tables import CaseRow
from tests.drive_lists import new_drive, started
from tests.drives.test_dry_run import enroll
from tests.sample_case import NOW
from tests.store.drives.test_run import VERSION

LONG_AGO = NOW - timedelta(days=700)
SOON = NOW + timedelta(days=90)


def members(database: Database) -> None:
    """Have 1 ending soon, 2 certified for long, 3 quiet under way, 4 quiet and closed, 5 elsewhere."""
    for number, stage in enumerate((Stage.CERTIFIED,) * 2 + (Stage.APPLICATION_REVIEW,) * 2, 1):
        opened = enroll(database, number, stage)
        with database.writing() as session:
            case = session.get_one(CaseRow, opened.case_id)
            case.valid_until = SOON if number == 1 else case.valid_until
            case.changed_at = LONG_AGO if number in {3, 4} else case.changed_at
            if number == 4:
                case.stage, case.is_closed = Stage.WITHDRAWN, True


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (MembersQuery(ending_before=SOON + timedelta(days=1)), ["3-00001"]),
        (MembersQuery(ending_before=SOON), []),
        (MembersQuery(quiet_since=NOW - timedelta(days=1)), ["3-00003", "3-00004"]),
        (
            MembersQuery(ending_before=SOON + timedelta(days=1), quiet_since=NOW),
            ["3-00001", "3-00003", "3-00004"],
        ),
    ],
)
def test_a_query_finds_the_members(
    database: Database, wanted: MembersQuery, numbers: list[str]
) -> None:
    members(database)
    with database.writing() as session:
        drive = add_drive(session, new_drive(kind="retention"), NOW)
        for _ in range(2):
            assert put_members(session, drive.id, wanted, NOW) == len(numbers)
        rows = list_rows(session, drive.id)
    assert [row.registration_no for row in rows] == numbers
    assert [row.line for row in rows] == list(range(1, len(numbers) + 1))


def test_members_are_those_of_the_drives_program_and_provinces(database: Database) -> None:
    members(database)
    wanted = MembersQuery(quiet_since=NOW + timedelta(days=1))
    with database.writing() as session:
        for key, more in (("1", {"program": "river-governance"}), ("2", {"provinces": {"50"}})):
            drive = add_drive(session, new_drive(key, kind="retention", **more), NOW)
            assert put_members(session, drive.id, wanted, NOW) == 0


def test_a_retention_drive_renews_joins_and_invites_anew(database: Database) -> None:
    """Without an address in any list: those on file serve."""
    members(database)
    wanted = MembersQuery(ending_before=SOON + timedelta(days=1), quiet_since=NOW)
    with database.writing() as session:
        new = new_drive(kind="retention", renew_before=wanted.ending_before)
        drive_id = add_drive(session, new, NOW).id
        put_members(session, drive_id, wanted, NOW)
    counts = {count.verdict: count.rows for count in dry_run(database, drive_id, NOW)}
    assert counts == {RowVerdict.NEW: 2, RowVerdict.ALREADY_OPEN: 1}
    started(database, drive_id)
    with database.writing() as session:
        assert len(reserve_page(session, drive_id, VERSION, 10, NOW)) == 2
    with database.reading() as session:
        outcomes = [row.outcome for row in list_rows(session, drive_id)]
    assert outcomes == [RowOutcome.PENDING, RowOutcome.JOINED, RowOutcome.PENDING]


def test_a_query_asks_for_something() -> None:
    with pytest.raises(ValidationError, match="ending_before"):
        MembersQuery()
