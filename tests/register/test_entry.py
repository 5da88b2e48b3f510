"""What the public learns follows from the journal, and is a short list."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.numbers import Numbers
from casework.domain.register import RegisterStatus
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import ProgramVersion
from casework.register.entry import FeedbackCounts, NothingToPublish, certification_entry
from casework.store.tables import Establishment
from tests.sample_case import DECIDER, NOW, REVIEWER
from tests.store.story import Story

SITE = Establishment(
    id="est-000000000001",
    registration_no="3-106-33/50",
    name_th="โรงงานตัวอย่าง",
    name_en="Sample Works",
    address="99 Moo 9, Tambon Secret",
    province="21",
    river_basin="17",
    latitude=12.68137,
    longitude=101.25799,
    search_text="sample works",
    created_at=NOW,
    updated_at=NOW,
)


@pytest.fixture(scope="module")
def program() -> ProgramVersion:
    return ProgramCatalog.load().get("eco-network", "1")


def story(program: ProgramVersion, stage: Stage = Stage.CERTIFIED) -> Story:
    return Story(rules=program.rules()).lead_to(stage)


def lines(told: Story) -> Sequence[e.Recorded]:
    return [line for request in told.requests for line in request.events]


def recommend(told: Story) -> None:
    told.act(a.Recommend(advice=a.Advice.GRANT, reasons="All criteria are met."), REVIEWER)


def test_a_granted_case_is_published_as_active(program: ProgramVersion):
    told = story(program)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)

    assert entry.status is RegisterStatus.ACTIVE
    assert entry.version == told.case.version
    assert (entry.program, entry.program_version) == ("eco-network", "1")
    assert entry.level_name is not None
    assert entry.level_name.en == "Model member"
    assert entry.granted_on == date(2026, 11, 23)
    assert entry.valid_until is not None
    assert entry.effective_at == NOW


def test_validity_is_published_by_its_last_day(program: ProgramVersion):
    """The period ends with the midnight after that day, which is no day of validity."""
    told = story(program)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert told.case.valid_until is not None
    just_before = told.case.valid_until - timedelta(hours=1)
    assert entry.valid_until == (just_before + timedelta(hours=7)).date()


def test_an_expired_certification_is_published_as_expired(program: ProgramVersion):
    told = story(program)
    later = told.case.valid_until
    assert later is not None
    told.happen([e.CertificationExpired()], now=later)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert entry.status is RegisterStatus.EXPIRED
    assert entry.effective_at == later
    assert entry.granted_on == date(2026, 11, 23)


def test_a_note_on_the_file_changes_nothing_but_the_version(program: ProgramVersion):
    told = story(program)
    before = certification_entry(lines(told), told.case.case_id, SITE, program)
    told.note("Telephoned; they moved the pump.")
    after = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert after == before.model_copy(update={"version": after.version})


@pytest.mark.parametrize("stage", [Stage.APPLICATION_REVIEW, Stage.FEEDBACK, Stage.DECISION])
def test_a_case_without_a_decision_has_nothing_to_publish(program: ProgramVersion, stage: Stage):
    told = story(program, stage)
    with pytest.raises(NothingToPublish, match=stage.value):
        certification_entry(lines(told), told.case.case_id, SITE, program)


def test_a_refused_case_has_nothing_to_publish(program: ProgramVersion):
    told = story(program, Stage.DECISION)
    told.act(a.Decide(outcome=a.Outcome.REFUSED, reasons="The river is not safe."), DECIDER)
    with pytest.raises(NothingToPublish):
        certification_entry(lines(told), told.case.case_id, SITE, program)


def test_only_the_listed_fields_leave(program: ProgramVersion):
    """A new field has to be put on this list by somebody who has thought about it."""
    told = story(program)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert set(type(entry).model_fields) == {
        "case_id",  # the store keeps the first three to itself
        "version",
        "establishment_id",
        "program",
        "program_version",
        "program_name",
        "status",
        "province",
        "level",
        "level_name",
        "granted_on",
        "valid_until",
        "effective_at",
        "name_th",
        "name_en",
        "river_basin",
        "latitude",
        "longitude",
        "feedback",
    }


def test_neither_the_door_nor_a_person_can_be_found(program: ProgramVersion):
    told = story(program)
    text = certification_entry(lines(told), "eco-000000000000", SITE, program).model_dump_json()
    for secret in ("Moo 9", "3-106", "12.681", "101.257", "officer-21", "decider-1", "con-1"):
        assert secret not in text
    for reason in ("As recommended", "All criteria are met", "Thank you"):
        assert reason not in text


def test_a_place_is_told_to_about_a_kilometer(program: ProgramVersion):
    told = story(program)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert (entry.latitude, entry.longitude) == (12.68, 101.26)


def test_a_site_without_coordinates_has_none(program: ProgramVersion):
    told = story(program)
    site = Establishment(**{**SITE.model_dump(), "latitude": None, "longitude": None})
    entry = certification_entry(lines(told), told.case.case_id, site, program)
    assert (entry.latitude, entry.longitude) == (None, None)


def test_statements_are_counted_over_all_feedback_periods(program: ProgramVersion):
    """A deferred decision can ask the community again; nobody is counted twice."""
    told = story(program, Stage.FEEDBACK)
    first = e.FeedbackClosed(representations=Numbers(), support=3, objection=1)
    told.happen([first], now=NOW + timedelta(days=16))
    recommend(told)
    back = a.Decide(
        outcome=a.Outcome.DEFERRED,
        reasons="The notice named the wrong site.",
        back_to=Stage.FEEDBACK,
        asked=(a.ReturnedItem(item="notice", reason="Ask again."),),
    )
    told.act(back, DECIDER)
    told.happen([e.FeedbackClosed(representations=Numbers(), neutral=2, support=1)])
    recommend(told)
    told.act(a.Decide(outcome=a.Outcome.GRANTED, reasons="All is well."), DECIDER)
    entry = certification_entry(lines(told), told.case.case_id, SITE, program)
    assert entry.feedback == FeedbackCounts(support=4, neutral=2, objection=1)
    assert entry.feedback.total == 7


def test_the_same_journal_gives_the_same_entry(program: ProgramVersion):
    told = story(program)
    once, twice = (
        certification_entry(lines(told), told.case.case_id, SITE, program).model_dump_json()
        for _ in range(2)
    )
    assert once == twice
