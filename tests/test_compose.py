"""The compose file: valid, without a default secret, healthy before it is depended on, and true.

There is no Docker engine here. So the file is held against the schema that Docker Compose loads it
with, the scripts it mounts run against real servers, and `tests/test_compose_commands.py` starts
the commands that are ours.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from jsonschema import Draft202012Validator
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import make_url

from casework.processes.postgres import find_postgres
from casework.processes.servers import TemporalDevServer, find_temporal
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.settings import Settings

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "tests" / "assets" / "compose-spec" / "compose-spec.json"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<how>:\?|:-)?(?P<text>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|PWD|SECRET|API_KEY|PASSPHRASE")
PINNED = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?([.-][a-z0-9.]+)*$")


def compose_text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    return yaml.safe_load(compose_text())


def services() -> dict[str, dict[str, Any]]:
    return compose()["services"]


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def copied_sources() -> list[str]:
    """Return what the Dockerfile copies from the build context."""
    found: list[str] = []
    for line in dockerfile().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            found += [word for word in words[1:-1] if not word.startswith("--")]
    return found


# --- The file -------------------------------------------------------------------------------------


def test_the_file_follows_the_compose_specification():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    problems = Draft202012Validator(schema).iter_errors(compose())
    assert [f"{problem.json_path}: {problem.message}" for problem in problems] == []


def test_the_schema_would_find_a_slip():
    """A validator that lets everything pass would make the test above worthless."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    broken = compose()
    broken["services"]["api"]["helthcheck"] = {}
    assert list(Draft202012Validator(schema).iter_errors(broken))


def test_every_part_is_there():
    assert set(services()) == {
        "postgresql",
        "temporal-schema",
        "temporal",
        "temporal-namespace",
        "temporal-ui",
        "mailpit",
        "migrate",
        "worker",
        "bulk-worker",
        "api",
        "proxy",
    }


def test_no_secret_has_a_default():
    """Every value that is a secret comes from a variable that must be set, with what to do."""
    for name, service in services().items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                match = VARIABLE.fullmatch(str(value))
                assert match is not None, f"{name}: {key} is written out"
                assert match["how"] == ":?", f"{name}: {key} has a default"
                assert match["text"].startswith("put a password"), f"{name}: {key} says too little"


def test_no_url_holds_a_password():
    assert re.findall(r"://[^\s/@]+:[^\s/@]+@", compose_text()) == []


def test_every_image_is_pinned_to_a_version():
    for name, service in services().items():
        assert PINNED.match(service["image"]), f"{name}: {service['image']}"
    ours = {s["image"] for s in services().values() if "build" in s}
    assert ours == {f"casework:{_project_version()}"}


def test_temporal_and_its_tools_have_one_version():
    images = {name: service["image"].split(":")[1] for name, service in services().items()}
    assert (
        images["temporal"] == images["temporal-schema"] == images["temporal-namespace"] == "1.32.0"
    )


def test_every_port_is_bound_to_this_machine():
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not str(port).startswith("127.0.0.1:")] == []
    # Whoever reaches the frontend can forge an act; so nobody outside the network does.
    assert "ports" not in services()["temporal"]
    assert "ports" not in services()["postgresql"]


def test_what_serves_has_a_health_check_and_what_ends_has_none():
    for name, service in services().items():
        serves = service["restart"] == "unless-stopped"
        assert serves == ("healthcheck" in service), name
        assert serves or service["restart"].startswith("on-failure"), name


def test_each_part_waits_until_what_it_needs_is_ready():
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            serves = "healthcheck" in services()[needed]
            expected = "service_healthy" if serves else "service_completed_successfully"
            assert how == {"condition": expected}, f"{name} waits for {needed}"


def test_the_parts_start_in_the_order_of_the_samples():
    """Database, schema, server, namespace, and the worker only after both migrations."""
    needs = {name: set(s.get("depends_on", {})) for name, s in services().items()}
    assert needs["temporal-schema"] == {"postgresql"}
    assert needs["temporal"] == {"temporal-schema"}
    assert needs["temporal-namespace"] == needs["temporal-ui"] == {"temporal"}
    assert needs["migrate"] == {"postgresql"}
    assert {"migrate", "temporal-namespace"} <= needs["worker"] & needs["bulk-worker"] & needs[
        "api"
    ]


def test_our_containers_have_no_more_rights_than_they_need():
    for name, service in services().items():
        if "build" in service:
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["user"] == "10001:10001", name


def test_every_mounted_file_exists():
    for name, service in services().items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), f"{name}: {source}"


