"""Start child processes that never outlive this process, however it ends.

Python's own means run only when Python ends in order. After SIGKILL or when memory runs out nothing runs, so a small
second process, the watchdog, holds one end of a pipe and kills what is left when the other end closes.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_GATE = 'read -r go && exec "$@" < /dev/null'
"""What a child does first: wait for a line, which comes once the watchdog knows the child. At the end of the pipe,
when this process died in between, it ends without having started anything."""


class _Watchdog:
    """Own the process that kills what is left, and the list of what it has to kill."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe = -1
        self._lock = threading.Lock()

    def watch(self, group: int) -> None:
        """Have this group killed when this process ends."""
        with self._lock:
            self._groups.add(group)
            if self._process is None or self._process.poll() is not None:
                self._start()
            else:
                self._tell(f"+{group}")

    def watches(self, group: int) -> bool:
        """Tell whether this group is to be killed."""
        with self._lock:
            return group in self._groups

    def forget(self, group: int) -> None:
        """Have this group not killed any more: it has ended, and its number may become another's."""
        with self._lock:
            self._groups.discard(group)
            # A watchdog that is gone is replaced at the next start and is told the groups of that time.
            with contextlib.suppress(BrokenPipeError):
                self._tell(f"-{group}")

    def _start(self) -> None:
        if self._process is None:
            # Before any child is there: what is registered later ends first, and needs it still.
            atexit.register(self._end)
        else:
            os.close(self._pipe)
        reading, self._pipe = os.pipe()
        with os.fdopen(reading) as pipe:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("_watchdog.py"))],
                stdin=pipe,
                cwd="/",
                # Whatever is sent to all processes of a terminal or a test run must not reach it.
                start_new_session=True,
            )
        for group in self._groups:
            self._tell(f"+{group}")

    def _tell(self, line: str) -> None:
        os.write(self._pipe, f"{line}\n".encode())

    def _end(self) -> None:
        if self._process is not None:
            os.close(self._pipe)
            self._process.wait()


_watchdog = _Watchdog()


def start_child(
    command: Sequence[str | Path],
    *,
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session and a process group of its own, which end with this process at the latest.

    Args:
        command: Program and arguments; no shell sees them.
        output: Where it writes what it has to say and its errors; by default where this process does.
        env: All of its variables; by default those of this process.
        cwd: Its working folder.
        user: Whom it runs as, if this process may choose.

    Returns:
        The process. Its id is that of its group. Call `end_group` when it has ended.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe, os.fdopen(writing, "wb", buffering=0) as gate:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _GATE, "sh", *map(str, command)],
            stdin=pipe,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            user=user,
            start_new_session=True,
        )
        _watchdog.watch(process.pid)
        # Somebody may have killed it already.
        with contextlib.suppress(BrokenPipeError):
            gate.write(b"go\n")
    return process


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a child's whole group, wait for the child, and let the watchdog forget it. May be repeated."""
    if not _watchdog.watches(process.pid):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _watchdog.forget(process.pid)
