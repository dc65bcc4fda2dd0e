"""The layers of an image on their way to a registry, as the engine tells of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

from odyssey.console import clean, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.console import Progress

THERE = ("Layer already exists", "Mounted from")
BEAT = 1.0
"""Seconds between two looks at whether the reader wants to hear of the push."""


class Layers:
    """What is known of each layer, and told as it changes.

    Elsewhere than on a terminal each layer that is done gets a line, which is all that a log needs.

    Args:
        progress: Where to tell it.
        every: Seconds between two looks at whether to say that the push goes on.
    """

    def __init__(self, progress: Progress, *, every: float = BEAT) -> None:
        """Nothing is known yet."""
        self._progress = progress
        self._every = every
        self._current: dict[str, int] = {}
        self._total: dict[str, int] = {}
        self._done: dict[str, str] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._beat = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Self:
        """Begin to tell, also while the engine itself is silent."""
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Tell no more."""
        self._over.set()
        self._beat.join()
        self._progress.end()

    @property
    def pushed(self) -> int:
        """Layers that were sent."""
        return sum(how == "pushed" for how in self._done.values())

    @property
    def there(self) -> int:
        """Layers that the registry had already."""
        return len(self._done) - self.pushed

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of the engine's stream.

        Args:
            event: The event; one that is about no layer changes nothing.
        """
        layer, status = str(event.get("id", "")), str(event.get("status", ""))
        detail = event.get("progressDetail") or {}
        if not layer or status.startswith("The push refers"):
            return
        with self._lock:
            if "current" in detail:
                self._current[layer] = int(detail["current"])
                self._total[layer] = max(int(detail.get("total") or 0), self._current[layer])
            if status == "Pushed" or status.startswith(THERE):
                self._finish(layer, "pushed" if status == "Pushed" else "there already")
            elif status.startswith("Retrying"):
                self._progress.say(f"  {clean(layer)} {clean(status).lower()}")
            if self._progress.live:
                self._progress.step(self._totals())

    def say(self, text: str) -> None:
        """Tell something of the whole push."""
        with self._lock:
            self._progress.say(text)

    def _finish(self, layer: str, how: str) -> None:
        if layer in self._done:
            return
        self._done[layer] = how
        self._current[layer] = self._total.get(layer, 0)
        if not self._progress.live:
            sent = self._total.get(layer, 0)
            amount = f", {size(sent)}" if how == "pushed" and sent else ""
            self._progress.say(f"  {clean(layer)} {how}{amount}")

    def _totals(self) -> str:
        sent, total = sum(self._current.values()), sum(self._total.values())
        return f"{size(sent)} of {size(total)}, {len(self._done)} layers done"

    def _go_on(self) -> None:
        while not self._over.wait(self._every):
            with self._lock:
                self._progress.tick()
