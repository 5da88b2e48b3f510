"""The queue: what is due first, page after page, narrowed and searched."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert
from sqlalchemy.exc import InvalidRequestError

from casework.domain.actors import ActorKind
from casework.domain.policy import Principal
from casework.domain.stages import Stage
from casework.store.cases.lists import CaseFilter, CaseItem, list_cases
from casework.store.database import Database
from casework.store.search import searchable
from casework.store.tables import CaseRow, Establishment
from tests.sample_case import NOW
from tests.statements import counted
from tests.store.rows import case_row, establishment_row

EVERYBODY = Principal(person="s-1", kinds=(ActorKind.SUPERVISOR,), provinces="*")

NAMES = {
    "eco-aaaaaaaaaaaa": ("โรงงานน้ำตาลลำพูน", "Lamphun SUGAR Mill"),
    "eco-bbbbbbbbbbbb": ("บริษัท กระดาษไทย 100% จำกัด", "Thai_Paper"),
    "eco-cccccccccccc": ("โรงสีข้าว เลขที่ ๑๒๓", "Rice \\ Mill"),
    "riv-dddddddddddd": (None, 'Straße & Söhne "GmbH"'),
}


def put_rows(database: Database, *rows: dict[str, object]) -> None:
    with database.writing() as session:
        session.execute(insert(CaseRow), list(rows))


def listed(database: Database, **more: object) -> list[str]:
    with database.reading() as session:
        page = list_cases(session, EVERYBODY, CaseFilter.model_validate(more), limit=200)
        return [item.case.case_id for item in page.items]


def pages(database: Database, limit: int) -> Iterator[tuple[CaseItem, ...]]:
    end = None
    while True:
        with database.reading() as session:
            page = list_cases(session, EVERYBODY, None, end, limit)
        yield page.items
        end = page.end
        if end is None:
            return


@pytest.fixture
def named(database: Database) -> Database:
    """Give each of four cases an establishment with names."""
    put_rows(database, *(case_row(case_id) for case_id in NAMES))
    with database.writing() as session:
        session.execute(
            insert(Establishment),
            [
                establishment_row(
                    f"est-{case_id}", name_th=th, name_en=en, registration_no=f"99900{n}"
                )
                for n, (case_id, (th, en)) in enumerate(NAMES.items())
            ],
        )
    return database


def test_the_earliest_due_comes_first_and_closed_cases_last(database: Database) -> None:
    put_rows(
        database,
        case_row("eco-1", due_at=NOW + timedelta(days=3)),
        case_row("eco-2", stage=Stage.REFUSED),
        case_row("eco-3", due_at=NOW - timedelta(days=3)),
        case_row("eco-4", due_at=NOW + timedelta(days=3)),
    )
    assert listed(database) == ["eco-3", "eco-1", "eco-4", "eco-2"]


def test_an_item_says_whose_case_it_is_and_leaves_the_snapshot(named: Database) -> None:
    with named.reading() as session:
        item = list_cases(session, EVERYBODY).items[0]
        assert (item.name_th, item.name_en) == NAMES["eco-aaaaaaaaaaaa"]
        assert item.registration_no == "999000"
        assert item.case.due_at == NOW + timedelta(days=1)
        with pytest.raises(InvalidRequestError):
            _ = item.case.snapshot


def test_a_case_without_a_known_establishment_is_listed_too(database: Database) -> None:
    put_rows(database, case_row("eco-1"))
    with database.reading() as session:
        (item,) = list_cases(session, EVERYBODY).items
    assert (item.name_th, item.registration_no) == (None, None)


def test_a_list_is_narrowed_by_what_is_asked(database: Database) -> None:
    put_rows(
        database,
        case_row("eco-1", stage=Stage.REVIEW, province="51", officer="officer-1"),
        case_row("eco-2", stage=Stage.REFUSED, officer="officer-1"),
        case_row("eco-3", program="river-governance", due_at=NOW),
    )
    assert listed(database, stage=Stage.REVIEW) == ["eco-1"]
    assert listed(database, province="21") == ["eco-3", "eco-2"]
    assert listed(database, program="river-governance") == ["eco-3"]
    assert listed(database, officer="officer-1") == ["eco-1", "eco-2"]
    assert listed(database, officer="officer-1", is_closed=False) == ["eco-1"]
    assert listed(database, is_closed=True) == ["eco-2"]
    assert listed(database, due_before=NOW) == []
    assert listed(database, due_before=NOW + timedelta(seconds=1)) == ["eco-3"]
    assert listed(database, province="51", stage=Stage.REFUSED) == []


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"stage": Stage.REVIEW, "province": "21"},
        {"text": "น้ำตาล"},
        {"text": "eco-aaaaaaaaaaaa"},
        {"text": "eco-aaa"},
        {"text": "น้"},
    ],
)
def test_a_list_takes_at_most_two_statements(named: Database, wanted: dict[str, object]) -> None:
    with counted(named.engine) as sent:
        listed(named, **wanted)
    assert sent.statements <= (1 if named.dialect == "postgresql" else 2), sent
    assert sent.commits == 0


@pytest.mark.parametrize("limit", [1, 3, 7, 20])
def test_pages_hold_each_case_once(database: Database, limit: int) -> None:
    ids = [f"eco-{n:02}" for n in range(20)]
    dues = [NOW + timedelta(hours=n % 4) for n in range(17)]
    rows = [case_row(i, due_at=due) for i, due in zip(ids, dues, strict=False)]
    rows += [case_row(i, stage=Stage.LAPSED) for i in ids[17:]]
    put_rows(database, *rows)
    seen = [item.case.case_id for page in pages(database, limit) for item in page]
    assert sorted(seen) == ids
    assert seen == listed(database)


_numbers = count()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    between=st.lists(st.integers(0, 5), max_size=6),
    limit=st.integers(1, 5),
)
def test_cases_that_come_in_between_neither_repeat_nor_hide_others(
    database: Database, before: list[int], between: list[int], limit: int
) -> None:
    with database.writing() as session:
        session.execute(delete(CaseRow))

    def due(hours: int) -> datetime:
        return NOW + timedelta(hours=hours)

    def new(hours: int) -> dict[str, object]:
        return case_row(f"eco-{next(_numbers):09}", due_at=due(hours))

    old = [new(hours) for hours in before]
    put_rows(database, *old)
    seen: list[str] = []
    coming = iter(between)
    for page in pages(database, limit):
        seen += [item.case.case_id for item in page]
        for hours in coming:
            put_rows(database, new(hours))
            break
    assert len(seen) == len(set(seen))
    assert {str(row["case_id"]) for row in old} <= set(seen)


def test_a_page_is_never_longer_than_the_longest(database: Database) -> None:
    put_rows(database, *(case_row(f"eco-{n:03}") for n in range(203)))
    with database.reading() as session:
        page = list_cases(session, EVERYBODY, limit=5000)
        assert len(page.items) == 200
        assert len(list_cases(session, EVERYBODY, after=page.end).items) == 3
        assert len(list_cases(session, EVERYBODY, limit=-1).items) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("น้ำตาล", "a"),
        ("ตาลลำ", "a"),
        ("โรง", "ac"),
        ("ไท", "b"),
        ("ก", "b"),
        ("โรงงาน sugar", "a"),
        ("sugar โรงสี", ""),
        ("SuGaR", "a"),
        ("mill", "ac"),
        ("100%", "b"),
        ("0%", "b"),
        ("%", "b"),
        ("thai_paper", "b"),
        ("thai_", "b"),
        ("i_p", "b"),
        ("_", "b"),
        ("t_a", ""),
        ("1%0", ""),
        ("\\", "c"),
        ("rice \\", "c"),
        ("\\\\", ""),
        ("123", "c"),
        ("๑๒๓", "c"),
        ("strasse", "d"),
        ("STRASSE", "d"),
        ('"gmbh"', "d"),
        ("' OR 1=1 --", ""),
        ("gmbh*", ""),
        ("NEAR(mill rice)", ""),
        ("mill OR sugar", ""),
        ("eco-bbbbbbbbbbbb", "b"),
        ("ECO-BBBBBBBBBBBB", "b"),
        ("eco-bb", "b"),
        ("riv-", ""),
        ("riv-d", "d"),
        ("eco-zz", ""),
        ("\u200bน้ำ\u200bตาล", "a"),
        ("น้ํา", "a"),
        ("   ", "abcd"),
        ("", "abcd"),
        ("\x00", ""),
        ("\u200b", ""),
    ],
)
def test_text_is_found_inside_words_and_taken_literally(
    named: Database, text: str, found: str
) -> None:
    assert "".join(case_id[4] for case_id in listed(named, text=text)) == found


_letters = st.text(alphabet="กข้ำa%_\\\"'*( ", max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(_letters, min_size=1, max_size=4), text=_letters)
def test_search_finds_exactly_the_names_that_hold_every_word(
    database: Database, names: list[str], text: str
) -> None:
    with database.writing() as session:
        session.execute(delete(CaseRow))
        session.execute(delete(Establishment))
        rows = [establishment_row(f"est-{n}", name_th=name) for n, name in enumerate(names)]
        session.execute(insert(Establishment), rows)
    put_rows(
        database, *(case_row(f"zzz{n}", establishment_id=f"est-{n}") for n in range(len(names)))
    )
    words = searchable(text).split()
    expected = [
        f"zzz{n}"
        for n, row in enumerate(rows)
        if all(word in str(row["search_text"]) for word in words)
    ]
    assert listed(database, text=text) == expected
