"""A child program that never outlives odyssey.

It runs in a session of its own, so that Ctrl-C reaches odyssey alone, which passes it on once and
waits. When odyssey goes, by whatever way, the child goes too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType, TracebackType

PR_SET_PDEATHSIG = 1

LAST_WORDS = 1.0
"""Seconds of output that are still read once the child has ended."""

STRAGGLER_PAUSE = 0.05
"""Seconds between two looks at a child that has closed its output and still runs."""


class Child:
    """A program in a session of its own, for the length of a ``with`` block.

    Args:
        argv: The program and its arguments.
        cwd: Its working directory.
        env: All of its variables.
        grace: Seconds that it may take to stop when it is asked to; then it is killed.

    Example:
        >>> with Child(["true"], cwd=Path(), env=os.environ, grace=5) as child:
        ...     code = child.run(print, lambda: 1.0)
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], grace: float
    ) -> None:
        """Note what to run; it starts with the ``with`` block."""
        self.stopped_by: int | None = None
        """The signal that asked odyssey to stop, or None."""
        self._argv = list(argv)
        self._cwd = cwd
        self._env = dict(env)
        self._grace = grace
        self._deadline: float | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        """Start the program. Signals are ours from just before until the end of the block."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What nohup or a shell's `&` made deaf to hang-ups stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._pass_on)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                self._argv,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        except BaseException:
            self._give_signals_back()
            raise
        if self.stopped_by is not None:
            self._send(self.stopped_by)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind: whatever still runs of the session is killed."""
        process = self._running()
        self._kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        self._give_signals_back()

    def run(self, on_output: Callable[[bytes], None], on_turn: Callable[[], float]) -> int:
        """Pass on the program's output until it ends.

        Args:
            on_output: Takes what the program printed, stdout and stderr as one.
            on_turn: Called again and again; returns the seconds until it wants to be called next.

        Returns:
            The program's exit code; minus a signal's number when that ended it.
        """
        process = self._running()
        with selectors.DefaultSelector() as selector:
            pipe = process.stdout
            if pipe is None:
                raise ValueError("the child has no pipe")
            selector.register(pipe, selectors.EVENT_READ)
            last_words: float | None = None
            while selector.get_map():
                pause = on_turn()
                self._kill_if_late()
                if last_words is None and process.poll() is not None:
                    last_words = time.monotonic() + LAST_WORDS
                # A grandchild may hold the pipe open, and even go on talking.
                if last_words is not None and time.monotonic() > last_words:
                    break
                if selector.select(pause if last_words is None else 0):
                    self._read(selector, pipe.fileno(), on_output)
                elif last_words is not None:
                    break
        while process.poll() is None:
            self._kill_if_late()
            time.sleep(min(on_turn(), STRAGGLER_PAUSE))
        return process.returncode

    def _read(
        self, selector: selectors.BaseSelector, pipe: int, on_output: Callable[[bytes], None]
    ) -> None:
        chunk = os.read(pipe, 65536)
        if chunk:
            on_output(chunk)
        else:
            selector.unregister(pipe)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self.stopped_by is None:
            self.stopped_by = number
            self._deadline = time.monotonic() + self._grace
            self._send(number)
        elif number == signal.SIGINT:
            self._kill()

    def _send(self, number: int) -> None:
        # A terminal that hangs up means the same to a program without one as being asked to stop.
        passed_on = signal.SIGTERM if number == signal.SIGHUP else number
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(passed_on)

    def _kill_if_late(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            self._kill()

    def _kill(self) -> None:
        if self._process is None:
            return
        # A descendant may have a session of its own, as the user's code under rocket/train has.
        others = descendants(self._process.pid) if self._process.poll() is None else []
        for kill, number in [(os.killpg, self._process.pid), *((os.kill, pid) for pid in others)]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(number, signal.SIGKILL)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ValueError("the child runs inside the with block only")
        return self._process

    def _give_signals_back(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._handlers.clear()


def no_one(_output: bytes) -> None:
    """Take what a program printed, and do nothing with it."""


def both(
    first: Callable[[bytes], None], second: Callable[[bytes], None]
) -> Callable[[bytes], None]:
    """Return what passes a program's output on to two who take it."""

    def tee(chunk: bytes) -> None:
        first(chunk)
        second(chunk)

    return tee


def die_with_parent() -> Callable[[], None] | None:
    """Return what the child does before it starts, so that it ends when odyssey is killed.

    A Linux kernel sends a signal for this; elsewhere a child may outlive a SIGKILL of odyssey.
    """
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    parent = os.getpid()

    def before_exec() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # It was killed before the kernel was told.
            os._exit(1)

    return before_exec


def descendants(pid: int) -> list[int]:
    """Return the processes below one, from /proc; none where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            after_name = stat.read_text(errors="replace").rpartition(")")[2]
            parents[int(stat.parent.name)] = int(after_name.split()[1])
    found = [pid]
    for above in found:
        found += [below for below, parent in parents.items() if parent == above]
    return found[1:]


def describe_end(code: int) -> str:
    """Return how a program ended, from its exit code: ``exit code 3``, ``killed by SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {name}{memory}"
