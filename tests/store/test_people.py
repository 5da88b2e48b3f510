"""The staff directory."""

from casework.domain.actors import ActorKind
from casework.store.database import Database
from casework.store.people import (
    StaffMember,
    count_people,
    find_people,
    find_person,
    put_people,
    staff,
)
from tests.statements import counted


def member(person: str, *kinds: ActorKind, **more: object) -> StaffMember:
    return StaffMember.model_validate(
        {"person": person, "name": person, "email": f"{person}@example.org", "kinds": kinds, **more}
    )


PEOPLE = (
    member("officer-21", ActorKind.OFFICER, provinces={"21", "22"}),
    member("officer-51", ActorKind.OFFICER, ActorKind.REVIEWER, provinces={"51"}),
    member("officer-all", ActorKind.OFFICER, provinces="*", programs={"river-governance"}),
    member("supervisor", ActorKind.SUPERVISOR, provinces="*"),
    member("nowhere", ActorKind.OFFICER),
)


def test_staff_are_found_by_kind_province_and_program(database: Database) -> None:
    with counted(database.engine) as sent, database.writing() as session:
        put_people(session, PEOPLE)
    assert sent.statements == 1
    with database.reading() as session:

        def names(kind: ActorKind, province: str, program: str) -> list[str]:
            return [row.person for row in staff(session, kind, province, program)]

        assert names(ActorKind.OFFICER, "21", "eco-network") == ["officer-21"]
        assert names(ActorKind.OFFICER, "21", "river-governance") == ["officer-21", "officer-all"]
        assert names(ActorKind.REVIEWER, "51", "eco-network") == ["officer-51"]
        assert names(ActorKind.SUPERVISOR, "96", "eco-network") == ["supervisor"]
        assert names(ActorKind.OFFICER, "%", "eco-network") == []
        assert names(ActorKind.OFFICER, "2", "eco-network") == []


def test_people_are_replaced_and_found_by_reference(database: Database) -> None:
    with database.writing() as session:
        put_people(session, PEOPLE)
        put_people(session, [member("officer-21", ActorKind.INSPECTOR, language="en")])
        put_people(session, [])
    with database.reading() as session:
        row = find_person(session, "officer-21")
        assert row is not None
        assert (row.kinds, row.provinces, row.programs) == (("inspector",), (), ("*",))
        assert row.language == "en"
        assert count_people(session) == len(PEOPLE)
        assert set(find_people(session, ["nowhere", "nobody"])) == {"nowhere"}