# --- Its settings ---------------------------------------------------------------------------------


def test_every_variable_is_in_the_example():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    used = {match["name"] for match in VARIABLE.finditer(compose_text())}
    handed_on = {key for key, value in compose()["x-environment"].items() if value is None}
    assert used <= named
    assert named <= used | handed_on


def test_the_example_has_no_secret():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^[A-Z_]*PASSWORD=.+$", example, re.MULTILINE) == []


def test_the_example_alone_starts_nothing():
    """Copying it without a thought leaves every password empty, which compose refuses."""
    required = {m["name"] for m in VARIABLE.finditer(compose_text()) if m["how"] == ":?"}
    assert required == {"POSTGRES_PASSWORD", "CASEWORK_DB_PASSWORD", "TEMPORAL_DB_PASSWORD"}


def test_every_setting_exists_and_its_default_reads():
    """What the file says when .env says nothing is what the code would say, but for the addresses."""
    environment = compose()["x-environment"]
    fields = {f"CASEWORK_{name.upper()}" for name in Settings.model_fields}
    given = {key for key in environment if key.startswith("CASEWORK_")}
    assert given <= fields
    values = {
        key.removeprefix("CASEWORK_").lower(): VARIABLE.sub(lambda m: m["text"], str(value))
        for key, value in environment.items()
        if key in fields and value is not None
    }
    settings = Settings.model_validate(values)
    same = (
        "mail_from",
        "mail_pace",
        "mail_pace_in_all",
        "token_issuer",
        "token_audience",
        "sample_programs",
    )
    defaults = Settings.model_construct()
    assert {key: getattr(settings, key) for key in same} == {
        key: getattr(defaults, key) for key in same
    }


# --- The image ------------------------------------------------------------------------------------


def test_everything_the_image_copies_exists_and_is_let_through():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[ignored.index("*") :][0] == "*"
    for source in copied_sources():
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignored, f"{source} is kept from the build"


