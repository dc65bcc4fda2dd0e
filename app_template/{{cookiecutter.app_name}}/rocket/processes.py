"""What a process owes to the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Asks the kernel for a SIGTERM when the parent is gone, however it went; Linux only.

    To be called in the child, after the fork.

    Args:
        parent: The parent's process number, taken before the fork.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # It went before the kernel was asked.
            os._exit(1)
