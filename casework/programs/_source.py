"""TOML files read with the line of every key, so that an error says where it stands."""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ValidationError

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys, and positions in arrays counted from 0."""

_Model = TypeVar("_Model", bound=BaseModel)
_Table = dict[str, Any]


class Problem(NamedTuple):
    """One broken rule and its place; ``key`` is empty when the rule is about the whole file."""

    file: str
    line: int
    key: str
    rule: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}"
        return f"{place}, {self.key}: {self.rule}" if self.key else f"{place}: {self.rule}"


class ProgramFileError(Exception):
    """Files of programs or holidays that break rules. The message lists every problem, one a line.

    A problem reads ``river-governance/2.toml, line 41, criteria.RG-07.weight: Input should be
    greater than or equal to 1, not 0``.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TomlSource:
    """The content of one TOML file and the line of each of its keys.

    It owns places and messages, not what a file may hold: :meth:`validate` takes the model.
    """

    def __init__(self, name: str, text: str) -> None:
        """Parse the text; ``name`` is how messages call the file.

        Raises:
            ProgramFileError: the text is not TOML.
        """
        self.name = name
        self._text = text.replace("\r\n", "\n")
        try:
            self.content: _Table = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise ProgramFileError([self._syntax_problem(str(error))]) from error
        self._lines: dict[KeyPath, int] | None = None

    @classmethod
    def read(cls, path: Path) -> "TomlSource":
        """Read a file; messages call it by its folder and name.

        A byte-order mark, which some editors write, is left out.

        Raises:
            OSError: the file cannot be read.
            ProgramFileError: it is not UTF-8, or not TOML.
        """
        name = f"{path.parent.name}/{path.name}"
        data = path.read_bytes()
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problem = Problem(name, line, "", "not UTF-8 text; save the file as UTF-8")
            raise ProgramFileError([problem]) from error
        return cls(name, text)

    def line_of(self, path: KeyPath) -> int:
        """Return the line, from 1, on which this key's statement or table begins.

        For a key that is not there it is the line of the nearest table around it.
        """
        if self._lines is None:
            self._lines = _key_lines(self._text)
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def problem(self, path: KeyPath, rule: str) -> Problem:
        """Say that the value at this place breaks a rule."""
        return Problem(self.name, self.line_of(path), _written(path), rule)

    def validate(self, model: type[_Model]) -> _Model:
        """Return the content as this model; a quoted number is text and ``1`` is not ``true``.

        Raises:
            ProgramFileError: with every key that does not fit.
        """
        # JSON, because there strict means no guessing and still takes names of enums for enums.
        document = json.dumps(self.content, default=str, ensure_ascii=False)
        try:
            return model.model_validate_json(document, strict=True)
        except ValidationError as error:
            raise ProgramFileError(list(self.problems_of(error))) from error

    def problems_of(self, error: ValidationError) -> Iterator[Problem]:
        """Yield a problem for each error of a model, at its line.

        A model that checks several fields together begins its message with the field it blames:
        ``levels: from the lowest to the highest``.
        """
        for detail in error.errors(include_url=False):
            path = tuple(part for part in detail["loc"] if part != "[key]")
            rule = _rule(detail["type"], detail["msg"], detail["input"], detail.get("ctx", {}))
            field, colon, rest = rule.partition(": ")
            if colon and isinstance(detail["input"], dict) and field in detail["input"]:
                path, rule = (*path, field), rest
            yield self.problem(path, rule)

    def _syntax_problem(self, message: str) -> Problem:
        reason, _, place = message.rpartition(" (at ")
        place = place.rstrip(")")
        if place.startswith("line "):
            line, _, column = place.removeprefix("line ").partition(", ")
            return Problem(self.name, int(line), "", f"not TOML: {reason} ({column})")
        return Problem(self.name, self._text.count("\n") + 1, "", f"not TOML: {message}")


def _written(path: KeyPath) -> str:
    """Write a place as TOML does, with positions in arrays in brackets."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def _rule(kind: str, message: str, found: object, context: dict[str, Any]) -> str:
    if kind == "missing":
        return "required, but not there"
    if kind == "extra_forbidden":
        return "no such key is known here"
    if kind == "value_error":
        message = str(context["error"])
    if isinstance(found, str | int | float) and len(str(found)) <= 60:
        return f"{message}, not {found!r}" if "should" in message else f"{message}; found {found!r}"
    return message


def _key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line of every key of a text that is known to be TOML.

    TOML is a list of statements, each of which is TOML by itself. So the shortest run of lines
    that parses is a statement, and ``tomllib`` rather than a second grammar says which keys are in
    it. All keys of an inline table or array have the line on which its statement begins.
    """
    lines = text.split("\n")
    places: dict[KeyPath, int] = {}
    elements: Counter[KeyPath] = Counter()
    table: KeyPath = ()
    start = 0
    while start < len(lines):
        end = start + 1
        while (statement := _parse(lines[start:end])) is None and end < len(lines):
            end += 1
        if lines[start].lstrip().startswith("["):
            table = _enter(statement or {}, elements)
            for depth in range(1, len(table) + 1):
                places.setdefault(table[:depth], start + 1)
        else:
            for path in _paths(statement or {}):
                places.setdefault(table + path, start + 1)
        start = end
    return places


def _parse(lines: Sequence[str]) -> _Table | None:
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError:
        return None


def _enter(header: _Table, elements: Counter[KeyPath]) -> KeyPath:
    """Return the place that a header opens: ``[a.b]``, or the next element of ``[[a]]``.

    ``elements`` counts the elements of each array of tables seen so far; a name on the way that is
    such an array stands for its last element.
    """
    path: KeyPath = ()
    inner: Any = header
    while isinstance(inner, dict) and inner:
        key, inner = next(iter(cast(_Table, inner).items()))
        path = (*path, key)
        if isinstance(inner, list):
            elements[path] += 1
        if elements[path]:
            path = (*path, elements[path] - 1)
    return path


def _paths(value: object, prefix: KeyPath = ()) -> Iterator[KeyPath]:
    if prefix:
        yield prefix
    if isinstance(value, dict):
        for key, inner in cast(_Table, value).items():
            yield from _paths(inner, (*prefix, key))
    elif isinstance(value, list):
        for place, inner in enumerate(cast(list[object], value)):
            yield from _paths(inner, (*prefix, place))
