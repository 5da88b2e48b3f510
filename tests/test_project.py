"""The project's own files: commands, lock files, names and the purity of the domain."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# Put together here, because this file is searched too.
REGISTRY_HOSTS = [
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("crates", "io"),
        ("deb", "debian", "org"),
        ("proxy", "golang", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
    )
]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))


def pins(lock: Path) -> dict[str, set[Version]]:
    """Return the pinned versions; a package may have one per platform."""
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;]+)", lock.read_text(), re.M
    ):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def requirements(*names: str) -> Iterator[Requirement]:
    """Return what pyproject.toml asks for in its dependencies, extras and groups of these names."""
    lists = {
        "runtime": PROJECT["project"]["dependencies"],
        **PROJECT["project"]["optional-dependencies"],
        **PROJECT["dependency-groups"],
    }
    for name in names:
        yield from (Requirement(line) for line in lists[name] if isinstance(line, str))


def files() -> list[Path]:
    """Return every file that is in the repository or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


# --- Commands -------------------------------------------------------------------------------------


def test_every_make_target_is_listed_by_help() -> None:
    help_text = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    listed = dict(line.split(maxsplit=1) for line in help_text.splitlines())
    assert set(listed) == targets()
    assert targets() >= {"help", "setup", "demo", "test", "check", "format", "lock", "clean"}


def test_every_make_target_is_phony() -> None:
    assert set(re.findall(r"^\.PHONY: (\S+)", MAKEFILE, re.MULTILINE)) == targets()


def test_the_documents_name_only_make_targets_that_exist() -> None:
    named = {
        (path.name, target)
        for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", path.read_text(), re.MULTILINE)
    }
    assert {(name, target) for name, target in named if target not in targets()} == set()


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# --- Lock files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_file_pins_by_hash_and_names_no_place(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*--(?!hash=sha256:)|^\s*-[a-z] ", text, re.MULTILINE)
    entries = re.split(r"^(?=[\w.-]+(?:\[[^\]]*\])?==)", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "names"),
    [("runtime.txt", ["runtime"]), ("dev.txt", ["runtime", "local", "build", "test", "dev"])],
)
def test_a_lock_file_satisfies_what_the_project_asks_for(lock: str, names: list[str]) -> None:
    locked = pins(ROOT / "requirements" / lock)
    stale = [
        str(requirement)
        for requirement in requirements(*names)
        if not any(
            version in requirement.specifier
            for version in locked.get(canonicalize_name(requirement.name), ())
        )
    ]
    assert not stale, "run `make lock`"


def test_production_and_tests_have_the_same_versions() -> None:
    development = pins(ROOT / "requirements" / "dev.txt")
    for lock in LOCKS:
        for name, versions in pins(lock).items():
            assert versions <= development[name], (lock.name, name)


# --- Names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["activities", "api", "casework", "worker", "workflows"])
def test_nobody_else_installs_a_package_of_our_names(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"casework"}


def test_no_file_names_a_package_registry_or_this_folder() -> None:
    forbidden = re.compile("|".join(re.escape(text) for text in [*REGISTRY_HOSTS, str(ROOT)]))
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files()
        if (match := forbidden.search(path.read_text(errors="replace")))
    ]
    assert found == []


# --- Replayed code --------------------------------------------------------------------------------

REPLAYED = [
    path
    for folder in ("workflows", "casework/domain", "casework/contracts")
    for path in sorted((ROOT / folder).glob("*.py"))
]


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Return the modules that a file imports, however deep inside it."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield node.module or ""
            case _:
                pass


def test_the_domain_imports_the_standard_library_and_what_checks_values_only() -> None:
    allowed = {*sys.stdlib_module_names, "email_validator", "pydantic"}
    for path in (ROOT / "casework" / "domain").rglob("*.py"):
        for module in imports_of(ast.parse(path.read_text())):
            own = f"{module}.".startswith("casework.domain.")
            assert own or module.partition(".")[0] in allowed, (path.name, module)


@pytest.mark.parametrize("path", REPLAYED, ids=lambda path: path.name)
def test_replayed_code_asks_neither_a_clock_nor_chance_nor_the_machine(path: Path) -> None:
    """What a workflow runs gives the same again years later: the worker has no sandbox that would see to it."""
    outside = {
        "os",
        "pathlib",
        "random",
        "secrets",
        "socket",
        "subprocess",
        "threading",
        "time",
        "uuid",
    }
    methods = {"now", "today", "utcnow"}
    tree = ast.parse(path.read_text())
    assert outside.isdisjoint(module.partition(".")[0] for module in imports_of(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="hash" | "id" | "open" | "input" as name)):
                pytest.fail(f"{name}() differs from process to process")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="date" | "datetime"), attr=name)):
                assert name not in methods, f"ask the workflow what time it is, not {name}()"
            case _:
                pass
