"""Opaque ids, and what happens when an idempotency key comes twice with different content."""

import base64
import secrets


class KeyReused(Exception):
    """The same idempotency key came with other content."""


def new_id(prefix: str, letters: int = 12) -> str:
    """Return a random id such as ``est-k3v9a2q7m4tz``: 5 bits in each letter."""
    code = base64.b32encode(secrets.token_bytes(letters)).decode().lower()
    return f"{prefix}-{code[:letters]}"
