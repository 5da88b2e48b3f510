"""Wait for what processes and people do, as long as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

LONGEST_WAIT_SECONDS = 600.0
"""How long anything may take that is waited for. A machine with other work to do is slow and not broken, so this is
no measure of speed: it only keeps a mistake from blocking for ever."""

_POLL_SECONDS = 0.05


class WaitedTooLong(RuntimeError):
    """What was waited for did not happen; the message says what it was."""


def wait_until(
    what: str,
    look: Callable[[], _T | None],
    *,
    check: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> _T:
    """Look again and again until there is something, and return it.

    Args:
        what: What is waited for, as the message has it.
        look: Returns None as long as it has not happened.
        check: Raises when it cannot happen any more, for example because a process has ended.
        clock: Seconds from any moment on.

    Raises:
        WaitedTooLong: it has not happened within `LONGEST_WAIT_SECONDS`.
    """
    until = clock() + LONGEST_WAIT_SECONDS
    while True:
        check()
        found = look()
        if found is not None:
            return found
        if clock() > until:
            raise WaitedTooLong(f"Waited {LONGEST_WAIT_SECONDS:g} seconds for {what}.")
        time.sleep(_POLL_SECONDS)
