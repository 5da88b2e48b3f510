"""The communities around a site are told when its feedback period opens."""

from collections import Counter

import pytest

from casework.domain import acts as a
from casework.domain.stages import Stage
from casework.notices.composing import NoticeComposer
from casework.notices.faults import NotComposable
from casework.programs.catalog import ProgramCatalog
from casework.store.communities import put_communities
from casework.store.database import Database
from casework.store.tables import Community, NoticeRow
from tests.notices.tale import PUBLIC_URL, Language, Tale, composer_of

ANNOUNCED = "feedback-announced"
TO_TELL = "communities-to-tell"


def of(tale: Tale, slug: str) -> list[NoticeRow]:
    return [row for row in tale.notices() if row.slug == slug]


@pytest.fixture
def opened(sqlite_database: Database, catalog: ProgramCatalog) -> Tale:
    """Open the feedback period of a case that names two communities, one of them with an address."""
    tale = Tale(sqlite_database, catalog).name_communities()
    return tale.applied().accepted().scheduled().inspected()


def test_each_is_told_once_and_again_when_the_period_opens_again(
    database: Database, catalog: ProgramCatalog
) -> None:
    tale = Tale(database, catalog).name_communities()
    assert of(tale, ANNOUNCED) == []
    tale.applied().accepted().scheduled().inspected()
    assert [row.recipient for row in of(tale, ANNOUNCED)] == ["community:1"]
    tale.closed().recommended().decided(a.Outcome.DEFERRED, Stage.FEEDBACK)
    again = of(tale, ANNOUNCED)
    assert Counter(row.recipient for row in again) == {"community:1": 2}
    assert len({row.seq for row in again}) == 2
    assert len(of(tale, TO_TELL)) == 2


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_letter_says_which_site_until_when_and_how_to_speak(
    sqlite_database: Database, catalog: ProgramCatalog, language: Language
) -> None:
    """And nothing of who applied."""
    tale = Tale(sqlite_database, catalog, language=language).name_communities()
    tale.applied().accepted().scheduled().inspected()
    (row,) = of(tale, ANNOUNCED)
    preview = composer_of(sqlite_database, catalog).render_preview(row.key)
    page = f"{PUBLIC_URL}/{language}/cases/{tale.case.case_id}/feedback"
    for said in (
        *tale.words("บริษัท น้ำใสอุตสาหกรรม จำกัด|99 หมู่ 4|ระยอง|21 ธันวาคม 2569", "").split("|"),
        *tale.words("", "Clear Water|99 Moo 4|Rayong|21 December 2026").split("|"),
        f"<{page}>",
        f"<{page}/notice>",
    ):
        assert said in preview.text
    whole = preview.subject + preview.text + preview.html
    for personal in ("สมชาย", "Somchai", "somchai@factory.example", "con-1", "applicant-1"):
        assert personal not in whole
    assert [mailbox.endswith("<office@namsai.example>") for mailbox in preview.to] == [True]
    # An office is no person, and gets no title of one.
    greeting = tale.words("เรียน องค์การ", "Dear Ban Namsai Subdistrict Office,")
    assert preview.text.startswith(greeting)


def test_the_letter_goes_to_the_address_as_it_is_when_it_leaves(
    opened: Tale, composer: NoticeComposer
) -> None:
    (row,) = of(opened, ANNOUNCED)
    with opened.database.writing() as session:
        session.get_one(Community, (opened.case.case_id, 1)).email = "new@namsai.example"
    assert "new@namsai.example" in composer.render_preview(row.key).to[0]
    with opened.database.writing() as session:
        put_communities(session, opened.case.case_id, [], "officer-1", opened.now)
    with pytest.raises(NotComposable, match="Community 1"):
        composer.compose(row.key)


def test_the_office_learns_how_many_it_has_to_tell_itself(
    opened: Tale, composer: NoticeComposer
) -> None:
    """The names are for whoever asks the API with a token."""
    (row,) = of(opened, TO_TELL)
    preview = composer.render_preview(row.key)
    assert "ชุมชนที่แจ้งทางอีเมลแล้ว: 1 แห่ง" in preview.text
    assert "ชุมชนที่ต้องแจ้งทางไปรษณีย์หรือด้วยตนเอง: 1 แห่ง" in preview.text
    assert f"/api/v1/cases/{opened.case.case_id}/communities>" in preview.text
    assert f"/th/cases/{opened.case.case_id}/feedback/notice>" in preview.text
    assert "ผู้ใหญ่บ้าน" not in preview.text


def test_an_application_without_communities_asks_the_office_to_find_them(
    sqlite_database: Database, catalog: ProgramCatalog, composer: NoticeComposer
) -> None:
    tale = Tale(sqlite_database, catalog).applied().accepted().scheduled().inspected()
    assert of(tale, ANNOUNCED) == []
    (row,) = of(tale, TO_TELL)
    text = composer.render_preview(row.key).text
    assert "คำขอนี้ไม่ได้ระบุชุมชนไว้" in text
    assert "/communities>" not in text
