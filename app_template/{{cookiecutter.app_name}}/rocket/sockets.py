"""Listening sockets that share connections fairly and lose none of them.

Two things that gunicorn leaves to chance. An event loop that wakes up first accepts every
waiting connection; with clients that keep theirs, one worker then does all the work, at half the
speed. And a listening socket that closes resets the connections that nobody has accepted yet.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import sys
import time
from collections.abc import Iterable
from typing import Any

#: Seconds that waiting connections may take to be accepted before a stop goes on.
PATIENCE = 2.0


class FairSocket(socket.socket):
    """A listening socket that hands out one connection in each turn of the event loop."""

    _served = False

    def accept(self) -> tuple[socket.socket, Any]:
        """Accepts a connection, and says at the second call that there is none left."""
        self._served = not self._served
        if not self._served:
            raise BlockingIOError
        try:
            return super().accept()
        except BaseException:
            self._served = False
            raise


def share_fairly(listeners: Iterable[Any]) -> None:
    """Makes a worker's listeners take turns with the other workers'.

    Args:
        listeners: gunicorn's listeners; each holds its socket as `sock`.
    """
    for listener in listeners:
        plain = listener.sock
        listener.sock = FairSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        listener.sock.setblocking(False)


def stop_accepting(listeners: Iterable[Any]) -> None:
    """Refuses new connections and waits until the workers have accepted those that wait.

    A client that comes later is refused when the sockets close, which it can tell from a lost
    request. Only Linux can do this; elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return
    open_sockets = [listener.sock for listener in listeners]
    for sock in open_sockets:
        if sock.family != socket.AF_UNIX:
            _drop_newcomers(sock)
    deadline = time.monotonic() + PATIENCE
    quiet = 0
    # Empty once is not enough: a connection may be half made when the door closes.
    while time.monotonic() < deadline and quiet < 5:
        quiet = 0 if any(map(_waiting, open_sockets)) else quiet + 1
        time.sleep(0.01)


def _drop_newcomers(sock: socket.socket) -> None:
    """Attaches a packet filter: connection attempts meet silence, and a refusal after the end.

    Only packets that begin a connection are dropped; those half made may be completed.
    """
    so_attach_filter = 26
    # Classic BPF over the TCP header: load the flags, keep SYN; drop where it is set, else pass.
    instructions = [
        (0x30, 0, 0, 13),
        (0x54, 0, 0, 0x02),
        (0x15, 0, 1, 0x02),
        (0x06, 0, 0, 0),
        (0x06, 0, 0, 0xFFFFFFFF),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
    program = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HP", len(instructions), ctypes.addressof(program))
    # A container may be forbidden to: then a newcomer in the last milliseconds may be lost.
    with contextlib.suppress(PermissionError):
        sock.setsockopt(socket.SOL_SOCKET, so_attach_filter, filter_)


def _waiting(sock: socket.socket) -> int:
    """Connections that are established and not accepted; for a listener, tcpi_unacked."""
    if sock.family == socket.AF_UNIX:
        return 0
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    return int(struct.unpack_from("I", info, 24)[0])
