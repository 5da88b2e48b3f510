"""How long a body may be, by address and by what it becomes."""

import json
import re

from api.http.errors import Problem
from casework.contracts.enrollment import MOST_BYTES_OF_AN_ACT
from casework.domain.acts import Act

MOST_BYTES_OF_A_BODY = 256 * 1024
"""Any body but a file. An act is measured again as it travels, where escapes and spaces do not count."""

EVIDENCE_PATH = "/api/v1/evidence"

MOST_BYTES_OF_A_LIST = 20_000_000
"""The longest list of a drive, as :mod:`casework.lists` takes it."""

_LIST = re.compile(r"/api/v1/drives/[^/]+/list")


def most_bytes(path: str) -> int | None:
    """Return the bound for a body sent to this path; files are counted where they are stored."""
    if path == EVIDENCE_PATH:
        return None
    return MOST_BYTES_OF_A_LIST if _LIST.fullmatch(path) else MOST_BYTES_OF_A_BODY


def require_short_act(act: Act) -> None:
    """Raise a 413 if the act would make a payload that the case's history should not hold."""
    body = act.model_dump(mode="json", exclude_defaults=True)
    size = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MOST_BYTES_OF_AN_ACT:
        raise Problem(
            "act-too-large",
            f"The act has {size:,} bytes as compact JSON; at most {MOST_BYTES_OF_AN_ACT:,} travel.",
        )
