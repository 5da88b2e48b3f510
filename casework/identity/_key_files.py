"""Files that hold secret keys: whole or not there, and readable by their owner alone."""

import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path


class KeyFileTooOpen(Exception):
    """Others can read a file of secret keys."""


def read_keys(key_file: Path) -> dict[str, object]:
    """Return what the file holds.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no JSON.
        KeyFileTooOpen: group or others can read it.
    """
    if os.name == "posix" and stat.S_IMODE(key_file.stat().st_mode) & 0o077:
        raise KeyFileTooOpen(f"{key_file} holds a private key: chmod 600 {key_file}")
    return json.loads(key_file.read_text(encoding="ascii"))


def write_first_keys(key_file: Path, content: Mapping[str, object]) -> None:
    """Make the file; of two processes that do so at once, the first one's keys stay."""
    draft = _draft(key_file, content)
    try:
        os.link(draft, key_file)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def replace_keys(key_file: Path, content: Mapping[str, object]) -> None:
    """Put other keys in the place of those there are, in one step."""
    _draft(key_file, content).replace(key_file)


def _draft(key_file: Path, content: Mapping[str, object]) -> Path:
    key_file.parent.mkdir(parents=True, exist_ok=True)
    draft = key_file.with_name(f".{key_file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    return draft
