"""The documentation, held against the code: commands, settings, acts, addresses and links exist."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from casework.domain import events as e
from casework.domain.actors import STAFF, ActorKind
from casework.domain.openness import ACT_RULES
from casework.domain.stages import BEFORE_DECISION, TRANSITIONS, Stage
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for folder in ("", "docs", "docs/decisions", "deploy", "casework/demo/data")
    for page in (ROOT / folder).glob("*.md")
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)(#[^)\s]*)?\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of(name: str) -> list[list[str]]:
    """Return the cells of every table row of a page, headings and rulers left out."""
    rows = [line for line in text_of(name).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]


def code_of(page: Path) -> Iterator[str]:
    """Yield what stands in code: each span, and each line of each block."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


# --- Links ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path):
    targets = [target for target, _ in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_heading_leads_to_one(page: Path):
    text = page.read_text(encoding="utf-8")
    missing = [
        f"{target}#{anchor}"
        for target, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", text)
        if anchor not in anchors_of(page.parent / target if target else page)
    ]
    assert missing == []


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as a forge makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_in_the_list():
    listed = {target for target, _ in LINK.findall(text_of("docs/decisions/README.md"))}
    there = {page.name for page in (ROOT / "docs" / "decisions").glob("*.md")} - {"README.md"}
    assert listed == there


def test_every_page_can_be_reached_from_the_first():
    found, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in found or page.suffix != ".md" or not page.exists():
            continue
        found.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        todo += [(page.parent / target).resolve() for target, _ in links if "://" not in target]
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert {str(page.relative_to(ROOT)) for page in pages - found} == set()


# --- Commands -------------------------------------------------------------------------------------


def test_every_make_command_exists():
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", text_of("Makefile"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for code in code_of(page)
        for target in re.findall(r"\bmake ([a-z]+)", code)
    }
    assert named
    assert named <= targets


def test_the_first_page_gives_the_two_commands():
    commands = re.findall(r"```sh\n(.*?)\n```", text_of("README.md"), re.DOTALL)
    assert commands == ["make demo", "make test"]


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "casework.cli.app", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=LONGEST_WAIT_SECONDS,
        env={"COLUMNS": "200", "PATH": ""},
    )
    return done.stdout


def test_every_casework_command_exists_with_its_options():
    named = {
        match[1]
        for page in PAGES
        for code in code_of(page)
        if (
            match := re.search(
                r"(?:^|bin/|&& |\$\(|\bapi |as_casework )casework ([a-z][^)&]*)", code
            )
        )
    }
    assert len(named) >= 8
    for line in sorted(named):
        words = line.split("#")[0].split()
        command = [words.pop(0)]
        if (
            words
            and re.fullmatch(r"[a-z][a-z-]*", words[0])
            and f" {words[0]} " in help_of(*command)
        ):
            command.append(words.pop(0))
        shown = help_of(*command)
        assert f"casework {' '.join(command)}" in shown, line
        for option in (word for word in words if word.startswith("--")):
            assert option in shown, line


# --- Settings, acts, stages -----------------------------------------------------------------------


