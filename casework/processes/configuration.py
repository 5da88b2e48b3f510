"""Settings as a process may use them: read, and each held against the part that it is for.

Whoever starts learns of all wrong settings at once, a line each that says what and where. The rules are those of the
parts themselves; this module owns none but those of addresses, and those between two settings.
"""

import difflib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.errors import MessageError
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource
from sqlalchemy.exc import SQLAlchemyError

from casework.identity.tokens import FileKeys, KeyFileTooOpen, KeysUnavailable, key_source
from casework.identity.tokens import issuer_key as read_issuer_key
from casework.notices.mailer import mailer_for
from casework.notices.pace import Pace, seconds_between
from casework.programs.holidays import current_calendar
from casework.programs.loader import ProgramFileError
from casework.settings import Settings
from casework.store.database import Database

PREFIX = "CASEWORK_"
ENV_FILE = Path(".env")

NAMES_OF_OTHERS = frozenset(
    {
        # Options of commands, read by the command line itself.
        "CASEWORK_API_URL",
        "CASEWORK_TOKEN",
        "CASEWORK_DEMO_API_PORT",
        "CASEWORK_DEMO_TEMPORAL_PORT",
        "CASEWORK_DEMO_UI_PORT",
        "CASEWORK_DEMO_SMTP_PORT",
        # Of docker-compose.yml, which reads the same `.env`.
        "CASEWORK_DB_PASSWORD",
        "CASEWORK_PORT",
        "CASEWORK_PROXY_PORT",
        # Of the tests, whose environment the processes that they start inherit.
        "CASEWORK_TEST_POSTGRES",
        "CASEWORK_PICTURES",
        "CASEWORK_RECORD_HISTORIES",
    }
)
"""Names with the prefix that are no settings of worker and API."""


class SettingsInvalid(Exception):
    """Settings that nothing can start with: one line for each, and no secret in any."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read_settings() -> Settings:
    """Return the settings of the environment and of ``.env``, each of them found to be usable.

    Nothing is connected to: what listens at an address is for `casework doctor` to find out.

    Raises:
        SettingsInvalid: with every fault.
    """
    faults = list(_unknown_names())
    try:
        settings = Settings()
    except ValidationError as error:
        faults += [_fault(str(item["loc"][0]), item["msg"]) for item in error.errors()]
        raise SettingsInvalid(faults) from None
    faults += (_fault(name, reason) for name, reason in _unusable(settings))
    if faults:
        raise SettingsInvalid(faults)
    return settings


def _fault(name: str, reason: str) -> str:
    return f"{_name(name)} ({_origin(_name(name))}): {' '.join(reason.split())}"


def _name(field: str) -> str:
    return f"{PREFIX}{field.upper()}"


def _origin(name: str) -> str:
    if any(known.upper() == name for known in os.environ):
        return "environment"
    return str(ENV_FILE.resolve()) if name in _of_file() else "default"


def _of_file() -> Mapping[str, str | None]:
    """Return what the file sets; a file that cannot be read is as none: the settings then say so."""
    if not ENV_FILE.is_file():
        return {}
    source = DotEnvSettingsSource(Settings, env_file=ENV_FILE)
    return {name.upper(): value for name, value in source.env_vars.items()}


def _unknown_names() -> Iterator[str]:
    known = NAMES_OF_OTHERS | {_name(field) for field in Settings.model_fields}
    found = {name.upper() for name in os.environ} | set(_of_file())
    for name in sorted(found - known):
        if name.startswith(PREFIX):
            closest = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {closest[0]}?" if closest else "docs/settings.md lists them"
            yield f"{name} ({_origin(name)}): there is no such setting; {hint}"


# --- What each setting has to be ------------------------------------------------------------------


def _unusable(settings: Settings) -> Iterator[tuple[str, str]]:
    checks: dict[str, Callable[[Settings], object]] = {
        "state_folder": _state_folder,
        "database_url": _database,
        "temporal_address": lambda given: _address(given.temporal_address),
        "worker_metrics": _worker_metrics,
        "public_url": _public_url,
        "smtp_url": lambda given: mailer_for(given.smtp_url),
        "mail_from": _sender,
        "mail_pace": lambda given: _pace(given.mail_pace),
        "mail_pace_in_all": lambda given: _pace(given.mail_pace_in_all),
        "token_keys": _token_keys,
        "holidays_file": _holidays,
        "outbox_page": _outbox_page,
    }
    for name, check in checks.items():
        try:
            check(settings)
        except (
            ValueError,
            OSError,
            SQLAlchemyError,
            KeysUnavailable,
            KeyFileTooOpen,
            ProgramFileError,
        ) as error:
            yield name, str(error)


def _state_folder(settings: Settings) -> None:
    folder = settings.state_folder
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file and should be a folder")


def _database(settings: Settings) -> None:
    try:
        Database(settings.database).close()
    except SQLAlchemyError:
        # SQLAlchemy quotes the URL that it could not read, with its password.
        raise ValueError(
            "it is no URL of a database, such as postgresql+psycopg://user@host/database"
        ) from None
    except ValueError as error:
        raise ValueError(f"a database is {error}") from None


def _address(given: str) -> None:
    host, _, port = given.rpartition(":")
    is_bare = host and not set(host) & set("/@ ")
    if not is_bare or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{given!r} is not host:port, such as 127.0.0.1:7233")


def _worker_metrics(settings: Settings) -> None:
    if settings.worker_metrics is not None:
        _address(settings.worker_metrics)


def _public_url(settings: Settings) -> None:
    given = settings.public_url
    try:
        url = urlsplit(given)
        is_usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        is_usable = False
        url = urlsplit("")
    if not is_usable or url.query or url.fragment or url.username is not None or " " in given:
        raise ValueError("it is http://host or https://host, without user, query and fragment")


def _sender(settings: Settings) -> None:
    message = EmailMessage()
    try:
        message["From"] = settings.mail_from
        addresses = message["From"].addresses
    except (MessageError, ValueError, IndexError):
        addresses = ()
    if len(addresses) != 1 or not addresses[0].username or not addresses[0].domain:
        raise ValueError("it is one address, such as Casework <no-reply@example.go.th>")


def _pace(notation: str) -> None:
    try:
        Pace(notation)
        seconds_between(notation)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{notation!r} is no pace, such as 60/minute") from None


def _token_keys(settings: Settings) -> None:
    if settings.token_keys is None:
        if is_in_production(settings):
            raise ValueError(
                f"{_name('public_url')} is https, and there the local issuer's tokens are not for use: "
                "name the key set of your identity provider, an https URL or a file"
            )
        if settings.issuer_key_file.exists():
            _check_issuer_key(settings.issuer_key_file)
        return
    source = key_source(settings)
    if isinstance(source, FileKeys):
        source.read()


def _check_issuer_key(file: Path) -> None:
    try:
        read_issuer_key(file)
    except (ValueError, TypeError, JoseError):
        raise ValueError(f"the local issuer's key {file} is no private key") from None


def _holidays(settings: Settings) -> None:
    if settings.holidays_file is not None:
        current_calendar(settings.holidays_file)


def _outbox_page(settings: Settings) -> None:
    if settings.outbox_page and is_in_production(settings):
        raise ValueError(
            f"it shows letters to everybody, and {_name('public_url')} is https: unset it"
        )


def is_in_production(settings: Settings) -> bool:
    """Say whether people reach this installation by https, as no demonstration is."""
    return settings.public_url.lower().startswith("https://")
