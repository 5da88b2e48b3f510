"""Every setting of the system, read once from the environment (prefix ``CASEWORK_``) or a ``.env`` file."""

import ipaddress
from pathlib import Path
from typing import Annotated

from limits import parse_many
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _paces(text: str) -> str:
    parse_many(text)
    return text


def _proxies(text: str) -> str:
    """Refuse what would believe everybody: whoever is believed may claim any address."""
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name == "*" or ipaddress.ip_network(name).prefixlen == 0:
            raise ValueError(f"{name} would trust everybody: name the proxies")
    return text


Pace = Annotated[str, AfterValidator(_paces)]
"""Rates of which all hold, such as ``30/minute;500/day``."""

Proxies = Annotated[str, AfterValidator(_proxies)]
"""Addresses and networks with commas; empty for none."""


class Settings(BaseSettings):
    """The settings of worker, API and command line; ``docs/settings.md`` explains each."""

    model_config = SettingsConfigDict(env_prefix="CASEWORK_", env_file=".env", extra="ignore")

    state_folder: Annotated[Path, Field(description="Where files and local keys live.")] = Path(
        "var"
    )
    database_url: Annotated[
        str | None, Field(description="SQLAlchemy URL; without it, SQLite in the state folder.")
    ] = None
    temporal_address: Annotated[
        str, Field(description="Host and port of the Temporal frontend.")
    ] = "127.0.0.1:7233"
    temporal_namespace: Annotated[str, Field(description="The Temporal namespace.")] = "default"
    temporal_tls: Annotated[bool, Field(description="Speak TLS to Temporal.")] = False
    temporal_api_key: Annotated[
        SecretStr | None, Field(description="API key for Temporal, if it asks for one.")
    ] = None
    worker_build_id: Annotated[
        str | None,
        Field(
            description="Build of a versioned worker deployment (cases upgrade by themselves); without it, unversioned."
        ),
    ] = None
    worker_metrics: Annotated[
        str | None,
        Field(
            description="Host and port where the worker shows what Temporal's SDK counts; without it, nowhere."
        ),
    ] = None
    public_url: Annotated[
        str, Field(description="Where people reach the API and the register; used in notices.")
    ] = "http://127.0.0.1:8000"
    smtp_url: Annotated[
        SecretStr | None,
        Field(
            description="smtp://[user:password@]host:port, smtp+starttls:// or smtps://; without it notices wait."
        ),
    ] = None
    mail_from: Annotated[str, Field(description="Sender address of notices.")] = (
        "Casework <no-reply@casework.invalid>"
    )
    mail_pace: Annotated[
        str, Field(description="Most messages to one mail domain, such as 60/minute.")
    ] = "60/minute"
    mail_pace_in_all: Annotated[
        str, Field(description="Most messages to all domains together, evenly spread.")
    ] = "600/minute"
    token_issuer: Annotated[str, Field(description="Expected issuer (iss) of bearer tokens.")] = (
        "casework-local"
    )
    token_audience: Annotated[
        str, Field(description="Expected audience (aud) of bearer tokens.")
    ] = "casework"
    token_keys: Annotated[
        str | None,
        Field(
            description="JWK set that signs tokens: an https URL or a file; without it, the local issuer's public key."
        ),
    ] = None
    token_keys_good_seconds: Annotated[
        int, Field(ge=60, description="How long a key set counts after it was last read.")
    ] = 15 * 60
    token_longest_seconds: Annotated[
        int, Field(ge=60, description="Longest life of a token, from iat to exp.")
    ] = 24 * 60 * 60
    applications_pace: Annotated[
        Pace, Field(description="Most applications of one person, such as 30/minute;500/day.")
    ] = "30/minute;500/day"
    uploads_pace: Annotated[Pace, Field(description="Most files that one person uploads.")] = (
        "60/minute;2000/day"
    )
    trusted_proxies: Annotated[
        Proxies,
        Field(description="Addresses or networks of proxies whose X-Forwarded-For counts."),
    ] = "127.0.0.1,::1"
    evidence_most_bytes: Annotated[
        int, Field(ge=1, description="Largest evidence file, in bytes.")
    ] = 20 * 1024 * 1024
    holidays_file: Annotated[
        Path | None, Field(description="TOML file of the ministry's added and removed holidays.")
    ] = None
    sample_programs: Annotated[
        bool, Field(description="Open cases under the sample versions, whose periods are seconds.")
    ] = False
    outbox_page: Annotated[
        bool, Field(description="Show rendered notices at /dev/outbox. For demonstrations only.")
    ] = False

    @property
    def database(self) -> str:
        """The URL of the application database."""
        return self.database_url or f"sqlite:///{self.state_folder / 'casework.db'}"

    @property
    def files_folder(self) -> Path:
        """The folder of content-addressed files."""
        return self.state_folder / "files"

    @property
    def link_keys_file(self) -> Path:
        """The keys that sign links of invitations."""
        return self.state_folder / "links.jwks.json"

    @property
    def issuer_key_file(self) -> Path:
        """The private key of the local token issuer."""
        return self.state_folder / "issuer.jwk.json"
