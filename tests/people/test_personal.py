"""What is kept about a person can be given to them and erased, and each erasure has its line."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from casework.domain import acts as a
from casework.domain.communities import CommunityKind
from casework.domain.representations import Stance
from casework.domain.stages import Stage
from casework.people._erasing import Kind
from casework.people.personal import erase_person, kept_about
from casework.people.retention import erase_expired, retention_months
from casework.store.communities import NewCommunity, communities_of_case, put_communities
from casework.store.database import Database
from casework.store.keys import KeyReused
from casework.store.tables import Contact, ErasureRow, Representation, TextRow
from casework.store.texts import (
    ERASED_IN_BOTH,
    Origin,
    drop_unused,
    flaws_of_texts,
    keep_texts,
    read_texts,
    show,
)
from tests.sample_case import NOW, OFFICER, TERMS
from tests.store.story import Story, put
from tests.workflows.office import seed_establishment

CASE = TERMS.case_id
ORIGIN = Origin(CASE, OFFICER.person, "add-note", "update-1")
NOTE = a.AddNote(note="The manager is ill.")
ADDRESS = "Neighbor@village.example"


@pytest.fixture
def case(database: Database) -> Story:
    """Record a rejected case whose file has a note, with everybody's data around it."""
    seed_establishment(database)
    with database.writing() as session:
        kept = keep_texts(session, NOTE, ORIGIN, NOW)
    story = Story().lead_to(Stage.APPLICATION_REVIEW)
    story.act(kept, OFFICER)
    story.act(a.RejectApplication(reasons="Twice the same."), OFFICER)
    put(database, story)
    with database.writing() as session:
        school = NewCommunity(kind=CommunityKind.SCHOOL, name="School", email=ADDRESS)
        put_communities(session, CASE, [school], "applicant-1", NOW)
        session.add(
            Representation(
                case_id=CASE,
                number=1,
                stance=Stance.OBJECTION,
                text="It smells.",
                author_name="A Neighbor",
                author_email=ADDRESS.lower(),
                language="th",
                received_at=NOW,
                receipt="rep-1",
                update_key="said-1",
                digest="0123456789abcdef",
            )
        )
    return story


def erasures(database: Database) -> list[tuple[str, str, int, str, str]]:
    with database.reading() as session:
        rows = session.scalars(select(ErasureRow).order_by(col(ErasureRow.id)))
        return [(row.subject, row.kind, row.count, row.reason, row.by) for row in rows]


def everything(database: Database) -> str:
    """Return all that the erasable tables and the erasures say."""
    with database.reading() as session:
        tables = (TextRow, Representation, Contact, ErasureRow)
        rows = [row.model_dump(mode="json") for t in tables for row in session.scalars(select(t))]
        rows += [row.model_dump(mode="json") for row in communities_of_case(session, CASE)]
    return json.dumps(rows)


def test_a_person_gets_what_they_wrote_and_did(database: Database, case: Story) -> None:
    with database.reading() as session:
        kept = kept_about(session, OFFICER.person)
        by_address = kept_about(session, ADDRESS)
    assert [row["text"] for row in kept["texts"]] == ["The manager is ill."]
    assert "salt" not in kept["texts"][0]
    assert [row["type"] for row in kept["events"]] == ["NoteAdded", "ApplicationRejected"]
    assert [row["text"] for row in by_address["representations"]] == ["It smells."]
    assert [row["name"] for row in by_address["communities"]] == ["School"]
    assert by_address["texts"] == []


def test_an_erasure_takes_the_words_and_leaves_the_ids(database: Database, case: Story) -> None:
    """The line that tells of it has neither the words nor the address."""
    with database.writing() as session:
        erased = erase_person(session, OFFICER.person, "Asked for.", "clerk-1", NOW)
        assert erased[Kind.TEXTS] == 1
        erased = erase_person(session, ADDRESS.upper(), "Asked for.", "clerk-1", NOW)
    assert (erased[Kind.REPRESENTATIONS], erased[Kind.COMMUNITIES]) == (1, 1)
    left = everything(database)
    for gone in ("ill", "smells", "A Neighbor", "village", "School", "0123456789abcdef"):
        assert gone not in left
    assert "rep-1" in left
    assert erasures(database) == [
        (OFFICER.person, "texts", 1, "Asked for.", "clerk-1"),
        ("e-mail", "representations", 1, "Asked for.", "clerk-1"),
        ("e-mail", "communities", 1, "Asked for.", "clerk-1"),
    ]
    with database.writing() as session:
        again = erase_person(session, OFFICER.person, "Asked for.", "clerk-1", NOW)
    assert set(again.values()) == {0}
    assert len(erasures(database)) == 3


