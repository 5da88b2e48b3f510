"""Publishing: once for each version, from the journal alone."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

from activities.register import NotYetRecorded, RegisterActivities
from casework.contracts.register import PUBLISH, PublishRequest
from casework.domain import events as e
from casework.domain.register import RegisterStatus
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import FeedbackCounts, NothingToPublish
from casework.register.records import NumberedEntry, fold
from casework.store.database import Database
from casework.store.register import entries_after, public_id_of
from casework.store.tables import RegisterEntry
from tests.api.public.sample_register import sites, tell
from tests.sample_case import NOW, TERMS
from tests.statements import counted
from tests.store.story import Story

PUBLISHED_AT = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def catalog() -> ProgramCatalog:
    return ProgramCatalog.load()


@pytest.fixture
def activities(database: Database, catalog: ProgramCatalog) -> RegisterActivities:
    with database.writing() as session:
        session.add(sites()[0])
    return RegisterActivities(database, catalog, now=lambda: PUBLISHED_AT)


def certified(database: Database, catalog: ProgramCatalog, case_id: str = TERMS.case_id) -> Story:
    site = sites()[0]
    rules = catalog.get("eco-network", "1").rules()
    story = Story(case_id, establishment=site.id, province=site.province, rules=rules)
    return tell(database, story.lead_to(Stage.CERTIFIED))


def request_for(story: Story) -> PublishRequest:
    return PublishRequest(case_id=story.case.case_id, version=story.case.version)


def current(database: Database, story: Story) -> NumberedEntry:
    """Return what the register shows of the establishment."""
    with database.reading() as session:
        records = fold({}, map(NumberedEntry.of, entries_after(session, 0)))
    return records[public_id_of("eco-network", story.terms.establishment)].current


def test_the_activity_has_the_name_of_its_contract(activities: RegisterActivities):
    definition = activities.publish.__dict__["__temporal_activity_definition"]
    assert definition.name == PUBLISH == "register.publish"


def test_publishing_shows_the_establishment_as_certified(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    story = certified(database, catalog)
    receipt = ActivityEnvironment().run(activities.publish, request_for(story))
    assert receipt.entry == 1
    shown = current(database, story)
    assert shown.body.status is RegisterStatus.ACTIVE
    assert shown.published_at == PUBLISHED_AT
    assert shown.body.feedback == FeedbackCounts()


def test_publishing_twice_gives_one_entry_and_the_same_number(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    """A worker can end between the commit and the answer."""
    story = certified(database, catalog)
    first = activities.publish(request_for(story))
    second = activities.publish(request_for(story))
    assert first == second
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RegisterEntry)) == 1


def test_an_entry_shows_the_case_at_its_version_and_not_later(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    """A publication that was held up says what was so then; the one after it says what is so now."""
    story = certified(database, catalog)
    granted = request_for(story)
    assert story.case.valid_until is not None
    done = len(story.requests)
    story.happen([e.CertificationExpired()], now=story.case.valid_until)
    tell(database, story, since=done)

    activities.publish(granted)
    activities.publish(request_for(story))
    with database.reading() as session:
        states = [entry.status for entry in entries_after(session, 0)]
    assert states == [RegisterStatus.ACTIVE, RegisterStatus.EXPIRED]


def test_an_older_version_that_is_published_late_does_not_bring_a_certification_back(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    story = certified(database, catalog)
    granted = request_for(story)
    assert story.case.valid_until is not None
    done = len(story.requests)
    story.happen([e.CertificationExpired()], now=story.case.valid_until)
    tell(database, story, since=done)

    activities.publish(request_for(story))
    activities.publish(granted)
    assert current(database, story).body.status is RegisterStatus.EXPIRED


def test_the_end_of_a_certification_does_not_hide_the_next_one(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    """Its holder applied again in time, and the next cycle was granted before the first one ended."""
    first = certified(database, catalog)
    activities.publish(request_for(first))
    second = certified(database, catalog, "eco-nextcycle001")
    activities.publish(request_for(second))
    assert first.case.valid_until is not None
    done = len(first.requests)
    first.happen([e.CertificationExpired()], now=first.case.valid_until)
    tell(database, first, since=done)

    activities.publish(request_for(first))
    shown = current(database, first).body
    assert (shown.case_id, shown.status) == ("eco-nextcycle001", RegisterStatus.ACTIVE)


def test_a_version_that_is_not_on_record_yet_is_tried_again(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    story = certified(database, catalog)
    ahead = PublishRequest(case_id=story.case.case_id, version=story.case.version + 1)
    with pytest.raises(NotYetRecorded):
        activities.publish(ahead)


def test_an_unknown_case_is_tried_again(activities: RegisterActivities):
    with pytest.raises(NotYetRecorded):
        activities.publish(PublishRequest(case_id="eco-nosuchcase00", version=1))


def test_a_case_without_a_certification_is_not_published(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    story = certified(database, catalog)
    early = PublishRequest(case_id=story.case.case_id, version=2)
    with pytest.raises(NothingToPublish):
        activities.publish(early)


def test_publishing_sends_few_statements_and_commits_once(
    database: Database, activities: RegisterActivities, catalog: ProgramCatalog
):
    story = certified(database, catalog)
    with counted(database.engine) as sent:
        activities.publish(request_for(story))
    assert sent.statements <= 8, sent
    assert sent.commits == 1
