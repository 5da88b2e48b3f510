"""What people wrote in a value, found by its type: each field that is marked as written, however deep it stands."""

import types
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from casework.domain._model import Written

_Model = TypeVar("_Model", bound=BaseModel)

Change = Callable[[str, str], str]
"""Takes the place of a text, as a JSON pointer, and the text; returns what is to stand there."""

_Walk = Callable[[Any, str, Change], Any]


def texts_of(value: BaseModel) -> dict[str, str]:
    """Return everything that people wrote in the value by where it stands, such as ``/items/0/reason``."""
    found: dict[str, str] = {}

    def note(place: str, text: str) -> str:
        found[place] = text
        return text

    change_texts(value, note)
    return found


def change_texts(value: _Model, change: Change) -> _Model:
    """Return the value with another text in each place in which people wrote."""
    walk = _walk_of_model(type(value))
    return value if walk is None else walk(value, "", change)


def written_places(kind: type[BaseModel]) -> frozenset[str]:
    """Return where people write in values of a kind; ``*`` stands for each one of several."""
    found: set[str] = set()
    for name, field in kind.model_fields.items():
        found |= {f"/{name}{rest}" for rest in _places(field.annotation, field.metadata)}
    return frozenset(found)


# --- From a type to the way through its values ------------------------------------------------


@cache
def _walk_of_model(kind: type[BaseModel]) -> _Walk | None:
    walks = {
        name: walk
        for name, field in kind.model_fields.items()
        if (walk := _walk_of(field.annotation, field.metadata)) is not None
    }
    if not walks:
        return None

    def through(value: BaseModel, place: str, change: Change) -> BaseModel:
        written = {
            name: walk(part, f"{place}/{name}", change)
            for name, walk in walks.items()
            if (part := getattr(value, name)) is not None
        }
        return value.model_copy(update=written) if written else value

    return through


def _walk_of(annotation: Any, metadata: Iterable[object] = ()) -> _Walk | None:
    if _is_written(metadata):
        return _change_one
    parts = _parts(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            return _walk_of(parts[0], parts[1:])
        case origin if origin in {Union, types.UnionType}:
            walks = [walk for part in parts if (walk := _walk_of(part)) is not None]
            if len(walks) > 1:
                raise TypeError(f"people write in more than one kind of {annotation}")
            return walks[0] if walks else None
        case None:
            return _walk_of_model(annotation) if _is_model(annotation) else None
        case origin:
            walks = [walk for part in parts if (walk := _walk_of(part)) is not None]
            if not walks:
                return None
            if origin is not tuple or len(parts) != 2 or parts[1] is not Ellipsis:
                raise TypeError(f"people write in {annotation}, which is no tuple of one kind")
            return _through_each(walks[0])


def _through_each(walk: _Walk) -> _Walk:
    def through(values: tuple[Any, ...], place: str, change: Change) -> tuple[Any, ...]:
        return tuple(walk(part, f"{place}/{n}", change) for n, part in enumerate(values))

    return through


def _change_one(value: str, place: str, change: Change) -> str:
    return change(place, value)


def _places(annotation: Any, metadata: Iterable[object] = ()) -> set[str]:
    if _is_written(metadata):
        return {""}
    parts = _parts(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _places(parts[0], parts[1:])
    if origin is None:
        return set(written_places(annotation)) if _is_model(annotation) else set()
    step = "" if origin in {Union, types.UnionType} else "/*"
    return {step + rest for part in parts for rest in _places(part)}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _parts(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation)


def _is_written(metadata: Iterable[object]) -> bool:
    return any(isinstance(mark, Written) for mark in metadata)
