"""The communities around a site: kept in SQL alone, and one number for each of them for ever."""

import pytest

from casework.domain.communities import CommunityKind
from casework.domain.stages import Stage
from casework.store.cases import casebook
from casework.store.communities import (
    CommunityUnknown,
    NewCommunity,
    communities_of_case,
    count_communities,
    put_communities,
)
from casework.store.database import Database
from casework.store.outbox import COMMUNITIES, NewNotice, notices_of_case
from casework.store.tables import Community
from tests.sample_case import NOW, TERMS
from tests.statements import counted
from tests.store.story import Story, put

CASE = TERMS.case_id
OFFICE = NewCommunity(
    kind=CommunityKind.LOCAL_GOVERNMENT,
    name="องค์การบริหารส่วนตำบลบ้านน้ำใส",
    email="office@namsai.example",
)
HEAD = NewCommunity(kind=CommunityKind.VILLAGE_HEAD, name="ผู้ใหญ่บ้าน หมู่ 4", phone="081-000-0000")
SCHOOL = NewCommunity(
    kind=CommunityKind.SCHOOL, name="Ban Namsai School", email="s@school.example", language="en"
)


def name(
    database: Database, *wanted: NewCommunity, case_id: str = CASE, by: str = "applicant-1"
) -> list[Community]:
    with database.writing() as session:
        return put_communities(session, case_id, wanted, by, NOW)


def numbered(new: NewCommunity, number: int, **more: object) -> NewCommunity:
    return new.model_copy(update={"number": number, **more})


def test_communities_are_numbered_as_they_are_named(database: Database) -> None:
    name(database, OFFICE, HEAD)
    name(database, SCHOOL, case_id="eco-another00000")
    with database.reading() as session:
        first, second = communities_of_case(session, CASE)
        assert count_communities(session, CASE) == (1, 1)
        assert count_communities(session, "eco-none00000000") == (0, 0)
    assert (first.number, first.kind, first.name) == (1, OFFICE.kind, OFFICE.name)
    assert (second.number, second.email, second.phone) == (2, None, HEAD.phone)
    assert (first.language, first.changed_by, first.changed_at) == ("th", "applicant-1", NOW)


def test_a_corrected_community_keeps_its_number_and_one_left_out_is_forgotten(
    database: Database,
) -> None:
    name(database, OFFICE, HEAD)
    corrected = numbered(HEAD, 2, email="head@village.example")
    rows = name(database, SCHOOL, corrected, by="officer-21")
    assert [(row.number, row.email) for row in rows] == [
        (2, "head@village.example"),
        (3, SCHOOL.email),
    ]


def test_a_row_says_who_changed_it_last(database: Database) -> None:
    name(database, OFFICE, HEAD)
    rows = name(database, numbered(OFFICE, 1), numbered(HEAD, 2, phone=None), by="officer-21")
    assert [row.changed_by for row in rows] == ["applicant-1", "officer-21"]


def test_a_number_that_was_written_to_is_never_given_again(database: Database) -> None:
    """Else the record of the letters would say that somebody else got one."""
    name(database, HEAD, OFFICE)
    put(database, Story().lead_to(Stage.APPLICATION_REVIEW), [NewNotice("told", 1, COMMUNITIES)])
    name(database, numbered(HEAD, 1))
    (_, school) = name(database, numbered(HEAD, 1), SCHOOL)
    assert school.number == 3


def test_what_is_not_there_cannot_be_corrected(database: Database) -> None:
    name(database, OFFICE)
    with pytest.raises(CommunityUnknown) as error:
        name(database, numbered(OFFICE, 1), numbered(HEAD, 7))
    assert error.value.number == 7
    with database.reading() as session:
        assert len(communities_of_case(session, CASE)) == 1


def test_each_community_with_an_address_gets_one_notice_of_its_own(database: Database) -> None:
    """Nobody without an address, nobody of another case, and once however often it is recorded."""
    name(database, OFFICE, HEAD, SCHOOL)
    name(database, OFFICE, case_id="eco-another00000")
    story = Story().lead_to(Stage.FEEDBACK)
    notices = [
        NewNotice("opened", story.case.version, "applicant"),
        NewNotice("announced", story.case.version, COMMUNITIES),
    ]
    for _ in range(2):
        put(database, story, notices)
    with database.reading() as session:
        rows = notices_of_case(session, CASE)
    assert [row.key for row in rows] == [
        f"{CASE}/announced/{story.case.version}/community:1",
        f"{CASE}/announced/{story.case.version}/community:3",
        f"{CASE}/opened/{story.case.version}/applicant",
    ]
    assert {row.next_attempt_at for row in rows} == {story.case.changed_at}


@pytest.mark.parametrize(
    ("recipients", "statements"),
    [(["applicant", "office"], 4), (["applicant", "office", COMMUNITIES], 5)],
)
def test_communities_take_one_statement_and_only_where_they_are_told(
    database: Database, recipients: list[str], statements: int
) -> None:
    name(database, OFFICE, HEAD, SCHOOL)
    story = Story().lead_to(Stage.INSPECTION)
    put(database, story)
    story.note()
    notices = [NewNotice("told", story.case.version, who) for who in recipients]
    with counted(database.engine) as sent, database.writing() as session:
        casebook.record(session, *story.requests[-1], notices)
    assert (sent.statements, sent.commits) == (statements, 1), sent
