"""The one way a process of ours ends."""

import atexit
import os
import sys
from typing import NoReturn


def exit_process(code: int) -> NoReturn:
    """End a process that has used the SDK, with this exit code.

    The SDK's threads may still run while the interpreter takes itself apart, and then it ends in a crash: one run in
    some hundreds on a busy machine (temporalio 1.35). So what was promised for the end is done, and the rest is left to
    the operating system.
    """
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]  # there is no public way to run them
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
