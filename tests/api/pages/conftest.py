"""Fixtures of the page kit's tests: the public pages are what it is tried on."""

from tests.api.public.conftest import (
    application,
    client,
    database,
    filled,
    filled_file,
    settings,
)

__all__ = [
    "application",
    "client",
    "database",
    "filled",
    "filled_file",
    "settings",
]
