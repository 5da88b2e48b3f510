"""One case that cannot be read does not keep the others from being verified."""

from pathlib import Path

import pytest
from sqlalchemy import insert, text

from casework.audit.verification import verify_case
from casework.cli import app as command
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import CaseRow
from tests.store.rows import case_row

CATALOG = ProgramCatalog.load()
BAD, NEXT = "eco-aaaaaaaaaaaa", "eco-bbbbbbbbbbbb"


@pytest.fixture
def two_cases(sqlite_database: Database) -> Database:
    """Keep two cases without a journal."""
    with sqlite_database.writing() as session:
        for case_id in (BAD, NEXT):
            row = case_row(case_id, stage=Stage.REVIEW, version=0, head="")
            session.execute(insert(CaseRow).values(**row))
    return sqlite_database


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("program_version = '99'", "There is no version 99 of eco-network."),
        ("stage = 'nowhere'", "it cannot be read: ValueError"),
        ("opened_at = 'yesterday'", "it cannot be read: "),
    ],
)
def test_the_bad_case_is_named_and_the_next_one_is_looked_at(
    two_cases: Database,
    damage: str,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    with two_cases.writing() as session:
        session.execute(text(f"UPDATE cases SET {damage} WHERE case_id = '{BAD}'"))
    (difference,) = verify_case(two_cases, CATALOG, BAD).differences
    assert difference.startswith(says)
    monkeypatch.chdir(tmp_path)
    url = two_cases.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("CASEWORK_DATABASE_URL", url)
    assert command.verify() == 1
    printed = capsys.readouterr().out
    assert f"{BAD}: {says}" in printed
    assert printed.splitlines()[-1].startswith("2 cases, ")
