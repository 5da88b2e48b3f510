"""One case per establishment, program and cycle, however often and at once people apply."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from casework.domain.renewal import RENEWAL_OPENS, leaves_room_for_the_next
from casework.domain.stages import Stage
from casework.store.cases import enrollments
from casework.store.cases.enrollments import (
    CaseAlreadyOpen,
    NewEnrollment,
    Opened,
    find_contact,
    find_enrollment,
    find_establishment,
    open_enrollment,
)
from casework.store.database import Database
from casework.store.keys import KeyReused
from casework.store.tables import CaseRow, Contact, Enrollment, Establishment
from tests.sample_case import NOW
from tests.statements import counted
from tests.store.story import Story, record


def application(key: str = "k1", **more: object) -> NewEnrollment:
    return NewEnrollment.model_validate(
        {
            "program": "eco-network",
            "prefix": "eco",
            "program_version": "2570",
            "establishment": {
                "registration_no": "0105556001234",
                "name_th": "โรงงานน้ำตาลลำพูน",
                "address": "1 หมู่ 2 ตำบลบ้านกลาง",
                "province": "51",
            },
            "contact": {"name": "สมหญิง", "email": "somying@example.org", "phone": "053-000-000"},
            "applicant": "applicant-1",
            "update_id": key,
            "digest": "d1",
            **more,
        }
    )


def apply(database: Database, new: NewEnrollment, after: timedelta = timedelta()) -> Opened:
    with database.writing() as session:
        return open_enrollment(session, new, NOW + after)


def lead(database: Database, opened: Opened, stage: Stage) -> None:
    """Record the case of an enrollment up to a stage."""
    story = Story(opened.case_id, establishment=opened.establishment_id).lead_to(stage)
    with database.writing() as session:
        for request in story.requests:
            record(session, request)


def test_the_first_application_opens_the_first_cycle(database: Database) -> None:
    with counted(database.engine) as sent:
        opened = apply(database, application())
    assert (sent.statements, sent.commits) == (5, 1), sent
    assert (opened.cycle, opened.is_new, opened.program_version) == (1, True, "2570")
    with database.reading() as session:
        row = find_enrollment(session, opened.case_id)
        assert row is not None
        assert (row.province, row.applicant, row.program_version) == ("51", "applicant-1", "2570")
        establishment = find_establishment(session, opened.establishment_id)
        assert establishment is not None
        assert establishment.registration_no == "0105556001234"
        contact = find_contact(session, opened.contact_id)
        assert contact is not None
        assert (contact.name, contact.establishment_id) == ("สมหญิง", opened.establishment_id)


def test_the_same_request_again_gets_the_same_case(database: Database) -> None:
    opened = apply(database, application())
    with counted(database.engine) as sent:
        again = apply(database, application())
    assert again == opened.model_copy(update={"is_new": False, "establishment_is_new": False})
    assert sent.statements == 1
    lead(database, opened, Stage.CERTIFIED)
    assert apply(database, application()).case_id == opened.case_id


def test_the_same_key_for_another_request_is_refused(database: Database) -> None:
    apply(database, application())
    for other in (application(digest="d2"), application(program="river-governance")):
        with pytest.raises(KeyReused):
            apply(database, other)


@pytest.mark.parametrize("stage", [None, Stage.APPLICATION_REVIEW, Stage.CERTIFIED])
def test_a_second_application_meets_the_open_case_and_changes_nothing(
    database: Database, stage: Stage | None
) -> None:
    opened = apply(database, application())
    if stage is not None:
        lead(database, opened, stage)
    other = application("k2", contact={"name": "Other", "email": "o@example.org"})
    with pytest.raises(CaseAlreadyOpen) as refused:
        apply(database, other)
    known = refused.value
    assert known.case_id == opened.case_id
    assert (known.establishment_id, known.applicant) == (opened.establishment_id, "applicant-1")
    with database.reading() as session:
        assert [contact.name for contact in session.scalars(select(Contact))] == ["สมหญิง"]


def test_a_closed_case_makes_room_for_the_next_cycle(database: Database) -> None:
    first = apply(database, application())
    lead(database, first, Stage.CERTIFIED)
    close(database, first)
    second = apply(database, application("k2"))
    assert second.cycle == 2
    assert second.case_id != first.case_id
    assert second.establishment_id == first.establishment_id
    with pytest.raises(CaseAlreadyOpen, match=second.case_id):
        apply(database, application("k3"))


def test_a_holder_may_apply_for_the_next_cycle_before_the_certification_ends(
    database: Database,
) -> None:
    """From 180 days before its end on; the case of the certification stays open beside the new one."""
    first = apply(database, application())
    lead(database, first, Stage.CERTIFIED)
    with database.reading() as session:
        valid_until = session.get_one(CaseRow, first.case_id).valid_until
    assert valid_until is not None
    opens = valid_until - RENEWAL_OPENS - NOW
    with pytest.raises(CaseAlreadyOpen, match=first.case_id):
        apply(database, application("k2"), after=opens - timedelta(seconds=1))
    second = apply(database, application("k2"), after=opens)
    assert (second.cycle, second.is_new) == (2, True)
    with pytest.raises(CaseAlreadyOpen, match=second.case_id):
        apply(database, application("k3"), after=opens)


def test_nothing_but_a_certification_near_its_end_leaves_room() -> None:
    """An enrollment that is under way does not, however long ago it began."""
    for stage in Stage:
        room = leaves_room_for_the_next(stage, NOW, NOW)
        assert room == (stage is Stage.CERTIFIED)
    assert not leaves_room_for_the_next(Stage.CERTIFIED, None, NOW)


def close(database: Database, opened: Opened) -> None:
    with database.writing() as session:
        row = session.get_one(CaseRow, opened.case_id)
        row.is_closed = True


def test_programs_do_not_stand_in_each_others_way(database: Database) -> None:
    first = apply(database, application())
    second = apply(database, application("k2", program="river-governance", prefix="riv"))
    assert second.establishment_id == first.establishment_id
    assert second.cycle == 1


def test_an_establishment_is_new_to_the_first_request_that_describes_it(
    database: Database,
) -> None:
    """Also to one that comes at the very same instant: the clock does not tell them apart."""
    first = apply(database, application())
    second = apply(database, application("k2", program="river-governance", prefix="riv"))
    assert (first.establishment_is_new, second.establishment_is_new) == (True, False)
    assert (first.is_new, second.is_new) == (True, True)


def test_a_reservation_whose_case_never_started_is_given_up(database: Database) -> None:
    first = apply(database, application())
    almost = enrollments.GIVEN_UP_AFTER - timedelta(seconds=1)
    with pytest.raises(CaseAlreadyOpen):
        apply(database, application("k2"), after=almost)
    second = apply(database, application("k2"), after=enrollments.GIVEN_UP_AFTER)
    assert (second.case_id, second.cycle) == (first.case_id, 1)
    assert second.contact_id != first.contact_id


def test_an_establishment_is_kept_as_the_last_application_describes_it(
    database: Database,
) -> None:
    first = apply(database, application())
    described = {**application().establishment.model_dump(), "name_en": "Lamphun Sugar"}
    apply(database, application("k2", program="river-governance", establishment=described))
    with database.reading() as session:
        row = session.scalars(select(Establishment)).one()
        assert (row.id, row.name_en) == (first.establishment_id, "Lamphun Sugar")
        assert "lamphun sugar" in row.search_text


@pytest.mark.parametrize("same_key", [True, False])
def test_applications_at_the_same_time_open_one_case(database: Database, same_key: bool) -> None:
    together = threading.Barrier(4)
    opened: list[Opened] = []
    refused: list[str] = []
    failures: list[Exception] = []

    def go(number: int) -> None:
        together.wait()
        try:
            opened.append(apply(database, application("k" if same_key else f"k{number}")))
        except CaseAlreadyOpen as error:
            refused.append(error.case_id)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [one.is_new for one in opened].count(True) == 1
    assert (len(opened), len(refused)) == ((4, 0) if same_key else (1, 3))
    with database.reading() as session:
        (row,) = session.scalars(select(Enrollment)).all()
        assert {one.case_id for one in opened} | set(refused) == {row.case_id}
