"""A wrong setting is one line that says what and where, before anything starts."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from casework.processes.configuration import (
    NAMES_OF_OTHERS,
    SettingsInvalid,
    read_settings,
)
from casework.settings import Settings

ROOT = Path(__file__).parents[2]
Faults = Callable[..., tuple[str, ...]]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder without `.env`, and with none of this machine's settings."""
    import os

    for name in list(os.environ):
        if name.startswith("CASEWORK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Return what is said of these settings."""

    def read(**settings: str) -> tuple[str, ...]:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        try:
            read_settings()
        except SettingsInvalid as error:
            return error.faults
        return ()

    return read


def test_the_defaults_are_usable(faults: Faults):
    assert faults() == ()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "postgres//nowhere secret", "no URL of a database"),
        ("DATABASE_URL", "mysql://user:secret@host/casework", "a database is a URL that starts"),
        ("DATABASE_URL", "postgresql+psycopg://u:secret@host:port/d", "a database"),
        ("TEMPORAL_ADDRESS", "temporal", "is not host:port"),
        ("TEMPORAL_ADDRESS", "http://temporal:7233", "is not host:port"),
        ("TEMPORAL_ADDRESS", "temporal:72333", "is not host:port"),
        ("TEMPORAL_TLS", "maybe", "boolean"),
        ("PUBLIC_URL", "casework.example.go.th", "http://host or https://host"),
        ("PUBLIC_URL", "http://casework.example:99999", "http://host or https://host"),
        ("SMTP_URL", "relay.example.go.th:587", "a mail server is smtp://host"),
        ("SMTP_URL", "smtp://user:secret@relay:port", "the port of a mail server is a number"),
        ("MAIL_FROM", "Casework", "one address"),
        ("MAIL_PACE", "fast", "'fast' is no pace, such as 60/minute"),
        ("MAIL_PACE_IN_ALL", "0/minute", "no pace"),
        ("TOKEN_KEYS", "http://login.example/keys", "https address or a file"),
        ("TOKEN_KEYS", "keys.json", "The key set keys.json cannot be read"),
        ("EVIDENCE_MOST_BYTES", "20MB", "integer"),
        ("HOLIDAYS_FILE", "holidays.toml", "holidays.toml"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name_and_where_it_is_from(
    faults: Faults, name: str, value: str, says: str
):
    (line,) = faults(**{f"CASEWORK_{name}": value})
    assert line.startswith(f"CASEWORK_{name} (environment): ")
    assert says in line
    assert "\n" not in line
    assert "secret" not in line


def test_all_wrong_settings_are_named_at_once(faults: Faults):
    lines = faults(CASEWORK_MAIL_PACE="fast", CASEWORK_PUBLIC_URL="here", CASEWORK_SMPT_URL="x")
    assert len(lines) == 3


def test_a_mistyped_name_is_found_with_the_closest_right_one(faults: Faults, empty_folder: Path):
    (empty_folder / ".env").write_text("casework_temporal_adress=host:7233\nPOSTGRES_PASSWORD=x\n")
    in_environment, in_file = faults(CASEWORK_SMPT_URL="smtp://relay")
    assert in_environment == (
        "CASEWORK_SMPT_URL (environment): there is no such setting; did you mean CASEWORK_SMTP_URL?"
    )
    assert in_file == (
        f"CASEWORK_TEMPORAL_ADRESS ({empty_folder / '.env'}): there is no such setting; "
        "did you mean CASEWORK_TEMPORAL_ADDRESS?"
    )


def test_a_wrong_value_in_the_file_is_traced_to_the_file(faults: Faults, empty_folder: Path):
    (empty_folder / ".env").write_text("CASEWORK_MAIL_PACE=fast\n")
    (line,) = faults()
    assert line.startswith(f"CASEWORK_MAIL_PACE ({empty_folder / '.env'}): ")


def test_a_key_file_that_holds_no_key_set_is_said(faults: Faults, empty_folder: Path):
    (empty_folder / "keys.json").write_text("{}")
    (line,) = faults(CASEWORK_TOKEN_KEYS="keys.json")
    assert line == "CASEWORK_TOKEN_KEYS (environment): The key set is not a JWK set."


def test_an_https_address_does_not_start_with_the_local_issuer(faults: Faults):
    (line,) = faults(CASEWORK_PUBLIC_URL="https://casework.example.go.th")
    assert line.startswith("CASEWORK_TOKEN_KEYS (default): CASEWORK_PUBLIC_URL is https")
    assert faults(CASEWORK_TOKEN_KEYS="https://login.example.go.th/certs") == ()


def test_an_https_address_does_not_start_with_the_outbox_page(faults: Faults):
    (line,) = faults(
        CASEWORK_PUBLIC_URL="HTTPS://casework.example.go.th",
        CASEWORK_TOKEN_KEYS="https://login.example.go.th/certs",
        CASEWORK_OUTBOX_PAGE="true",
    )
    assert line.startswith("CASEWORK_OUTBOX_PAGE (environment): ")
    assert faults(CASEWORK_PUBLIC_URL="http://127.0.0.1:8000") == ()


def test_every_name_that_files_of_this_project_set_is_known():
    known = NAMES_OF_OTHERS | {f"CASEWORK_{field.upper()}" for field in Settings.model_fields}
    files = [ROOT / ".env.example", ROOT / "docker-compose.yml", ROOT / "docs/settings.md"]
    files += (ROOT / "deploy").rglob("*.example")
    for file in files:
        names = set(re.findall(r"CASEWORK_[A-Z_]*[A-Z]", file.read_text(encoding="utf-8")))
        assert names <= known, file
