"""What the file of a drive says of each row, in words."""

import pytest

from casework.domain.drives import ListedRow, ListedSite, RowOutcome, RowRemark, Why
from casework.domain.refusals import RefusalCode
from casework.drives.dry_run import dry_run
from casework.drives.export import export_rows
from casework.store.database import Database
from casework.store.drives.drives import add_drive, find_drive
from casework.store.drives.rows import RowFilter
from casework.store.drives.run import RowEnd, mark
from tests.drive_lists import drive_with, fill, new_drive, site, started
from tests.sample_case import NOW


def reasons(database: Database, drive_id: str) -> list[str]:
    with database.reading() as session:
        drive = find_drive(session, drive_id)
    assert drive is not None
    return [row.reason for row in export_rows(database, drive, RowFilter(), only_unusable=False)]


def failed(database: Database, why: Why, about: str | None = None) -> str:
    """Return the reason of a row that failed."""
    drive_id = drive_with(database, [site(1)])
    started(database, drive_id)
    with database.writing() as session:
        end = RowEnd(line=2, outcome=RowOutcome.FAILED, why=why, about=about)
        mark(session, drive_id, [end], NOW)
    return reasons(database, drive_id)[0]


@pytest.mark.parametrize("code", ["invalid_argument", "failed_precondition", *RefusalCode, "New"])
def test_a_refused_row_says_what_it_means_and_no_code(database: Database, code: str) -> None:
    said = failed(database, Why.REFUSED, code)
    assert said.startswith("The case could not be opened")
    assert code not in said
    assert said.endswith(".")


def test_a_row_without_an_answer_says_what_to_do(database: Database) -> None:
    assert "Run the failed rows again" in failed(database, Why.NO_ANSWER)


def test_what_the_dry_run_found_is_said_in_words(database: Database) -> None:
    with database.writing() as session:
        drive_id = add_drive(session, new_drive(provinces=frozenset({"21"})), NOW).id
    note = RowRemark(column="โทร.", code="phone", reason="This is no telephone number.")
    rows = [
        ListedRow(line=21, site=site(1)),
        ListedRow(line=22, site=site(1)),
        ListedRow(line=23, site=site(2, province="50")),
        ListedRow(line=24, site=ListedSite(registration_no="9")),
        ListedRow(line=25, site=site(3, email=None), notes=(note,)),
        ListedRow(line=26, problems=(RowRemark(column="จังหวัด", reason="No such province."),)),
    ]
    fill(database, drive_id, rows)
    dry_run(database, drive_id, NOW)
    assert reasons(database, drive_id) == [
        "",
        "The same establishment as line 21.",
        "The drive does not reach Chiang Mai (เชียงใหม่).",
        "Nothing is on file under this registration number, so the row needs a name.",
        "Nobody can be written to: an e-mail address is missing. "
        "โทร.: This is no telephone number. This cell was left out.",
        "จังหวัด: No such province.",
    ]