def test_the_base_image_is_pinned_and_one_that_the_project_supports():
    bases = re.findall(r"^FROM (\S+)", dockerfile(), re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[1-3]\.\d+-slim-\w+", base)
    args = services()["api"]["build"]["args"]
    assert args == {"PYTHON_IMAGE": f"${{PYTHON_IMAGE:-{base}}}"}


def test_what_the_image_installs_is_locked_by_hash():
    for file in ("bootstrap", "runtime", "dev"):
        text = (ROOT / "requirements" / f"{file}.txt").read_text(encoding="utf-8")
        blocks = [b for b in text.replace("\\\n", " ").splitlines() if re.match(r"^[a-z0-9]", b)]
        assert blocks
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    installs = re.findall(r"(?:pip install|pip sync|uv build)[^&\n]*", dockerfile())
    assert len(installs) == 4
    for install in installs:
        wheel_of_ours = "--no-deps" in install and "/wheel/*.whl" in install
        assert wheel_of_ours or "--require-hashes" in install, install


def test_the_image_does_not_run_as_root():
    assert re.findall(r"^USER (\S+)", dockerfile(), re.MULTILINE) == ["10001:10001"]


def test_a_wheel_of_what_is_copied_is_complete(tmp_path: Path, python: Callable[..., str]):
    """Code, templates, programs and migrations are in it, and worker.py beside the packages."""
    context = tmp_path / "context"
    for source in copied_sources():
        target = context / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    python("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "wheel"), cwd=context)
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    rooms = ("activities", "api", "casework", "workflows")
    expected = {
        path.relative_to(context).as_posix()
        for room in rooms
        for path in (context / room).rglob("*")
        if path.is_file()
    }
    assert expected | {"worker.py"} <= packed
    assert {name for name in packed if ".dist-info/" not in name} == expected | {"worker.py"}


# --- The scripts it mounts ------------------------------------------------------------------------


@pytest.mark.postgres
def test_the_roles_and_databases_are_made_apart(postgres_url: str):
    """Casework cannot connect to Temporal's databases, nor Temporal to the one of Casework."""
    if os.environ.get("CASEWORK_TEST_POSTGRES"):
        pytest.skip("roles belong to the whole server: only one of our own is used for this")
    admin = make_url(postgres_url).set(drivername="postgresql")
    given = conninfo_to_dict(admin.render_as_string(hide_password=False))
    script = ROOT / "deploy" / "postgresql" / "databases.sh"
    env = {
        **os.environ,
        "PATH": f"{_psql().parent}{os.pathsep}{os.environ['PATH']}",
        "POSTGRES_USER": str(given["user"]),
        "PGHOST": str(given["host"]),
        "PGPORT": str(given.get("port") or 5432),
        "PGPASSWORD": str(given.get("password") or ""),
        "CASEWORK_DB_PASSWORD": 'it\'s "quoted" $HOME',
        "TEMPORAL_DB_PASSWORD": "another one",
    }
    subprocess.run(
        ["sh", str(script)], env=env, check=True, capture_output=True, timeout=LONGEST_WAIT_SECONDS
    )

    def ask(query: str, **changes: str) -> list[tuple[Any, ...]]:
        server = {"host": env["PGHOST"], "port": env["PGPORT"]}
        with psycopg.connect(make_conninfo(**server, **changes), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    privilege = (
        "SELECT r.rolname, d.datname FROM pg_roles r, pg_database d"
        " WHERE r.rolname IN ('casework', 'temporal') AND d.datname ~ '^(casework|temporal.*)$'"
        " AND has_database_privilege(r.oid, d.oid, 'CONNECT') ORDER BY 1, 2"
    )
    try:
        user = {"dbname": "casework", "user": "casework", "password": env["CASEWORK_DB_PASSWORD"]}
        assert ask("SELECT current_user", **user) == [("casework",)]
        admin_user = {k: str(given[k]) for k in ("user", "dbname") if k in given}
        assert ask(privilege, **admin_user, password=env["PGPASSWORD"]) == [
            ("casework", "casework"),
            ("temporal", "temporal"),
            ("temporal", "temporal_visibility"),
        ]
    finally:
        with psycopg.connect(make_conninfo(**given), autocommit=True) as connection:  # pyright: ignore[reportArgumentType]
            for database in ("casework", "temporal", "temporal_visibility"):
                connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())
            for role in ("casework", "temporal"):
                connection.execute(f"DROP ROLE IF EXISTS {role}".encode())


def test_the_schema_is_set_up_for_both_databases(tmp_path: Path):
    """The script asks Temporal's own tool, twice per database, and never with the password."""
    tool = tmp_path / "temporal-sql-tool"
    tool.write_text('#!/bin/sh\necho "$@" >> "$CALLS"\n', encoding="utf-8")
    tool.chmod(0o755)
    calls = tmp_path / "calls"
    subprocess.run(
        ["sh", str(ROOT / "deploy" / "temporal" / "schema.sh")],
        env={
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "CALLS": str(calls),
            **dict.fromkeys(("POSTGRES_SEEDS", "POSTGRES_USER"), "x"),
            "SQL_PASSWORD": "kept out of the process list",
        },
        check=True,
        timeout=LONGEST_WAIT_SECONDS,
    )
    lines = calls.read_text(encoding="utf-8").splitlines()
    done = [re.findall(r"--database (\w+) (setup|update)-schema", line) for line in lines]
    assert done == [
        [("temporal", "setup")],
        [("temporal", "update")],
        [("temporal_visibility", "setup")],
        [("temporal_visibility", "update")],
    ]
    assert "kept out" not in calls.read_text(encoding="utf-8")


@pytest.mark.parametrize("namespace", ["made-by-compose", "default"])
def test_the_namespace_is_made_or_kept(temporal_server: TemporalDevServer, namespace: str):
    """A new one is registered; one that is there only learns how long its histories stay."""
    env = {
        **os.environ,
        "PATH": f"{find_temporal().parent}{os.pathsep}{os.environ['PATH']}",
        "TEMPORAL_ADDRESS": temporal_server.target,
        "TEMPORAL_NAMESPACE": namespace,
        "TEMPORAL_RETENTION": "45d",
    }
    script = ROOT / "deploy" / "temporal" / "namespace.sh"
    subprocess.run(
        ["sh", str(script)], env=env, check=True, capture_output=True, timeout=LONGEST_WAIT_SECONDS
    )
    described = subprocess.run(
        ["temporal", "operator", "namespace", "describe", "-n", namespace, "-o", "json"],
        env=env,
        check=True,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_SECONDS,
    )
    config = json.loads(described.stdout)["config"]
    assert config["workflowExecutionRetentionTtl"] == f"{45 * 24 * 3600}s"


def _psql() -> Path:
    return find_postgres() / "psql"


def _project_version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def python() -> Callable[..., str]:
    """Run this environment's Python in a folder and return what it printed."""

    def run(*arguments: str, cwd: Path) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            check=True,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT_SECONDS,
        )
        return done.stdout

    return run
