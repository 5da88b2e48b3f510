"""The register is the sum of its entries: whatever order they came in, the newest state counts."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.domain.register import RegisterStatus
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import CertificationEntry
from casework.register.records import NumberedEntry, PublicRecord, fold, next_expiry
from casework.store.register import public_id_of
from tests.api.public.sample_register import entry, sites
from tests.sample_case import NOW

SITE, OTHER = sites()[:2]


@pytest.fixture(scope="module")
def catalog() -> ProgramCatalog:
    return ProgramCatalog.load()


def numbered(number: int, body: CertificationEntry) -> NumberedEntry:
    public_id = public_id_of(body.program, body.establishment_id)
    return NumberedEntry(number=number, public_id=public_id, published_at=NOW, body=body)


def test_the_newest_state_of_a_certification_counts(catalog: ProgramCatalog):
    granted = numbered(1, entry(SITE, catalog))
    ended = entry(SITE, catalog, version=12, status=RegisterStatus.EXPIRED)
    expired = numbered(2, ended.model_copy(update={"effective_at": NOW + timedelta(days=1)}))
    (record,) = fold({}, [granted, expired]).values()
    assert record.current == expired
    assert record.entries == (expired, granted)


def test_an_older_state_that_comes_late_takes_its_place_in_the_history(catalog: ProgramCatalog):
    newer = numbered(1, entry(SITE, catalog, version=12, effective_at=NOW))
    older = numbered(2, entry(SITE, catalog, version=10, effective_at=NOW - timedelta(days=9)))
    (record,) = fold({}, [newer, older]).values()
    assert record.current == newer
    assert record.entries == (newer, older)


def test_a_later_cycle_takes_over_the_record(catalog: ProgramCatalog):
    """Its case begins again at version 1, so versions alone do not tell what is newer."""
    first = numbered(1, entry(SITE, catalog, version=40, effective_at=NOW - timedelta(days=900)))
    second = numbered(2, entry(SITE, catalog, version=9, cycle=2))
    (record,) = fold({}, [first, second]).values()
    assert record.current == second


def test_the_end_of_an_earlier_cycle_leaves_the_renewal_as_it_is(catalog: ProgramCatalog):
    """It ends after the renewal was granted, so the moment of a state does not tell what counts."""
    before = entry(SITE, catalog, version=9, effective_at=NOW - timedelta(days=1000))
    ended = before.model_copy(
        update={"version": 11, "status": RegisterStatus.EXPIRED, "effective_at": NOW}
    )
    renewed = entry(SITE, catalog, version=9, cycle=2, effective_at=NOW - timedelta(days=30))
    (record,) = fold({}, [numbered(1, before), numbered(2, renewed), numbered(3, ended)]).values()
    assert record.current.number == 2
    assert [each.number for each in record.entries] == [3, 2, 1]


def test_a_certification_that_still_holds_counts_before_a_later_one_that_ended(
    catalog: ProgramCatalog,
):
    first = entry(SITE, catalog, version=9, effective_at=NOW - timedelta(days=300))
    second = entry(SITE, catalog, version=9, cycle=2, effective_at=NOW - timedelta(days=200))
    gone = second.model_copy(
        update={"version": 10, "status": RegisterStatus.WITHDRAWN, "effective_at": NOW}
    )
    (record,) = fold(
        {}, [numbered(n, body) for n, body in enumerate((first, second, gone), 1)]
    ).values()
    assert record.current.number == 1


@given(data=st.data())
def test_a_record_is_the_same_in_whatever_order_its_entries_come(
    catalog: ProgramCatalog, data: st.DataObject
):
    """All at once or one by one: the newest active certification, else the newest."""
    bodies: list[CertificationEntry] = []
    standing: list[tuple[bool, int, int]] = []
    for cycle, granted in enumerate(
        data.draw(st.lists(st.integers(0, 900), min_size=1, max_size=4, unique=True))
    ):
        at = NOW + timedelta(days=granted)
        body = entry(SITE, catalog, version=9, cycle=cycle, effective_at=at)
        bodies.append(body)
        states = data.draw(st.lists(st.sampled_from(RegisterStatus), max_size=2))
        for version, status in enumerate(states, 10):
            at += timedelta(days=data.draw(st.integers(0, 900)))
            body = body.model_copy(
                update={"version": version, "status": status, "effective_at": at}
            )
            bodies.append(body)
        standing.append((body.status is RegisterStatus.ACTIVE, granted, cycle))
    entries = [numbered(n, body) for n, body in enumerate(bodies, 1)]
    shuffled = data.draw(st.permutations(entries))
    split = data.draw(st.integers(0, len(shuffled)))
    (record,) = fold(fold({}, shuffled[:split]), shuffled[split:]).values()
    (same,) = fold({}, entries).values()
    assert record == same
    last = [body for body in bodies if body.case_id.endswith(f"-{max(standing)[2]}")][-1]
    assert record.current.body == last


def test_each_program_of_a_site_has_a_record_of_its_own(catalog: ProgramCatalog):
    folded = fold(
        {},
        [
            numbered(1, entry(SITE, catalog, "eco-network")),
            numbered(2, entry(SITE, catalog, "river-governance")),
            numbered(3, entry(OTHER, catalog, "eco-network")),
        ],
    )
    assert len(folded) == 3


def test_more_entries_leave_the_records_before_as_they_were(catalog: ProgramCatalog):
    before = fold({}, [numbered(1, entry(SITE, catalog))])
    after = fold(before, [numbered(2, entry(OTHER, catalog))])
    assert (len(before), len(after)) == (1, 2)


def record(catalog: ProgramCatalog, **more: object) -> PublicRecord:
    body = entry(SITE, catalog).model_copy(update=more)
    return PublicRecord(current=numbered(1, body), entries=(numbered(1, body),))


def test_a_certification_is_valid_on_its_last_day_and_expired_after(catalog: ProgramCatalog):
    """Nobody has to publish anything for that: the date is enough."""
    shown = record(catalog, valid_until=date(2029, 11, 23))
    assert shown.status_on(date(2029, 11, 23)) is RegisterStatus.ACTIVE
    assert shown.status_on(date(2029, 11, 24)) is RegisterStatus.EXPIRED


@pytest.mark.parametrize("status", [RegisterStatus.SUSPENDED, RegisterStatus.WITHDRAWN])
def test_what_was_taken_away_stays_so_after_its_last_day(
    catalog: ProgramCatalog, status: RegisterStatus
):
    shown = record(catalog, status=status, valid_until=date(2029, 11, 23))
    assert shown.status_on(date(2030, 1, 1)) is status


def test_the_next_expiry_is_the_midnight_in_bangkok_after_the_earliest_last_day(
    catalog: ProgramCatalog,
):
    soon = record(catalog, valid_until=date(2026, 12, 31))
    later = record(catalog, valid_until=date(2027, 6, 30))
    gone = record(catalog, valid_until=date(2020, 1, 1))
    assert next_expiry([later, soon, gone], NOW) == datetime(2026, 12, 31, 17, tzinfo=UTC)


def test_there_is_no_next_expiry_when_nothing_is_valid(catalog: ProgramCatalog):
    assert next_expiry([record(catalog, status=RegisterStatus.WITHDRAWN)], NOW) is None
