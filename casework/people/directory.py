"""The staff directory as a file: who works where, in a CSV that a spreadsheet can write."""

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from casework.domain._model import Ref
from casework.domain.actors import STAFF, ActorKind
from casework.domain.calendar import Language
from casework.domain.email import Email
from casework.programs.provinces import provinces
from casework.store.database import Database
from casework.store.people import StaffMember, put_people

COLUMNS = ("person", "name", "email", "language", "kinds", "provinces", "programs")
"""The columns, in this order or another. Several kinds, provinces or programs stand in one cell with spaces."""

EVERYWHERE = "*"


class DirectoryFileError(Exception):
    """The file breaks rules; the message has one line for each, with the number of the row."""


class Member(BaseModel):
    """One row: a member of staff, reachable by mail, with the parts they may act in and where.

    ``provinces`` and ``programs`` hold codes, or ``*`` alone for all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    person: Ref
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    email: Email
    language: Language = "th"
    kinds: Annotated[tuple[ActorKind, ...], Field(min_length=1)]
    provinces: Annotated[tuple[str, ...], Field(min_length=1)]
    programs: Annotated[tuple[str, ...], Field(min_length=1)] = (EVERYWHERE,)


def read_directory(path: Path) -> tuple[Member, ...]:
    """Read the file, UTF-8 with or without a byte order mark.

    Raises:
        OSError: it cannot be read.
        DirectoryFileError: a column is missing or unknown, a cell is wrong, or a person stands twice.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = set(rows.fieldnames or ())
        missing = [c for c in COLUMNS if c not in columns and c not in {"language", "programs"}]
        unknown = sorted(columns.difference(COLUMNS))
        if missing or unknown:
            raise DirectoryFileError(
                f"{path}: the columns are {', '.join(COLUMNS)}"
                + (f"; missing: {', '.join(missing)}" if missing else "")
                + (f"; unknown: {', '.join(unknown)}" if unknown else "")
            )
        return _members(path, enumerate(rows, start=2))


def _members(path: Path, rows: Iterator[tuple[int, dict[str, str]]]) -> tuple[Member, ...]:
    members: dict[str, Member] = {}
    problems: list[str] = []
    for line, row in rows:
        try:
            member = Member.model_validate(_cells(row))
        except ValidationError as error:
            # One remark for each cell: what follows from the first is no news.
            first = {found["loc"][0]: found["msg"] for found in reversed(error.errors())}
            problems += [f"{path}, line {line}, {cell}: {rule}" for cell, rule in first.items()]
            continue
        problems += [f"{path}, line {line}, {rule}" for rule in _broken_rules(member, members)]
        members[member.person] = member
    if problems:
        raise DirectoryFileError("\n".join(problems))
    return tuple(members.values())


def _cells(row: dict[str, str]) -> dict[str, object]:
    cells: dict[str, object] = {key: value for key, value in row.items() if value}
    for key in ("kinds", "provinces", "programs"):
        if isinstance(value := cells.get(key), str):
            cells[key] = tuple(re.split(r"[\s;,]+", value.strip()))
    return cells


def _broken_rules(member: Member, before: dict[str, Member]) -> Iterator[str]:
    if member.person in before:
        yield f"person: {member.person} stands in an earlier line too"
    if not STAFF.issuperset(member.kinds):
        yield f"kinds: one or more of {', '.join(sorted(STAFF))}"
    unknown = [code for code in member.provinces if code not in {*provinces(), EVERYWHERE}]
    if unknown:
        yield f"provinces: no province has the code {', '.join(unknown)}"
    for key, codes in (("provinces", member.provinces), ("programs", member.programs)):
        if EVERYWHERE in codes and len(codes) > 1:
            yield f"{key}: {EVERYWHERE} stands alone"


def put_members(database: Database, members: Iterable[Member]) -> None:
    """Add people to the directory, or replace what it says of them, in one transaction."""
    people = [
        StaffMember(
            **member.model_dump(exclude={"provinces", "programs"}),
            provinces=_everywhere_or(member.provinces),
            programs=_everywhere_or(member.programs),
        )
        for member in members
    ]
    with database.writing() as session:
        put_people(session, people)


def _everywhere_or(codes: tuple[str, ...]) -> frozenset[str] | Literal["*"]:
    return "*" if codes == (EVERYWHERE,) else frozenset(codes)
