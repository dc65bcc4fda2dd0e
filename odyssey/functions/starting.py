"""Waiting beside a program that runs a function: life is shown, and its start is asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from odyssey.console import note, warn
from odyssey.errors import RequestError, ServingError
from odyssey.functions.emulator import INIT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.functions.emulated import Emulated, Health
    from odyssey.readiness import Attendance

PAUSE = 0.05
"""Seconds between two questions whether the function has started."""

TIMED_OUT = "Sandbox.Timedout"


class Starting:
    """Asks the emulator until its function has started; between two questions output flows.

    Args:
        function: The function.
        attendance: What is done besides.
        when_ready: Called once when the function has started.
    """

    def __init__(
        self, function: Emulated, attendance: Attendance, when_ready: Callable[[], None]
    ) -> None:
        """Nothing was asked yet."""
        self.ready = False
        self._function = function
        self._attendance = attendance
        self._when_ready = when_ready
        self._next = 0.0

    def __call__(self) -> float:
        """Ask, if it is time to.

        Returns:
            The seconds until this wants to be called again.

        Raises:
            ServingError: The function cannot start.
        """
        self._attendance()
        if self.ready:
            return 1.0
        if time.monotonic() >= self._next:
            self._ask()
            self._next = time.monotonic() + PAUSE
        return PAUSE

    def _ask(self) -> None:
        try:
            health = self._function.health()
        except RequestError:
            return  # It does not listen yet; where it never will, the program ends.
        if health.state == "starting":
            return
        self._attendance.progress.end()
        require_started(health)
        self.ready = self._attendance.silent = True
        self._when_ready()


def require_started(health: Health) -> None:
    """Say how long a function took to start.

    Raises:
        ServingError: It cannot start.
    """
    limit = f"{INIT_LIMIT:g} s"
    if health.error is None:
        seconds = (health.init_ms or 0) / 1000
        note(f"The function started in {seconds:.2f} s; Lambda gives it {limit}")
    elif is_late(health):
        warn(
            f"the function has not started within the {limit} that Lambda gives it; the first "
            "request starts it again, within its own time (function.timeout)"
        )
    else:
        raise ServingError(f"the function cannot start: {reason(health)}")


def reason(health: Health) -> str:
    """Return why a function cannot start."""
    short = health.reason.startswith("Runtime.OutOfMemory")
    return f"{health.reason}: it took more memory than it has" if short else health.reason


def is_late(health: Health) -> bool:
    """Return whether a function took too long to start, which its first event tries again."""
    return health.error is not None and health.error.get("errorType") == TIMED_OUT