def test_every_setting_is_explained_with_its_default():
    rows = {
        row[0].strip("`"): row[1] for row in rows_of("docs/settings.md") if "CASEWORK" in row[0]
    }
    fields = {f"CASEWORK_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(rows) == list(fields)
    for name, field in fields.items():
        if field.default is None:
            assert "`" not in rows[name], f"{name} has no default"
        else:
            shown = str(field.default).lower() if isinstance(field.default, bool) else field.default
            assert rows[name] == f"`{shown}`", name


def test_every_act_is_explained_with_who_and_when():
    told = {row[0].strip("`"): (row[1], row[2]) for row in rows_of("docs/acts.md") if len(row) == 4}
    told.pop("act")
    assert list(told) == [rule.act.slug for rule in ACT_RULES.values()]
    alive = {*BEFORE_DECISION, Stage.CERTIFIED}
    for rule in ACT_RULES.values():
        who = "staff" if set(rule.who) == STAFF else ", ".join(rule.who)
        if set(rule.stages) == alive:
            stages = "every stage before the end"
        elif set(rule.stages) == set(BEFORE_DECISION):
            stages = "every stage until the decision is made"
        else:
            stages = ", ".join(f"`{stage}`" for stage in rule.stages)
        assert told[rule.act.slug] == (who, stages), rule.act.slug


def test_every_event_that_time_brings_is_an_event():
    names = [row[0].strip("`") for row in rows_of("docs/acts.md") if len(row) == 2]
    names.remove("event")
    assert [name for name in names if not hasattr(e, name)] == []


def test_the_picture_of_the_stages_is_the_table_of_transitions():
    """All of it, but for what the text below the picture leaves out."""
    picture = re.findall(r"^    (\w+) --> (\w+):", text_of("docs/architecture.md"), re.MULTILINE)
    drawn = {(a.replace("_", "-"), b.replace("_", "-")) for a, b in picture if a != b}
    table = {
        (row.source.value, row.target.value)
        for row in TRANSITIONS
        if row.source is not Stage.NEW and row.target not in {Stage.WITHDRAWN, Stage.LAPSED}
    }
    assert drawn == table


def test_every_kind_of_actor_is_in_the_glossary():
    words = {row[0].lower() for row in rows_of("docs/glossary.md")}
    assert {kind.value.replace("-", " ") for kind in ActorKind} <= words


def test_every_room_exists_and_none_is_left_out():
    rooms = [row[0].strip("`") for row in rows_of("docs/architecture.md") if "`" in row[0]]
    assert [room for room in rooms if not (ROOT / room).exists()] == []
    packages = {
        f"{init.parent.relative_to(ROOT).as_posix()}/"
        for floor in ("casework", "api", "workflows", "activities")
        for init in (ROOT / floor).glob("*/__init__.py")
    }
    assert packages <= set(rooms)


def test_the_rules_of_imports_are_those_that_are_checked():
    told = " ".join(text_of("docs/architecture.md").split())
    contracts = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    assert len(layered) == 3
    for contract in layered:
        order = " > ".join(layer.replace(" | ", ", ") for layer in contract["layers"])
        assert f"`{order}`" in told, contract["name"]


def test_every_unit_of_systemd_is_explained():
    units = {path.name for path in (ROOT / "deploy" / "systemd").glob("casework*.[st]*")}
    named = {row[0].strip("`") for row in rows_of("docs/operations.md")}
    started = {"casework-verify.service"}  # by its timer
    assert units - started <= named


# --- Examples -------------------------------------------------------------------------------------


def bodies_in_pages() -> Iterator[tuple[str, Any]]:
    """Yield every JSON body that a page prints, with the name of the page."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for body in re.findall(r"'(\{.*?\})'", re.sub(r"'\"?\$\w+\"?'", "x", block), re.DOTALL):
                yield page.name, json.loads(body)


def bodies_in_the_description(part: Any) -> Iterator[Any]:
    """Yield every example of the API's description, wherever in it."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in {"example", "examples"}:
                yield value
            yield from bodies_in_the_description(value)
    elif isinstance(part, list):
        for value in part:
            yield from bodies_in_the_description(value)


def codes_in(body: Any) -> Iterator[tuple[str, str]]:
    """Yield what a body says for a criterion, an item, a program or a province, however deep in it."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key == "fields":  # what the columns of a list are called, and no codes
                continue
            kind = key.removesuffix("s")
            if kind in {"criterion", "item", "program", "province"}:
                values = value if isinstance(value, list) else [value]
                yield from (
                    (kind, code) for code in values if isinstance(code, str) and code != "*"
                )
            yield from codes_in(value)
    elif isinstance(body, list):
        for value in body:
            yield from codes_in(value)


def test_every_code_in_an_example_exists():
    """Whoever copies an example is not told that there is no such criterion, item, program or province."""
    catalog = ProgramCatalog.load()
    versions = [v for program in catalog.programs() for v in catalog.versions(program)]
    there = {
        "criterion": {code for version in versions for code in version.criteria},
        "item": {code for version in versions for code in version.items},
        "program": set(catalog.programs()),
        "province": set(provinces()),
    }
    description = create_app(Settings.model_construct(state_folder=ROOT / "var")).openapi()
    bodies = [*bodies_in_pages(), *(("/docs", b) for b in bodies_in_the_description(description))]
    named = {(where, kind, code) for where, body in bodies for kind, code in codes_in(body)}
    assert {kind for _, kind, _ in named} == set(there)
    assert {"try-it.md", "drives.md", "/docs"} <= {where for where, _, _ in named}
    assert {name for name in named if name[2] not in there[name[1]]} == set()


# --- Addresses ------------------------------------------------------------------------------------


def test_every_address_of_the_api_exists():
    """Method and path as the application has them, whatever a page calls its parameters."""
    app = create_app(Settings.model_construct(state_folder=ROOT / "var"))
    there = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path))
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    named = {
        (method, re.sub(r"\{[^}]+\}", "{}", path.split("?")[0]))
        for page in PAGES
        for code in code_of(page)
        for method, path in re.findall(r"^(GET|POST) (/api/\S+)$", code)
    }
    assert len(named) > 10
    acts = ("POST", "/api/v1/cases/{}/acts/{}")
    assert named - {acts} <= there
    assert any(path.startswith("/api/v1/cases/{}/acts/") for _, path in there)
