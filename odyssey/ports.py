"""Ports of this machine's loopback."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from typing import TYPE_CHECKING

from odyssey import client

if TYPE_CHECKING:
    from collections.abc import Iterator

RANGE = range(20000, 32000)
"""Below the ports that the kernel gives to whoever asks another server something."""

ATTEMPTS = 100


def probe(port: int) -> None:
    """Check that a server could listen on a port now.

    Raises:
        OSError: It could not; a PermissionError where only root could.
    """
    with socket.socket() as probe:
        # As the server does: without it a port that was just in use counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((client.HOST, port))


class Ports:
    """Gives out ports, no two the same.

    That a port is free is known for the moment only; but nobody is given one of the range by
    chance, as all are that ask the kernel for any.
    """

    def __init__(self) -> None:
        """None is given out yet."""
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[int]:
        """Give out a port for the length of a ``with`` block.

        Raises:
            OSError: None was found free.
        """
        with self._lock:
            port = self._find()
            self._taken.add(port)
        try:
            yield port
        finally:
            self._taken.discard(port)

    def _find(self) -> int:
        for port in random.sample(RANGE, ATTEMPTS):
            with contextlib.suppress(OSError):
                if port not in self._taken:
                    probe(port)
                    return port
        raise OSError(f"no port from {RANGE.start} to {RANGE.stop} is free")
