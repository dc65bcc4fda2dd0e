"""moto, held still for a moment while what it knows is written down."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odyssey.sandbox.gateway import Application

READING = {"GET", "HEAD", "OPTIONS"}


class Gate:
    """A WSGI application: moto, which answers when it is not held.

    Args:
        moto: What answers.

    Attributes:
        changed: Set when moto was asked for what may change something.
    """

    def __init__(self, moto: Application) -> None:
        """Nobody holds it."""
        self._moto = moto
        self._state = threading.Condition()
        self._held = False
        self._inside = 0
        self.changed = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        with self._state:
            self._state.wait_for(lambda: not self._held)
            self._inside += 1
        try:
            return self._moto(environ, start_response)
        finally:
            if environ["REQUEST_METHOD"] not in READING:
                self.changed.set()
            with self._state:
                self._inside -= 1
                self._state.notify_all()

    @contextmanager
    def hold(self, patience: float) -> Iterator[None]:
        """Let no request in for the length of a ``with`` block.

        Args:
            patience: Seconds to wait for those that are inside. One that itself waits for
                another request, as of a function that it runs, would never leave.
        """
        with self._state:
            self._held = True
            self._state.wait_for(lambda: not self._inside, patience)
        try:
            yield
        finally:
            with self._state:
                self._held = False
                self._state.notify_all()
