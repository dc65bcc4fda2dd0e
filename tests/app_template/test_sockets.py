"""Listening sockets, on real ones: fair shares, and a stop that loses no connection."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rocket.sockets import PATIENCE, FairSocket, share_fairly, stop_accepting

WAIT = 20


@dataclass
class Listener:
    """What gunicorn wraps its sockets in."""

    sock: socket.socket


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener(socket.create_server(("127.0.0.1", 0), backlog=64))
    yield listener
    listener.sock.close()


@pytest.fixture
def clients(listener: Listener) -> Iterator[list[socket.socket]]:
    """Three connections that nobody has accepted yet."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(connect(listener)) for _ in range(3)]


def connect(listener: Listener, timeout: float = WAIT) -> socket.socket:
    return socket.create_connection(listener.sock.getsockname(), timeout=timeout)


def test_a_fair_socket_takes_one_connection_a_turn(
    listener: Listener, clients: list[socket.socket]
) -> None:
    # given
    share_fairly([listener])
    assert isinstance(listener.sock, FairSocket)
    # when: an event loop accepts until it hears that none is left
    turns = []
    for _ in clients:
        accepted = []
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted.append(listener.sock.accept()[0])
        turns.append(len(accepted))
        for connection in accepted:
            connection.close()
    # then
    assert turns == [1, 1, 1]


def test_a_fair_socket_never_waits(listener: Listener) -> None:
    share_fairly([listener])
    for _ in range(3):
        with pytest.raises(BlockingIOError):
            listener.sock.accept()
    # An attempt in vain is nobody's turn.
    with connect(listener):
        accepted, _ = listener.sock.accept()
        accepted.close()


def test_a_fair_socket_is_the_same_listening_socket(listener: Listener) -> None:
    address, number = listener.sock.getsockname(), listener.sock.fileno()
    share_fairly([listener])
    assert (listener.sock.getsockname(), listener.sock.fileno()) == (address, number)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can refuse connections this way")
class TestStopAccepting:
    def test_waiting_connections_are_kept_and_later_ones_refused(
        self, listener: Listener, clients: list[socket.socket]
    ) -> None:
        stop = threading.Thread(target=stop_accepting, args=([listener],))
        stop.start()
        wait_until_deaf(listener)
        assert stop.is_alive()
        # A later client meets silence, so that it waits and asks again.
        with socket.socket() as late:
            late.setblocking(False)
            late.connect_ex(listener.sock.getsockname())
            # Those who waited are accepted, and served as ever.
            for client in clients:
                accepted, _ = listener.sock.accept()
                with accepted:
                    client.sendall(b"question")
                    assert accepted.recv(100) == b"question"
                    accepted.sendall(b"answer")
                    assert client.recv(100) == b"answer"
            # The stop ends then.
            stop.join(WAIT)
            assert not stop.is_alive()
            # Once the socket is closed, the late client is refused: nothing of it was lost.
            listener.sock.close()
            select.select([], [late], [], WAIT)
            assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED

    def test_ends_at_once_when_nobody_waits(self, listener: Listener) -> None:
        start = time.monotonic()
        stop_accepting([listener])
        assert time.monotonic() - start < PATIENCE / 2

    def test_ends_although_nobody_accepts(
        self, listener: Listener, clients: list[socket.socket]
    ) -> None:
        start = time.monotonic()
        stop_accepting([listener])
        assert PATIENCE <= time.monotonic() - start < PATIENCE + WAIT

    def test_goes_on_where_a_container_may_attach_no_filter(self) -> None:
        class Confined(socket.socket):
            def setsockopt(self, *asked: Any) -> None:
                raise PermissionError(errno.EPERM, "Operation not permitted")

        with Confined() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            stop_accepting([Listener(sock)])

    def test_leaves_unix_sockets_alone(self, tmp_path: Path) -> None:
        path = str(tmp_path / "socket")
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(path)
            server.listen()
            stop_accepting([Listener(server)])
            client.connect(path)


def wait_until_deaf(listener: Listener) -> None:
    """Connections that are made in between are accepted too, so they do no harm."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        try:
            connect(listener, timeout=0.2).close()
        except TimeoutError:
            return
    pytest.fail("new connections are still accepted")
