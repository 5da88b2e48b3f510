"""Drives and their lists for tests of store, workflow and API."""

from collections.abc import Iterable
from datetime import datetime

from casework.contracts.drive import DriveInput
from casework.domain.drives import ListedRow, ListedSite
from casework.drives.dry_run import dry_run
from casework.store.database import Database
from casework.store.drives.drives import NewDrive, add_drive
from casework.store.drives.rows import put_rows
from casework.store.drives.states import begin_list, start
from tests.sample_case import NOW


def new_drive(key: str = "k1", **more: object) -> NewDrive:
    return NewDrive.model_validate(
        {
            "program": "eco-network",
            "title": "Seminar of the eastern provinces",
            "provinces": "*",
            "created_by": "officer-21",
            "update_id": key,
            "digest": "d1",
            **more,
        }
    )


def site(number: int = 1, **more: object) -> ListedSite:
    return ListedSite.model_validate(
        {
            "registration_no": f"3-{number:05}",
            "name_th": f"โรงงาน {number}",
            "address": f"{number} หมู่ 1",
            "province": "21",
            "email": f"contact{number}@site.example",
            **more,
        }
    )


def rows_of(sites: Iterable[ListedSite]) -> list[ListedRow]:
    return [ListedRow(line=line, site=site) for line, site in enumerate(sites, 2)]


def drive_with(
    database: Database, sites: Iterable[ListedSite], key: str = "k1", **more: object
) -> str:
    """Keep a drive with these sites on lines 2, 3, ... and return its id."""
    with database.writing() as session:
        drive_id = add_drive(session, new_drive(key, **more), NOW).id
    fill(database, drive_id, rows_of(sites))
    return drive_id


def fill(database: Database, drive_id: str, rows: list[ListedRow]) -> None:
    with database.writing() as session:
        begin_list(session, drive_id, file_name="list.csv", columns=(), mapping=None, now=NOW)
        put_rows(session, drive_id, rows)


def started(database: Database, drive_id: str, now: datetime = NOW) -> DriveInput:
    """Judge the rows of a drive and start it in SQL."""
    dry_run(database, drive_id, now)
    with database.writing() as session:
        return start(session, drive_id, "officer-21", now)
