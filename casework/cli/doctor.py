"""Look at the parts that Casework needs, one by one, and say of each whether it works and what to do.

It changes nothing and owns none of the parts; `casework doctor` prints what it finds.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx2
from aiosmtplib import SMTPException
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import RPCError

from casework.contracts import drive, enrollment, notice_delivery
from casework.identity.tokens import KeysUnavailable, look_at_keys
from casework.notices.mailer import SmtpMailer
from casework.processes.configuration import ENV_FILE, SettingsInvalid, read_settings
from casework.processes.engine import connect, is_worked_on
from casework.programs.catalog import ProgramCatalog, PublishedVersionChanged, check_published
from casework.programs.loader import ProgramFileError
from casework.settings import Settings
from casework.store.database import Database

ANSWER_WITHIN = timedelta(seconds=8)
"""How long one part may take to answer."""


class CheckFailed(Exception):
    """A part does not work. The message says what was seen and what to do."""


class Finding(NamedTuple):
    """What was found of one part."""

    part: str
    is_well: bool
    remark: str


def look_at(parts: Iterable[str], api_url: str) -> tuple[Finding, ...]:
    """Look at these parts, in this order; raises nothing for a part that does not work.

    With settings that are wrong nothing else can be looked at: what it would find is not what they mean.
    """
    try:
        settings = read_settings()
    except SettingsInvalid as error:
        return (Finding("settings", is_well=False, remark=str(error)),)
    return tuple(_look(part, lambda part=part: PARTS[part](settings, api_url)) for part in parts)


def _look(part: str, examine: Callable[[], str]) -> Finding:
    try:
        return Finding(part, is_well=True, remark=examine())
    except CheckFailed as error:
        return Finding(part, is_well=False, remark=str(error))


def _settings(settings: Settings, _api_url: str) -> str:
    where = "with .env" if ENV_FILE.is_file() else "no .env here"
    return f"all usable ({where}); people reach {settings.public_url}"


def _programs(_settings: Settings, _api_url: str) -> str:
    try:
        catalog = ProgramCatalog.load()
        check_published()
    except (ProgramFileError, PublishedVersionChanged) as error:
        raise CheckFailed(str(error)) from error
    return ", ".join(catalog.programs())


def _database(settings: Settings, _api_url: str) -> str:
    database = Database(settings.database)
    try:
        database.ping()
        missing = _pending(database.engine)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip()
        raise CheckFailed(
            f"{reason}\nIs CASEWORK_DATABASE_URL right, and is the server up?"
        ) from error
    finally:
        database.close()
    if missing:
        raise CheckFailed(f"{missing} migrations have not run: casework migrate")
    return f"{database.dialect}, at the newest schema"


def _pending(engine: Engine) -> int:
    """Count the migrations that the database has not had."""
    config = Config()
    config.set_main_option("script_location", "casework.store:migrations")
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return sum(1 for _ in script.iterate_revisions("head", current or "base"))


def _temporal(settings: Settings, _api_url: str) -> str:
    async def ask() -> str:
        client = await connect(settings)
        request = DescribeNamespaceRequest(namespace=settings.temporal_namespace)
        answer = await client.workflow_service.describe_namespace(request)
        days = answer.config.workflow_execution_retention_ttl.ToTimedelta().days
        return (
            f"{settings.temporal_address}, namespace {settings.temporal_namespace}: "
            f"histories stay {days} days"
        )

    return _ask_temporal(ask, settings)


def _worker_of(name: str, queue: str) -> Callable[[Settings, str], str]:
    """Return how to look whether somebody works on a queue."""

    def look(settings: Settings, _api_url: str) -> str:
        async def ask() -> str:
            client = await connect(settings)
            if not await is_worked_on(client, queue, datetime.now(UTC)):
                raise CheckFailed(f"nobody works on {queue}: python worker.py {name}")
            return f"somebody works on {queue}"

        return _ask_temporal(ask, settings)

    return look


def _ask_temporal(ask: Callable[[], Coroutine[Any, Any, str]], settings: Settings) -> str:
    async def in_time() -> str:
        async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
            return await ask()

    try:
        return asyncio.run(in_time())
    except (RPCError, RuntimeError, TimeoutError) as error:
        # The SDK reports a refused connection as a RuntimeError.
        reason = str(error) or "no answer in time"
        raise CheckFailed(
            f"{settings.temporal_address}: {reason}\n"
            "Is CASEWORK_TEMPORAL_ADDRESS right, and is the server up?"
        ) from error


def _mail(settings: Settings, _api_url: str) -> str:
    if settings.smtp_url is None:
        return "no CASEWORK_SMTP_URL: notices stay in the outbox"
    mailer = SmtpMailer(settings.smtp_url.get_secret_value(), timeout=ANSWER_WITHIN.total_seconds())
    try:
        return f"{asyncio.run(mailer.greet())} takes mail"
    except (OSError, SMTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise CheckFailed(
            f"{mailer.where}: {reason}\nIs CASEWORK_SMTP_URL right, and is the server up?"
        ) from error


def _keys(settings: Settings, _api_url: str) -> str:
    try:
        return look_at_keys(settings)
    except (KeysUnavailable, ValueError) as error:
        raise CheckFailed(
            f"{error}\nIs CASEWORK_TOKEN_KEYS right? Without the keys nobody can sign in."
        ) from error


def _api(_settings: Settings, api_url: str) -> str:
    url = f"{api_url.rstrip('/')}/healthz"
    try:
        answer = httpx2.get(url, timeout=ANSWER_WITHIN.total_seconds()).raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise CheckFailed(f"{url}: {error}\nIs it running? casework serve") from error
    try:
        is_ours = answer.json()["service"] == "casework"
    except (ValueError, TypeError, LookupError):
        is_ours = False
    if not is_ours:
        raise CheckFailed(
            f"{url}: another server than Casework's answers there\nIs --url (CASEWORK_API_URL) right?"
        )
    return api_url


PARTS: dict[str, Callable[[Settings, str], str]] = {
    "settings": _settings,
    "programs": _programs,
    "database": _database,
    "keys": _keys,
    "temporal": _temporal,
    "cases": _worker_of("cases", enrollment.TASK_QUEUE),
    "notices": _worker_of("notices", notice_delivery.TASK_QUEUE),
    "drives": _worker_of("drives", drive.TASK_QUEUE),
    "mail": _mail,
    "api": _api,
}
"""Every part, in the order in which one needs the other."""
