"""A way from a function's machine to a server of this host, which listens on loopback only.

The host makes the connections, to the emulator, and these wait; when the function connects to the
port of the tunnel in its own machine, the emulator writes one byte to one of them, and from then on
it leads to the server.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

WAITING = 4
"""Connections that wait at a time."""

RETRY = 0.1
"""Seconds between two attempts to reach the emulator."""

REQUEST = b"POST /_emulator/tunnel HTTP/1.1\r\nHost: emulator\r\nContent-Length: 0\r\n\r\n"


class Tunnel:
    """Leads what a function's machine asks for to a server, for the length of a ``with`` block.

    Args:
        address: The host and port where the emulator is reached; it need not listen yet.
        target: Those of the server.
        waiting: Connections that wait at a time.
    """

    def __init__(
        self, address: tuple[str, int], target: tuple[str, int], waiting: int = WAITING
    ) -> None:
        """Nothing is connected yet."""
        self._address = address
        self._target = target
        self._waiting = waiting
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        """Begin to wait."""
        for _ in range(self._waiting):
            threading.Thread(target=self._wait, daemon=True, name="tunnel").start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all of it."""
        self.close()

    def close(self) -> None:
        """End every connection; none is made any more."""
        self._closed.set()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _wait(self) -> None:
        """Keep one connection waiting, and lead each that is wanted."""
        while not self._closed.is_set():
            connection = self._reach()
            if connection is None:
                self._closed.wait(RETRY)
                continue
            if _is_wanted(connection):
                threading.Thread(target=self._lead, args=(connection,), daemon=True).start()
            else:
                self._drop(connection)
                self._closed.wait(RETRY)

    def _reach(self) -> socket.socket | None:
        try:
            connection = socket.create_connection(self._address)
        except OSError:
            return None
        self._keep(connection)
        with contextlib.suppress(OSError):
            connection.sendall(REQUEST)
        return connection

    def _lead(self, connection: socket.socket) -> None:
        try:
            target = socket.create_connection(self._target)
        except OSError:
            self._drop(connection)
            return
        self._keep(target)
        _splice(connection, target)
        self._drop(connection)
        self._drop(target)

    def _keep(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open.add(connection)
            if self._closed.is_set():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _drop(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()


def _is_wanted(connection: socket.socket) -> bool:
    """Wait until a connection is given to somebody; return False where it is lost before."""
    with contextlib.suppress(OSError), connection.makefile("rb", buffering=0) as stream:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = stream.read(1)
            if not byte:
                return False
            head += byte
        return head.startswith(b"HTTP/1.1 101") and stream.read(1) == b"\x01"
    return False


def _splice(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes from each of two connections to the other, until both have ended."""
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
