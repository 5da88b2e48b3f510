"""Receiving representations: whose address gets letters, which anybody may have typed."""

from datetime import datetime, timedelta

from casework.cases.representations import MOST_FOR_ONE_ADDRESS_IN_A_DAY, receive
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.store.database import Database
from casework.store.outbox import AUTHORS, NewNotice, add_notices, notices_of_case
from casework.store.representations import NewRepresentation
from casework.store.tables import Representation
from tests.sample_case import NOW, TERMS
from tests.store.story import Story, recorded

CASE = TERMS.case_id
MOST = MOST_FOR_ONE_ADDRESS_IN_A_DAY


def said(key: str, email: str | None) -> NewRepresentation:
    return NewRepresentation(
        stance=Stance.OBJECTION,
        text="-",
        language="th",
        update_key=key,
        digest="d",
        author_email=email,
    )


def opened(database: Database) -> tuple[Story, datetime]:
    """Open the feedback period and return an instant in it."""
    story = recorded(database, Stage.FEEDBACK)
    assert story.case.changed_at is not None
    return story, story.case.changed_at + timedelta(minutes=1)


def recipients(database: Database, slug: str) -> list[str]:
    with database.reading() as session:
        return [n.recipient for n in notices_of_case(session, CASE) if n.slug == slug]


def test_one_address_gets_few_letters_in_a_day_whoever_types_it(database: Database) -> None:
    _, now = opened(database)
    typed = ["victim@mail.example", "Victim@mail.example"] * MOST
    rows = [
        receive(database, CASE, said(f"k{n}", email), now + timedelta(minutes=n))
        for n, email in enumerate(typed)
    ]
    assert [row.author_email is not None for row in rows] == [True] * MOST + [False] * MOST
    assert [row.number for row in rows] == list(range(1, 2 * MOST + 1))
    assert len(recipients(database, "representation-received")) == MOST
    again = receive(database, CASE, said("k0", typed[0]), now + timedelta(hours=1))
    assert (again.number, again.author_email) == (1, typed[0])


def test_others_and_another_day_are_not_kept_from_their_letters(database: Database) -> None:
    _, now = opened(database)
    for n in range(MOST):
        receive(database, CASE, said(f"k{n}", "victim@mail.example"), now)
    other = receive(database, CASE, said("other", "neighbor@mail.example"), now)
    nobody = receive(database, CASE, said("nobody", None), now)
    later = now + timedelta(days=1)
    next_day = receive(database, CASE, said("later", "victim@mail.example"), later)
    assert other.author_email == "neighbor@mail.example"
    assert nobody.author_email is None
    assert next_day.author_email == "victim@mail.example"


def test_an_address_under_many_representations_gets_one_letter_for_each_event(
    database: Database,
) -> None:
    _, now = opened(database)
    for n, email in enumerate(
        ["a@mail.example", "A@mail.example", "b@mail.example", "a@mail.example"]
    ):
        receive(database, CASE, said(f"k{n}", email), now)
    with database.writing() as session:
        add_notices(session, CASE, [NewNotice("told", 1, AUTHORS)], {1: NOW})
        assert session.get_one(Representation, (CASE, 1)).author_email == "a@mail.example"
    assert sorted(recipients(database, "told")) == ["representation:1", "representation:3"]
