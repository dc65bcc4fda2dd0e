"""Work that goes on behind an answer: each piece in a thread that the sandbox waits for."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("odyssey.sandbox")


class Tasks:
    """The threads of jobs, endpoints and deployments.

    Attributes:
        stopping: Set when the sandbox stops; whoever waits for something waits for it too.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.stopping = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def start(self, name: str, work: Callable[[], object]) -> None:
        """Do something in a thread of its own.

        Args:
            name: What it is, for the log, such as ``training job iris-1``.
            work: What to do; it returns soon after `stopping` is set.
        """

        def run() -> None:
            try:
                work()
            except Exception:
                # Each piece tells its own record of what may go wrong: this is a bug of ours.
                log.exception("%s: a bug in odyssey", name)
            finally:
                with self._lock:
                    self._threads.discard(thread)

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def stop(self, seconds: float) -> list[str]:
        """Ask all of them to end, and wait.

        Args:
            seconds: The longest to wait.

        Returns:
            The names of those that still run.
        """
        self.stopping.set()
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                waiting = set(self._threads)
            if not waiting or time.monotonic() > deadline:
                return sorted(thread.name for thread in waiting)
            for thread in waiting:
                thread.join(min(0.5, max(0.0, deadline - time.monotonic())))
