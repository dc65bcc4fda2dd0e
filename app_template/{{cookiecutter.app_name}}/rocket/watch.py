"""Answers /ping for a worker whose event loop is held up by a prediction.

A prediction that runs on the event loop has always been short before, but nothing keeps it from
being long this once. While it holds the loop, a thread looks after the listening socket: what
nobody else accepts, it accepts; pings it answers, everything else it keeps for the loop.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable

from rocket.core import Core
from rocket.runner import Runner

log = logging.getLogger("rocket")

#: Seconds on the event loop after which a prediction counts as holding it up.
PATIENCE = 0.5


class Watch:
    """Looks after the listening sockets of one worker, in a thread.

    Args:
        core: Knows how a ping is answered.
        runner: Knows since when a prediction holds the event loop.
        listeners: The worker's listening sockets.
        adopt: Takes a connection over to the event loop; called in the thread.
    """

    def __init__(
        self,
        core: Core,
        runner: Runner,
        listeners: Iterable[socket.socket],
        adopt: Callable[[socket.socket], None],
    ) -> None:
        self.core = core
        self.runner = runner
        self.adopt = adopt
        self._main = threading.get_ident()
        # Sockets of our own over the same queue: the worker's take turns (see sockets.py).
        self._listeners = [socket.socket(fileno=os.dup(sock.fileno())) for sock in listeners]

    def start(self) -> None:
        """Starts to watch."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def close(self) -> None:
        """Lets go of the listening sockets: the worker is stopping."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()

    def _run(self) -> None:
        while True:
            time.sleep(PATIENCE / 2)
            try:
                if self._held_up(PATIENCE):
                    self._stand_in()
            except (OSError, ValueError):
                if not self._listeners:
                    return
                log.exception("nobody can stand in for the event loop")

    def _held_up(self, seconds: float) -> bool:
        since = self.runner.since
        return since is not None and time.perf_counter() - since > seconds

    def _stand_in(self) -> None:
        """Accepts, as long as the loop is held up, what no other worker accepts."""
        while self._held_up(PATIENCE):
            if self._held_up(self.runner.timeout):
                self._give_up()
            ready, _, _ = select.select(self._listeners, [], [], PATIENCE / 2)
            if not ready:
                continue
            time.sleep(PATIENCE / 2)  # A worker that is free would have taken it by then.
            for listener in select.select(ready, [], [], 0)[0]:
                try:
                    connection, _ = listener.accept()
                except BlockingIOError:
                    continue
                self._receive(connection)

    def _receive(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(PATIENCE)
            # Looked at, and left for whoever reads it.
            if not connection.recv(16, socket.MSG_PEEK).startswith(b"GET /ping "):
                self.adopt(connection)
                return
            with connection:
                connection.recv(65536)
                answer = self.core.ping()
                head = f"HTTP/1.1 {answer.status} \r\nContent-Type: {answer.media_type}\r\n"
                head += f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + answer.body)
        except TimeoutError:
            self.adopt(connection)
        except OSError:
            connection.close()

    def _give_up(self) -> None:
        """Ends the worker, whose loop nothing can free, after saying where it hangs."""
        frame = sys._current_frames().get(self._main)  # noqa: SLF001 - the documented way
        stack = "".join(traceback.format_stack(frame)) if frame else ""
        log.error(
            "a prediction has not ended within %g s; it is at\n%s", self.runner.timeout, stack
        )
        logging.shutdown()
        os._exit(1)
