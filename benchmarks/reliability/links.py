"""A connection between a command and its AWS that breaks after so many bytes."""

from __future__ import annotations

import contextlib
import socket
import threading

from benchmarks.subjects import free_port

CHUNK = 65536


class Link:
    """A relay on 127.0.0.1 to a server there, for the length of a ``with`` block.

    What passes is counted. At a number of bytes every connection is cut; from then on new ones
    are let through again, or refused as long as the link stays down.

    Args:
        port: The server's port. Where its address is in what it says, such as a registry's, that
            of the link takes its place: both have five digits, and no length changes.
    """

    def __init__(self, port: int) -> None:
        """Listen."""
        self.port = free_port()
        self.passed = 0
        self.cuts = 0
        self._there = port
        self._break_at: int | None = None
        self._stays_down = False
        self._is_down = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)

    def __enter__(self) -> Link:
        """Begin to relay."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._listener.close()
        self._cut()

    def reset(self, break_at: int | None = None, *, stays_down: bool = False) -> None:
        """Count anew, and break at a number of bytes; None lets all through."""
        with self._lock:
            self.passed, self.cuts, self._is_down = 0, 0, False
            self._break_at, self._stays_down = break_at, stays_down

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_down:
                _end(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._there), timeout=10)
            except OSError:
                _end(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            names = [f"127.0.0.1:{port}".encode() for port in (self.port, self._there)]
            for pair in ((near, far, *names), (far, near, *reversed(names))):
                threading.Thread(target=self._relay, args=pair, daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket, old: bytes, new: bytes) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                if self._counts(len(chunk)):
                    self._cut()
                    return
                sink.sendall(chunk.replace(old, new))
        for end in (source, sink):
            _end(end)
            with self._lock:
                self._open.discard(end)

    def _counts(self, size: int) -> bool:
        """Count bytes, and return whether the link breaks with them."""
        with self._lock:
            self.passed += size
            if self._break_at is None or self.passed < self._break_at:
                return False
            self._break_at, self._is_down = None, self._stays_down
            self.cuts += 1
            return True

    def _cut(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for end in cut:
            _end(end)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
