"""The machines of one training job, while they run together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.machines import Machine

LONG = 3600.0
"""Seconds of one wait for a machine, of which there are as many as it takes."""


class Cluster:
    """Machines that are started together and waited for in threads of their own.

    Args:
        machines: The machines by the names of their hosts.
    """

    def __init__(self, machines: Mapping[str, Machine]) -> None:
        """None of them is started."""
        self._machines = machines
        self._codes: dict[str, int] = {}
        self._broken: Exception | None = None
        self._changed = threading.Condition()

    def start(self, outputs: Mapping[str, Callable[[bytes], None]]) -> None:
        """Start all of them, at once: they look for each other.

        Args:
            outputs: What takes the output of each.

        Raises:
            MachineError: One cannot start.
        """
        with ThreadPoolExecutor(len(self._machines)) as pool:
            list(pool.map(lambda host: self._machines[host].start(outputs[host]), outputs))
        for host, machine in self._machines.items():
            thread = threading.Thread(
                target=self._await, args=(host, machine), name=f"wait for {host}", daemon=True
            )
            thread.start()

    @property
    def failed(self) -> tuple[str, int] | None:
        """The first host that has ended with an exit code other than 0, and the code."""
        with self._changed:
            return next(((host, code) for host, code in self._codes.items() if code), None)

    @property
    def is_over(self) -> bool:
        """Whether all of them have ended."""
        with self._changed:
            return len(self._codes) == len(self._machines)

    def wait(self, seconds: float) -> None:
        """Wait until one of them ends, but only for so long."""
        with self._changed:
            if len(self._codes) < len(self._machines) and self._broken is None:
                self._changed.wait(seconds)
            if self._broken is not None:
                raise self._broken

    def stop(self, grace: float) -> None:
        """Ask all that run to end, and return at once.

        Args:
            grace: Seconds after which those that have not ended are killed.
        """
        with self._changed:
            running = [m for host, m in self._machines.items() if host not in self._codes]
        for machine in running:
            threading.Thread(target=machine.stop, args=(grace,), daemon=True).start()

    def _await(self, host: str, machine: Machine) -> None:
        try:
            code = machine.wait(LONG)
            while code is None:
                code = machine.wait(LONG)
        except Exception as error:  # A bug, of which the job must hear.
            with self._changed:
                self._broken = error
                self._changed.notify_all()
            return
        with self._changed:
            self._codes[host] = code
            self._changed.notify_all()
