"""Waiting beside a program that trains or serves: life is shown, and readiness is asked for."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Protocol

from odyssey import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.config import Config
    from odyssey.console import Progress

PING_PAUSE = 0.1
"""Seconds between two questions whether the model is loaded."""


class Stoppable(Protocol):
    """What can be asked to stop: a child program, or a container."""

    stopped_by: int | None


class Attendance:
    """What is done between two pieces of a program's output.

    Args:
        program: The program.
        progress: Where it is shown.
    """

    def __init__(self, program: Stoppable, progress: Progress) -> None:
        """Nothing was said yet."""
        self.progress = progress
        self.silent = False
        """Whether the program may be silent for as long as it likes."""
        self._program = program
        self._said = False

    def __call__(self) -> float:
        """Show life, and say it when the program is asked to stop.

        Returns:
            The seconds until this wants to be called again.
        """
        number = self._program.stopped_by
        if number is not None and not self._said:
            self._said = True
            again = " (Ctrl-C again: at once)" if number == signal.SIGINT else ""
            self.progress.say(f"Stopping...{again}")
        return 1.0 if self.silent else self.progress.tick()


class Readiness:
    """Asks a server on `local.port` until its model is loaded; between two pings output flows.

    Args:
        settings: The app's settings.
        attendance: What is done besides.
        when_ready: Called once when the model is loaded, with the server's URL and the option of a
            request that finds it (empty for the port it looks at anyway).
    """

    def __init__(
        self, settings: Config, attendance: Attendance, when_ready: Callable[[str, str], None]
    ) -> None:
        """Nothing was asked yet."""
        self.ready = False
        self._port = settings.local.port
        self._option = ""
        if settings.origin("local.port") == "--port":
            self._option = f" --port {self._port}"
        self._attendance = attendance
        self._when_ready = when_ready
        self._next = 0.0

    def __call__(self) -> float:
        """Ask, if it is time to.

        Returns:
            The seconds until this wants to be called again.
        """
        self._attendance()
        if self.ready:
            return 1.0
        if time.monotonic() >= self._next:
            self._ping()
            self._next = time.monotonic() + PING_PAUSE
        return PING_PAUSE

    def _ping(self) -> None:
        progress = self._attendance.progress
        self.ready, reason = client.ping(self._port)
        if self.ready:
            self._attendance.silent = True
            progress.end()
            self._when_ready(f"http://{client.HOST}:{self._port}", self._option)
        elif reason:
            progress.label = f"The model is not loaded: {reason}"