def test_a_period_of_retention_ends_after_the_case(database: Database, case: Story) -> None:
    """Nothing goes a day too soon, and nothing of a case that goes on."""
    months = retention_months()
    assert set(months) == set(Kind) - {Kind.STAFF}
    ended = NOW + timedelta(days=31 * months[Kind.TEXTS])
    for now, gone in ((ended, 0), (ended + timedelta(days=1), 1)):
        with database.writing() as session:
            erased = erase_expired(session, now)
        assert (erased[Kind.TEXTS], erased[Kind.REPRESENTATIONS]) == (gone, gone)
    assert ("everybody", "texts", 1, "Kept for 120 months.", "housekeeping") in erasures(database)
    # The contact of this test came later than its case.
    with database.writing() as session:
        assert erase_expired(session, ended + timedelta(days=3650))[Kind.CONTACTS] == 1
    assert "somchai" not in everything(database)


def test_an_open_case_keeps_everything(database: Database) -> None:
    seed_establishment(database)
    put(database, Story().lead_to(Stage.INSPECTION))
    with database.writing() as session:
        keep_texts(session, NOTE, ORIGIN, NOW)
        erased = erase_expired(session, NOW + timedelta(days=36_500))
    assert set(erased.values()) == {0}


def test_the_same_request_gets_the_same_references(database: Database) -> None:
    """Other words under its key are another request; the salt is another one for each text."""
    with database.writing() as session:
        first = keep_texts(session, NOTE, ORIGIN, NOW)
        assert keep_texts(session, NOTE, ORIGIN, NOW) == first
        other = keep_texts(session, NOTE, ORIGIN._replace(request="update-2"), NOW)
        assert other != first
        assert show(session, other) == NOTE
    with pytest.raises(KeyReused), database.writing() as session:
        keep_texts(session, a.AddNote(note="Something else."), ORIGIN, NOW)


def test_a_reference_that_somebody_types_is_a_text_like_any_other(database: Database) -> None:
    """It shows as it was typed, and never what it names."""
    with database.writing() as session:
        secret = keep_texts(session, NOTE, ORIGIN, NOW)
        typed = a.AddNote(note=secret.note)
        kept = keep_texts(session, typed, ORIGIN._replace(request="update-2"), NOW)
        assert kept.note != typed.note
        assert show(session, kept) == typed


def test_an_act_that_came_to_nothing_leaves_no_text(database: Database, case: Story) -> None:
    """What a journal names stays, whoever says that nothing came of it."""
    with database.writing() as session:
        keep_texts(session, NOTE, ORIGIN._replace(request="refused"), NOW)
        for request in ("refused", ORIGIN.request):
            drop_unused(session, request)
        assert [row.request for row in session.scalars(select(TextRow))] == [ORIGIN.request]


def test_a_text_is_held_against_its_reference(database: Database, case: Story) -> None:
    """Other words, words that are gone and a row that is gone are told apart from an erasure."""
    body = case.requests[1].events[0].event.model_dump_json()

    def flaws() -> list[str]:
        with database.reading() as session:
            return flaws_of_texts(session, CASE, [body])

    assert flaws() == []
    for change, said in (
        ({"text": "The manager is well."}, "a text of event 1 is not what was written"),
        ({"text": None}, "a text of event 1 is gone, and was not erased"),
        ({"erased_at": NOW}, None),
    ):
        with database.writing() as session:
            row = session.scalars(select(TextRow)).one()
            for name, value in change.items():
                setattr(row, name, value)
        assert flaws() == ([said] if said else [])
    with database.writing() as session:
        assert read_texts(session, body) == {}
        kept = case.requests[1].events[0]
        assert ERASED_IN_BOTH in show(session, kept).model_dump_json()
        session.delete(session.scalars(select(TextRow)).one())
    assert flaws() == ["event 1 names a text that is not on file"]
