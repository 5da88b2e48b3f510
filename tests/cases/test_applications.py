"""Reserving a case: who may apply for an establishment, and what is kept of a refused application."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from casework.cases.applications import Applications, EvidenceUnknown, NewApplication, Reserved
from casework.domain.actors import ActorKind
from casework.domain.policy import Principal
from casework.domain.refusals import RefusalCode, Refused
from casework.programs.catalog import NoSuchVersion, ProgramCatalog
from casework.store.cases.enrollments import CaseAlreadyOpen, NewContact, NewEstablishment
from casework.store.database import Database
from casework.store.tables import Contact, Enrollment, Establishment
from tests.sample_case import NOW, TERMS

SITE = NewEstablishment(
    registration_no="0105556001234", name_en="Lamphun Sugar", address="1 Moo 2", province="51"
)


@pytest.fixture(scope="module")
def catalog() -> ProgramCatalog:
    return ProgramCatalog.load()


@pytest.fixture
def applications(database: Database, catalog: ProgramCatalog) -> Applications:
    """Take applications at a clock that stands still, so that no instant tells two requests apart."""
    return Applications(database, catalog, lambda: TERMS.calendar, lambda: NOW, samples=False)


def applicant(person: str, establishment: str | None = None) -> Principal:
    return Principal(person=person, kinds=(ActorKind.APPLICANT,), establishment=establishment)


def application(key: str, **more: Any) -> NewApplication:
    new = NewApplication(
        program="eco-network",
        establishment=SITE,
        contact=NewContact(name="Somying", email="somying@example.org"),
        communities=(),
        files=frozenset(),
        update_id=key,
        digest="d1",
    )
    return new._replace(**more)


def kept(database: Database) -> tuple[int, int, int]:
    """Count the establishments, contacts and enrollments."""
    with database.reading() as session:
        rows = [session.scalars(select(table)).all() for table in (Establishment, Contact)]
        return len(rows[0]), len(rows[1]), len(session.scalars(select(Enrollment)).all())


def test_a_case_is_reserved_under_the_rules_of_today(
    applications: Applications, catalog: ProgramCatalog
) -> None:
    opened, terms = applications.reserve(applicant("a"), application("k"))
    assert (terms.case_id, terms.establishment) == (opened.case_id, opened.establishment_id)
    assert terms.rules == catalog.get("eco-network", opened.program_version).rules()
    assert (terms.province, terms.calendar) == ("51", TERMS.calendar)
    again = applications.reserve(applicant("a"), application("k"))
    assert (again.terms, again.opened.is_new) == (terms, False)


def test_nothing_is_kept_of_an_application_with_a_file_that_is_not_there(
    applications: Applications, database: Database
) -> None:
    with pytest.raises(EvidenceUnknown) as refused:
        applications.reserve(applicant("a"), application("k", files=frozenset({"ab" * 32})))
    assert refused.value.hashes == {"ab" * 32}
    assert kept(database) == (0, 0, 0)


def test_a_stranger_to_a_known_establishment_is_refused_and_changes_nothing(
    applications: Applications, database: Database
) -> None:
    applications.reserve(applicant("a"), application("k"))
    anew = SITE.model_copy(update={"name_en": "Mine"})
    for program in ("eco-network", "river-governance"):
        other = application("s", program=program, establishment=anew)
        for person in (applicant("stranger"), applicant("stranger", "est-elsewhere000")):
            with pytest.raises(Refused) as refused:
                applications.reserve(person, other)
            assert refused.value.refusal.code is RefusalCode.NOT_YOUR_ESTABLISHMENT
    assert kept(database) == (1, 1, 1)
    with database.reading() as session:
        assert session.scalars(select(Establishment)).one().name_en == "Lamphun Sugar"


def test_of_an_open_case_those_learn_who_have_it(applications: Applications) -> None:
    first = applications.reserve(applicant("a"), application("k")).opened
    for person in (applicant("a"), applicant("colleague", first.establishment_id)):
        with pytest.raises(CaseAlreadyOpen) as refused:
            applications.reserve(person, application("k2"))
        assert refused.value.case_id == first.case_id


def test_a_program_that_is_not_there_takes_no_application(
    applications: Applications, database: Database
) -> None:
    with pytest.raises(NoSuchVersion):
        applications.reserve(applicant("a"), application("k", program="gold"))
    assert kept(database) == (0, 0, 0)


def test_of_two_strangers_at_once_one_describes_the_establishment(
    applications: Applications, database: Database
) -> None:
    """They apply in different programs, so that no case stands in the way of the other."""
    together = threading.Barrier(2)
    reserved: list[Reserved] = []
    refused: list[Refused] = []

    def apply(person: str, program: str) -> None:
        new = application(person, program=program)
        together.wait()
        try:
            reserved.append(applications.reserve(applicant(person), new))
        except Refused as error:
            refused.append(error)

    threads = [
        threading.Thread(target=apply, args=each)
        for each in (("a", "eco-network"), ("b", "river-governance"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(reserved), len(refused)) == (1, 1)
    assert refused[0].refusal.code is RefusalCode.NOT_YOUR_ESTABLISHMENT
    assert kept(database) == (1, 1, 1)
