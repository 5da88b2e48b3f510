"""The staff directory: whom notices reach, and whose name stands for a reference."""

from collections.abc import Iterable
from typing import Literal

from sqlalchemy import ColumnElement, SQLColumnExpression, String, func, or_, select, type_coerce
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain._model import Frozen, ProvinceCode, Ref
from casework.domain.actors import ActorKind
from casework.domain.policy import Everywhere
from casework.store._statements import upsert
from casework.store.tables import Person


class StaffMember(Frozen):
    """A person as the directory describes them; ``"*"`` means every province or program."""

    person: Ref
    name: str
    email: str
    language: Literal["th", "en"] = "th"
    kinds: tuple[ActorKind, ...]
    provinces: frozenset[ProvinceCode] | Everywhere = frozenset()
    programs: frozenset[str] | Everywhere = "*"


def put_people(session: Session, members: Iterable[StaffMember]) -> None:
    """Add people to the directory, or replace what it says of them. One statement."""
    rows = [
        {
            **member.model_dump(exclude={"kinds", "provinces", "programs"}),
            "kinds": tuple(member.kinds),
            "provinces": tuple(member.provinces),
            "programs": tuple(member.programs),
        }
        for member in members
    ]
    if not rows:
        return
    statement = upsert(session, Person).values(rows)
    described = {name: statement.excluded[name] for name in rows[0] if name != "person"}
    session.execute(statement.on_conflict_do_update(index_elements=["person"], set_=described))


def find_person(session: Session, person: str) -> Person | None:
    """Return a person of the directory."""
    return session.get(Person, person)


def find_people(session: Session, people: Iterable[str]) -> dict[str, Person]:
    """Return those of these people whom the directory has, by their reference."""
    rows = session.scalars(select(Person).where(col(Person.person).in_(list(people))))
    return {row.person: row for row in rows}


def staff(session: Session, kind: ActorKind, province: str, program: str) -> list[Person]:
    """Return the people of a kind who work on this province and program, by name."""
    rows = (
        select(Person)
        .where(
            _names(col(Person.kinds), kind),
            or_(_names(col(Person.provinces), "*"), _names(col(Person.provinces), province)),
            or_(_names(col(Person.programs), "*"), _names(col(Person.programs), program)),
        )
        .order_by(col(Person.name), col(Person.person))
    )
    return list(session.scalars(rows))


def _names(words: SQLColumnExpression[tuple[str, ...]], word: str) -> ColumnElement[bool]:
    # The quotes of the JSON list keep one code from being found inside another.
    return type_coerce(words, String).contains(f'"{word}"', autoescape=True)


def count_people(session: Session) -> int:
    """Count the people in the directory."""
    return session.scalar(select(func.count()).select_from(Person)) or 0
