"""Program versions read from ``<program>/<version>.toml``, with precise errors.

It owns the rules of one file. What versions of a program owe each other is the catalog's.
"""

import hashlib
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from casework.domain.rules import NONCONFORMITIES, Period, Unit
from casework.programs._source import KeyPath, Problem, ProgramFileError, TomlSource
from casework.programs.model import ProgramVersion, SampleVersion

__all__ = ["DATA", "Problem", "ProgramFile", "ProgramFileError", "load_folder"]

DATA = Path(__file__).parent / "data"
"""The folder of the programs that ship with the system."""

_TEN_YEARS = {
    Unit.WORKING_DAYS: 2_600,
    Unit.CALENDAR_DAYS: 3_653,
    Unit.MONTHS: 120,
    Unit.SECONDS: 315_576_000,
}
_SHORTEST_MONTH = 28


class ProgramFile(NamedTuple):
    """A version, the digest of what its file says but for its end date, and the file."""

    version: ProgramVersion
    digest: str
    source: TomlSource


def load_folder(folder: Path = DATA) -> tuple[ProgramFile, ...]:
    """Read every ``<program>/<version>.toml`` below a folder, samples after what they build on.

    Raises:
        ProgramFileError: with the problems of all files.
    """
    paths = sorted(folder.glob("*/*.toml"))
    problems: list[Problem] = []
    sources: list[TomlSource] = []
    files: list[ProgramFile] = []
    for path in paths:
        with _collected(problems):
            sources.append(TomlSource.read(path))
    samples = [source for source in sources if "based_on" in source.content]
    for source in sources:
        if source not in samples:
            with _collected(problems):
                files.append(_checked(source, source.validate(ProgramVersion)))
    bases = {f"{file.version.program}/{file.version.version}.toml": file.version for file in files}
    names = {f"{path.parent.name}/{path.name}" for path in paths} - {s.name for s in samples}
    for source in samples:
        with _collected(problems):
            sample = source.validate(SampleVersion)
            name = f"{sample.program}/{sample.based_on}.toml"
            if name in bases:
                files.append(_checked(source, sample.on(bases[name])))
            elif name not in names:
                raise ProgramFileError([source.problem(("based_on",), f"there is no {name}")])
            # Else the base is there and broken, and its own problems say enough.
    if problems:
        raise ProgramFileError(problems)
    return tuple(files)


@contextmanager
def _collected(problems: list[Problem]) -> Generator[None, None, None]:
    """Go on after a broken file, so that one run names the problems of all."""
    try:
        yield
    except ProgramFileError as error:
        problems += error.problems


def _checked(source: TomlSource, version: ProgramVersion) -> ProgramFile:
    problems = [source.problem(path, rule) for path, rule in _broken_rules(source, version)]
    try:
        version.rules()
    except ValidationError as error:
        problems += source.problems_of(error)
    if problems:
        raise ProgramFileError(problems)
    return ProgramFile(version, _digest(source.content), source)


def _broken_rules(source: TomlSource, version: ProgramVersion) -> Iterator[tuple[KeyPath, str]]:
    """Yield the rules that concern more than one key, each at the key to change."""
    folder, _, file = source.name.partition("/")
    if version.program != folder:
        yield ("program",), f"the folder is {folder}, and the program has the same name"
    if f"{version.version}.toml" != file:
        yield ("version",), f"the file is {file}, and the version has the same name"
    if version.sample and version.based_on is None:
        yield ("sample",), "a sample names the version it is based_on"
    if version.valid_until is not None and version.valid_until < version.valid_from:
        yield ("valid_until",), "the last day is not before valid_from"
    close_first = version.pass_rule.close_first
    if not NONCONFORMITIES.issuperset(close_first) or len(set(close_first)) != len(close_first):
        yield ("pass_rule", "close_first"), "minor and major can be closed, each named once"
    for name, period in version.periods.items():
        for key, rule in _broken_period_rules(period, sample=version.sample):
            yield ("periods", name.value, key), rule


def _broken_period_rules(period: Period, *, sample: bool) -> Iterator[tuple[str, str]]:
    if period.unit is Unit.SECONDS and not sample:
        yield "unit", "seconds are for samples"
    if period.length > _TEN_YEARS[period.unit]:
        yield "length", "a period lasts ten years at most"
    days = period.length * _SHORTEST_MONTH
    if period.unit is Unit.MONTHS and any(reminder >= days for reminder in period.reminders):
        yield "reminders", f"a reminder comes after the period has begun: fewer than {days} days"


def _digest(content: dict[str, Any]) -> str:
    """Return the SHA-256 of what a version says, its end date left out.

    Comments, line breaks and the order of keys within a table do not count; the order of criteria,
    levels and items does, because people read them in it.
    """
    fixed = {key: value for key, value in content.items() if key != "valid_until"}
    order = {key: list(content.get(key, ())) for key in ("criteria", "levels", "items")}
    canonical = json.dumps([fixed, order], default=str, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
