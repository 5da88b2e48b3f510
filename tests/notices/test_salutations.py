"""How readers are addressed."""

import pytest

from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.tables import Contact
from tests.notices.tale import Tale


@pytest.mark.parametrize(
    ("name", "salutation"),
    [
        ("สมชาย ใจดี", "เรียน คุณสมชาย ใจดี"),
        ("นายสมชาย ใจดี", "เรียน นายสมชาย ใจดี"),
        ("นางสาวพลอย ใจดี", "เรียน นางสาวพลอย ใจดี"),
        ("พลอย ใจดี", "เรียน คุณพลอย ใจดี"),
        ("ดร.สมชาย ใจดี", "เรียน ดร.สมชาย ใจดี"),
        ("พล.อ.สมชาย ใจดี", "เรียน พล.อ.สมชาย ใจดี"),
        ("John Smith", "เรียน John Smith"),
    ],
)
def test_a_thai_name_without_a_title_gets_the_polite_one(
    sqlite_database: Database,
    catalog: ProgramCatalog,
    composer: NoticeComposer,
    name: str,
    salutation: str,
) -> None:
    """A bare name sounds rude in a letter from an office."""
    tale = Tale(sqlite_database, catalog).applied()
    with tale.database.writing() as session:
        contact = session.get(Contact, "con-1")
        assert contact is not None
        contact.name = name
    preview = composer.render_preview("eco-tale00000001/application-received/1/applicant")
    assert preview.text.splitlines()[0] == salutation
