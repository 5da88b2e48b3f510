"""The checker of the drill notices what it is there to notice."""

from datetime import UTC, datetime

from bench.checker import Acknowledged, Record, ahead_of_history, behind_history

AT = datetime(2026, 11, 24, tzinfo=UTC)
LATER = datetime(2026, 11, 25, tzinfo=UTC)


def record(**more: object) -> Record:
    whole = {
        "journal": {("c", 1): AT},
        "letters": [("c", 1)],
        "entries": [],
        "versions": {"c": 1},
        "intents": [],
    }
    return Record(**{**whole, **more})  # type: ignore[arg-type]


def test_what_history_holds_and_sql_says_is_no_difference() -> None:
    assert ahead_of_history(record(), {("c", 1): AT}) == []
    assert behind_history(record(), {("c", 1): AT}, [Acknowledged("c", 1)]) == []


def test_lines_letters_and_entries_without_a_history_are_named() -> None:
    ahead = record(
        journal={("c", 1): AT, ("c", 2): AT},
        letters=[("c", 1), ("c", 2)],
        entries=[("c", 2)],
        versions={"c": 2},
    )
    assert len(ahead_of_history(ahead, {("c", 1): AT})) == 3
    assert len(ahead_of_history(record(), {("c", 1): LATER})) == 1, "the same number, another line"


def test_what_sql_lacks_is_named() -> None:
    lines = {("c", 1): AT, ("c", 2): AT}
    assert behind_history(record(), lines, [])
    assert behind_history(record(), {("c", 1): AT}, [Acknowledged("c", 2)])
    assert behind_history(record(intents=["c"]), {("c", 1): AT}, [])
    assert behind_history(record(versions={"c": 2}), {("c", 1): AT}, [])
    assert behind_history(record(journal={("c", 2): AT}, versions={"c": 2}), {("c", 2): AT}, [])
