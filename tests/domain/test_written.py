"""Where people write is told by types, so that a new field is known by itself."""

from typing import Any

import pytest
from pydantic import BaseModel

from casework.contracts.drive import PauseDrive, StopDrive
from casework.domain import _model
from casework.domain import acts as a
from casework.domain.written import change_texts, texts_of, written_places
from tests.sample_case import NOW, findings, nonconformity


def test_every_text_is_found_wherever_it_stands() -> None:
    act = a.Decide(
        outcome=a.Outcome.DEFERRED,
        reasons="More is needed.",
        asked=(a.ReturnedItem(item="map", reason="The pond."),),
    )
    assert texts_of(act) == {"/reasons": "More is needed.", "/asked/0/reason": "The pond."}
    changed = change_texts(act, lambda place, text: f"{place}: {text}")
    assert changed.reasons == "/reasons: More is needed."
    assert changed.asked[0] == a.ReturnedItem(item="map", reason="/asked/0/reason: The pond.")
    assert (changed.outcome, changed.back_to) == (act.outcome, act.back_to)


def test_what_nobody_wrote_stays_as_it_is() -> None:
    """An optional text that was left out is not there afterwards either."""
    act = a.AcceptApplication()
    assert change_texts(act, lambda place, text: "never") is act
    filed = a.FileInspection(visited_at=NOW, findings=findings(nonconformity()))
    assert list(texts_of(filed)) == ["/findings/0/remark"]


@pytest.mark.parametrize("kind", [*a.ACTS.values(), PauseDrive, StopDrive])
def test_whatever_a_person_can_fill_in_freely_is_marked(kind: type[BaseModel]) -> None:
    """Any other string is a choice, a time, or has the narrow form of a reference, a code or a hash."""
    free = {
        place
        for place, schema in strings(kind.model_json_schema())
        if not {"enum", "const", "format"} & schema.keys() and schema.get("pattern") not in NARROW
    }
    assert free == written_places(kind)


NARROW = {_model.REF_PATTERN, r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$", r"^[0-9a-f]{64}$"}


def strings(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return every string of a JSON schema by its place; ``*`` is each item of a list."""
    defined = schema.get("$defs", {})

    def within(part: dict[str, Any], place: str) -> list[tuple[str, dict[str, Any]]]:
        if "$ref" in part:
            return within(defined[part["$ref"].rpartition("/")[2]], place)
        found = [(place, part)] if part.get("type") == "string" else []
        for choice in part.get("anyOf", ()):
            found += within(choice, place)
        for name, inner in part.get("properties", {}).items():
            found += within(inner, f"{place}/{name}")
        for inner in [part["items"]] if "items" in part else []:
            found += within(inner, f"{place}/*")
        return found

    return within(schema, "")
