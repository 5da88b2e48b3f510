"""A page of rows: reserved once, resumed after a crash, and never a second case for anybody."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, insert, select

from casework.domain.drives import RowOutcome, Why, is_provisional
from casework.domain.stages import Stage
from casework.store.cases.enrollments import GIVEN_UP_AFTER, CaseAlreadyOpen, open_enrollment
from casework.store.database import Database
from casework.store.drives.rows import list_rows
from casework.store.drives.run import (
    OpeningVersion,
    Reserved,
    RowEnd,
    inviter_of,
    mark,
    reserve_page,
    update_id_of,
)
from casework.store.drives.tables import DriveRow
from casework.store.tables import CaseRow, Contact, Enrollment, Establishment
from tests.drive_lists import drive_with, site, started
from tests.drives.test_dry_run import enroll
from tests.sample_case import NOW
from tests.statements import counted
from tests.store.cases.test_enrollments import application
from tests.store.rows import establishment_row
from tests.store.story import Story, record

VERSION = OpeningVersion(version="test", prefix="eco")
SOON = NOW + timedelta(minutes=1)


def reserve(database: Database, drive_id: str, limit: int = 100, **later: int) -> list[Reserved]:
    with database.writing() as session:
        return reserve_page(session, drive_id, VERSION, limit, NOW + timedelta(**later))


def rows(database: Database, drive_id: str) -> list[DriveRow]:
    with database.reading() as session:
        return list_rows(session, drive_id)


def ends(database: Database, drive_id: str) -> list[tuple[RowOutcome | None, Why | None]]:
    return [(row.outcome, row.outcome_why) for row in rows(database, drive_id)]


def drive(database: Database, *sites: object, key: str = "k1", **more: object) -> str:
    """Start a drive over sites, by number or as they are."""
    listed = [site(one) if isinstance(one, int) else one for one in sites]
    drive_id = drive_with(database, listed, key, **more)  # type: ignore[arg-type] # numbers are gone
    started(database, drive_id)
    return drive_id


def lead(database: Database, reserved: Reserved, stage: Stage) -> None:
    """Record the case of a reservation up to a stage."""
    story = Story(reserved.case_id, establishment=reserved.establishment_id).lead_to(stage)
    with database.writing() as session:
        for request in story.requests:
            record(session, request)


def test_a_page_keeps_sites_contacts_and_enrollments(database: Database) -> None:
    drive_id = drive(database, 1, 2, 3)
    reserved = reserve(database, drive_id, 2)
    assert [one.line for one in reserved] == [2, 3]
    assert {one.update_id for one in reserved} == {update_id_of(drive_id, n) for n in (2, 3)}
    with database.reading() as session:
        enrollment = session.get_one(Enrollment, reserved[0].case_id)
        contact = session.get_one(Contact, enrollment.contact_id)
        establishment = session.get_one(Establishment, enrollment.establishment_id)
    assert (enrollment.cycle, enrollment.program_version, enrollment.applicant) == (
        1,
        "test",
        "system",
    )
    assert (contact.email, contact.name) == ("contact1@site.example", "โรงงาน 1")
    assert (establishment.registration_no, establishment.address) == ("3-00001", "1 หมู่ 1")
    assert "โรงงาน 1" in establishment.search_text


def test_a_page_takes_few_statements_however_long_it_is(database: Database) -> None:
    few = drive(database, *range(2))
    many = drive(database, *range(10, 60), key="k2")
    lengths: list[int] = []
    for drive_id in (few, many):
        with counted(database.engine) as sent:
            reserve(database, drive_id)
        many_at_once = ("INSERT INTO contacts", "INSERT INTO enrollments")
        texts = [text for text in sent.texts if not text.startswith(many_at_once)]
        assert sent.commits == 1
        lengths.append(len(texts))
    assert lengths[0] == lengths[1] <= 14


def test_a_lost_page_finds_its_reservations_again(database: Database) -> None:
    """Long after anybody else would take them for given up."""
    drive_id = drive(database, 1, 2)
    first = reserve(database, drive_id)
    assert reserve(database, drive_id, minutes=60) == first
    lead(database, first[0], Stage.APPLICATION_REVIEW)
    assert reserve(database, drive_id) == first[1:]
    assert ends(database, drive_id) == [(RowOutcome.OPENED, None), (RowOutcome.PENDING, None)]
    assert count(database, Enrollment) == 2


def count(database: Database, table: type) -> int | None:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_what_changed_since_the_dry_run_is_seen(database: Database) -> None:
    """Somebody applied, was certified, is just applying, turned out to be elsewhere."""
    no_number = site(5, registration_no=None)
    drive_id = drive(database, 1, 2, 3, 4, no_number, provinces={"21"})
    opened = enroll(database, 1, Stage.APPLICATION_REVIEW)
    certified = enroll(database, 2, Stage.CERTIFIED)
    enroll(database, 3)
    with database.writing() as session:
        elsewhere = establishment_row("est-4", registration_no="3-00004", province="50")
        session.execute(insert(Establishment), [elsewhere])
    reserved = reserve(database, drive_id)
    assert [one.line for one in reserved] == [6]
    assert ends(database, drive_id) == [
        (RowOutcome.JOINED, None),
        (RowOutcome.SKIPPED, Why.ALREADY_CERTIFIED),
        (RowOutcome.FAILED, Why.BEING_APPLIED_FOR),
        (RowOutcome.SKIPPED, Why.OUTSIDE_JURISDICTION),
        (RowOutcome.PENDING, None),
    ]
    first, second, *_ = rows(database, drive_id)
    assert (first.case_id, second.outcome_about) == (opened.case_id, certified.case_id)
    with database.reading() as session:
        new = session.get_one(Establishment, reserved[0].establishment_id)
    assert is_provisional(new.registration_no)


def test_a_site_on_file_is_not_described_anew(database: Database) -> None:
    """A list knows less of it than its own application; its contact is used as it is."""
    known = enroll(database, 1, Stage.CERTIFIED)
    other = site(1, name_th="Another name", email=None)
    drive_id = drive(database, other, program="river-governance")
    (reserved,) = reserve(database, drive_id)
    with database.reading() as session:
        assert session.get_one(Establishment, known.establishment_id).name_th == "โรงงาน 1"
        assert session.get_one(Enrollment, reserved.case_id).contact_id == known.contact_id


def test_lines_that_turn_out_to_be_one_site_open_one_case(database: Database) -> None:
    """One names the site by its number, one by name and place: the list could not know."""
    enroll(database, 1, Stage.CERTIFIED)
    with database.writing() as session:
        case = session.scalars(select(CaseRow)).one()
        case.stage, case.is_closed = Stage.EXPIRED, True
        for row in session.scalars(select(Establishment)):
            row.name_en = "Mill"
    by_name = site(1, registration_no=None, name_th=None, name_en="mill", address="1 หมู่ 1")
    drive_id = drive(database, 1, by_name)
    (reserved,) = reserve(database, drive_id)
    assert [row.outcome for row in rows(database, drive_id)] == [
        RowOutcome.PENDING,
        RowOutcome.JOINED,
    ]
    # And again, when the page was lost.
    with database.writing() as session:
        mark(session, drive_id, [RowEnd(line=3, outcome=RowOutcome.PENDING)], NOW)
    assert reserve(database, drive_id) == [reserved]
    assert rows(database, drive_id)[1].case_id == reserved.case_id


def test_a_given_up_reservation_is_taken_over(database: Database) -> None:
    drive_id = drive(database, 1)
    theirs = enroll(database, 1)
    almost = GIVEN_UP_AFTER - timedelta(seconds=1)
    with database.writing() as session:
        assert reserve_page(session, drive_id, VERSION, 10, NOW + almost) == []
        mark(session, drive_id, [RowEnd(line=2, outcome=RowOutcome.PENDING)], NOW)
        (ours,) = reserve_page(session, drive_id, VERSION, 10, NOW + GIVEN_UP_AFTER)
    assert ours.case_id == theirs.case_id
    with database.reading() as session:
        assert session.get_one(Enrollment, ours.case_id).update_id == ours.update_id


def test_an_application_meets_the_reservation_of_a_drive(database: Database) -> None:
    drive_id = drive(database, 1)
    (reserved,) = reserve(database, drive_id)
    known = site(1).model_dump(include={"registration_no", "name_th", "address", "province"})
    with pytest.raises(CaseAlreadyOpen) as refused, database.writing() as session:
        open_enrollment(session, application("k9", establishment=known), SOON)
    assert refused.value.case_id == reserved.case_id


def test_a_renewal_is_the_next_cycle(database: Database) -> None:
    certified = enroll(database, 1, Stage.CERTIFIED)
    with database.reading() as session:
        valid_until = session.get_one(CaseRow, certified.case_id).valid_until
    assert valid_until is not None
    drive_id = drive(database, 1, renew_before=valid_until + timedelta(days=1))
    (reserved,) = reserve(database, drive_id)
    with database.reading() as session:
        assert session.get_one(Enrollment, reserved.case_id).cycle == 2


def test_two_drives_at_the_same_time_reserve_each_site_once(database: Database) -> None:
    drives = [drive(database, *range(20), key=key) for key in ("a", "b")]
    together = threading.Barrier(2)
    reserved: list[Reserved] = []
    failures: list[Exception] = []

    def go(drive_id: str) -> None:
        together.wait()
        try:
            reserved.extend(reserve(database, drive_id))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(drive_id,)) for drive_id in drives]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len({one.case_id for one in reserved}) == len(reserved) == 20
    assert (count(database, Establishment), count(database, Enrollment)) == (20, 20)


def test_a_case_knows_the_drive_that_opened_it(database: Database) -> None:
    story = Story("eco-invited00001")
    with database.writing() as session:
        record(session, story.lead_to(Stage.APPLICATION_REVIEW).requests[0])
    with database.reading() as session:
        assert inviter_of(session, "eco-invited00001") == ""
        assert inviter_of(session, "eco-nothing00001") is None


def test_a_row_without_any_contact_left_is_skipped(database: Database) -> None:
    enroll(database, 1, Stage.CERTIFIED)
    drive_id = drive(database, site(1, email=None), program="river-governance")
    with database.writing() as session:
        session.execute(delete(Enrollment))
        session.execute(delete(Contact))
    assert reserve(database, drive_id) == []
    assert ends(database, drive_id) == [(RowOutcome.SKIPPED, Why.NO_CONTACT)]
