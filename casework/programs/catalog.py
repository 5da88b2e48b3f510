"""All program versions at hand: which one is current, and the proof that none published changed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations
from pathlib import Path

from casework.programs.loader import DATA, Problem, ProgramFile, ProgramFileError, load_folder
from casework.programs.model import ProgramVersion

DIGESTS = "PUBLISHED.sha256"
"""The file, beside the programs, that lists the digest of each published version."""

_HEADER = """\
# What each published program version says, its end date left out. A line never changes:
# a published version is replaced by a new one. `casework programs record` adds the new lines.
"""


class NoSuchVersion(LookupError):
    """There is no such program, no such version, or none is current on that day."""


class PublishedVersionChanged(Exception):
    """A published version is not what it was. The message says which, and what to do instead."""


class ProgramCatalog:
    """Every version of every program, by name.

    It owns which version is current on a day. It does not own the cases opened under a version:
    they carry its rules with them.
    """

    def __init__(self, versions: Iterable[ProgramVersion]) -> None:
        self._versions = {(v.program, v.version): v for v in versions}

    @classmethod
    def load(cls, folder: Path = DATA) -> "ProgramCatalog":
        """Read all versions below a folder.

        Raises:
            ProgramFileError: with every broken rule of every file, and of files together: published
                versions of a program do not overlap, all of them have one prefix for case ids, and
                no two programs share one.
        """
        files = load_folder(folder)
        problems = [*_overlaps(files), *_prefix_problems(files)]
        if problems:
            raise ProgramFileError(problems)
        return cls(file.version for file in files)

    def programs(self) -> tuple[str, ...]:
        """Return the names of all programs, sorted."""
        return tuple(sorted({program for program, _ in self._versions}))

    def versions(self, program: str) -> tuple[ProgramVersion, ...]:
        """Return the versions of a program, samples last, else by their first day.

        Raises:
            NoSuchVersion: there is no such program.
        """
        found = [v for v in self._versions.values() if v.program == program]
        if not found:
            raise NoSuchVersion(f"There is no program {program}.")
        return tuple(sorted(found, key=lambda v: (v.sample, v.valid_from, v.version)))

    def get(self, program: str, version: str) -> ProgramVersion:
        """Return this version, current or not, sample or not.

        Raises:
            NoSuchVersion: there is none.
        """
        try:
            return self._versions[program, version]
        except KeyError:
            raise NoSuchVersion(f"There is no version {version} of {program}.") from None

    def current(self, program: str, on: date) -> ProgramVersion:
        """Return the published version under which a case can be opened on this Bangkok day.

        Raises:
            NoSuchVersion: there is none, or no such program.
        """
        for version in self.versions(program):
            if version.is_valid_on(on):
                return version
        raise NoSuchVersion(f"No published version of {program} is valid on {on}.")


def check_published(folder: Path = DATA) -> None:
    """Compare every published version with its line in :data:`DIGESTS`.

    Raises:
        ProgramFileError: a file cannot be read as a program.
        PublishedVersionChanged: a published version changed in more than its end date, is no longer
            published, is gone, or was never recorded.
    """
    recorded = _recorded(folder)
    published = _published(folder)
    findings = [
        *(
            f"{name} is published and has changed in more than valid_until. Cases were opened under"
            " it, so put it back as it was and write what you want into a new version: copy the"
            " file under the next version's name, give it its own valid_from, and end the old one"
            " the day before with valid_until."
            for name, digest in published.items()
            if recorded.get(name, digest) != digest
        ),
        *(
            f"{name} was published and is now missing or marked unpublished. Cases were opened"
            " under it, so put it back; to stop new cases, give it a valid_until."
            for name in recorded
            if name not in published
        ),
        *(
            f"{name} is published and has no line in {DIGESTS}. Run `casework programs record`"
            " when its text is final."
            for name in published
            if name not in recorded
        ),
    ]
    if findings:
        raise PublishedVersionChanged("\n".join(findings))


def record_published(folder: Path = DATA) -> tuple[str, ...]:
    """Add a line to :data:`DIGESTS` for each published version that has none; return their names.

    A line that is there is never touched, so this cannot make a changed version pass.

    Raises:
        ProgramFileError: a file cannot be read as a program.
    """
    recorded = _recorded(folder)
    new = {name: d for name, d in _published(folder).items() if name not in recorded}
    if new:
        lines = (f"{digest}  {name}\n" for name, digest in sorted({**recorded, **new}.items()))
        (folder / DIGESTS).write_text(_HEADER + "".join(lines), encoding="utf-8")
    return tuple(new)


def _published(folder: Path) -> dict[str, str]:
    return {
        f"{file.version.program}/{file.version.version}": file.digest
        for file in load_folder(folder)
        if file.version.published
    }


def _recorded(folder: Path) -> dict[str, str]:
    path = folder / DIGESTS
    if not path.exists():
        return {}
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {words[1]: words[0] for words in lines if words and words[0] != "#"}


def _overlaps(files: Iterable[ProgramFile]) -> Iterator[Problem]:
    published = [file for file in files if file.version.published]
    published.sort(key=lambda file: file.version.valid_from)
    for first, second in combinations(published, 2):
        a, b = first.version, second.version
        if a.program != b.program or (a.valid_until and a.valid_until < b.valid_from):
            continue
        rule = f"version {a.version} is valid until {a.valid_until or 'further notice'}"
        yield second.source.problem(("valid_from",), f"{rule}; end it the day before")


def _prefix_problems(files: Iterable[ProgramFile]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    prefixes: dict[str, set[str]] = defaultdict(set)
    for version, _, source in files:
        prefixes[version.program].add(version.prefix)
        owner = owners.setdefault(version.prefix, version.program)
        if owner != version.program:
            yield source.problem(("prefix",), f"{version.prefix} is the prefix of {owner}")
        elif len(prefixes[version.program]) > 1:
            rule = f"one prefix for all versions of {version.program}"
            yield source.problem(("prefix",), rule)
