"""Keeps one program: whatever it starts ends with it, and all of it ends with the sandbox.

The sandbox runs this module in a process of its own, between itself and the program, and speaks to
it through its standard input: first a line, the order, then `STOP` when the program is to end. The
end of that input means that all of it is to be killed. It comes when the sandbox wants so, and also
when the sandbox itself is killed, by whatever thread it had started this: a signal at the parent's
death would come when that *thread* ends.

The keeper takes over what its descendants leave behind, so that nobody escapes by a session of its
own, nor by letting its parent end. Its exit code is the program's; 128 and a signal's number when
that ended it.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from odyssey.process import descendants, die_with_parent

STOP = b"T"
"""What is written to a keeper to have its program asked to end."""

CANNOT_START = 127
"""The exit code where there is no such program, as a shell has it."""

PR_SET_CHILD_SUBREAPER = 36

KILL_PAUSE = 0.05


def main() -> int:
    """Run the program of the order on standard input; return its exit code."""
    orders = io.FileIO(0, closefd=False)
    order: dict[str, Any] = json.loads(orders.readline())
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(
            order["argv"],
            cwd=order["cwd"],
            env=order["env"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", flush=True)
        return CANNOT_START
    threading.Thread(target=_obey, args=(orders, child.pid), daemon=True).start()
    code = _wait_for(child.pid)
    _end_the_others()
    return code if code >= 0 else 128 - code


def _obey(orders: io.FileIO, child: int) -> None:
    while word := orders.read(1):
        if word == STOP:
            _kill([child], signal.SIGTERM)
    while True:
        _kill(descendants(os.getpid()), signal.SIGKILL)
        time.sleep(KILL_PAUSE)


def _wait_for(child: int) -> int:
    """Wait for the program, and collect what others left meanwhile; return how it ended."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def _end_the_others() -> None:
    """Kill everything that the program has left, round by round: some are just being born."""
    with contextlib.suppress(ChildProcessError):
        while True:
            _kill(descendants(os.getpid()), signal.SIGKILL)
            os.waitpid(-1, 0)


def _kill(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


if __name__ == "__main__":
    # Not sys.exit: the thread that waits for orders is not to be waited for.
    os._exit(main())
