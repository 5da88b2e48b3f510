"""Kill process groups once the process that started them is gone, however it ended.

`casework.processes.children` runs this file with a pipe as its standard input. A line `+<group>` is a group to kill at
the end of the pipe, a line `-<group>` one that has ended. The pipe ends when the process at its other end does, even by
SIGKILL. Only the standard library is used, because the file runs without the environment's packages.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
