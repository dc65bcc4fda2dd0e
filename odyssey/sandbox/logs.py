"""CloudWatch Logs: what machines print, line by line, as it comes."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from odyssey.sandbox.clients import Clients

if TYPE_CHECKING:
    from types import TracebackType

PAUSE = 0.2
"""Seconds from a line to its arrival in the log, at most."""

MOST = 900_000
"""Bytes of one request; CloudWatch takes 1,048,576, and counts 26 for each event."""

MANY = 10_000
"""Events of one request, at most."""

LONGEST = 200_000
"""Bytes of one event: a longer line becomes several."""

WAITING = 20_000
"""Events that wait; a machine that prints faster than they are written waits with them."""


class LogStream:
    """A stream that takes what a machine prints, for the length of a ``with`` block.

    A log that cannot be written costs no job: what is refused is lost, as on AWS.

    Args:
        clients: Makes the client.
        region: Where.
        role: The ARN of the role that writes.
        group: The log group; it is made when it is missing.
        stream: The log stream; it is made.
    """

    def __init__(
        self, clients: Clients, region: str, role: str | None, group: str, stream: str
    ) -> None:
        """Nothing is written yet."""
        self.group, self.stream = group, stream
        self._client = clients.client("logs", region, role)
        self._lock = threading.Condition()
        self._open = b""
        self._events: list[dict[str, Any]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._pump, name=f"log {stream}", daemon=True)

    def __enter__(self) -> Self:
        """Make the stream."""
        with contextlib.suppress(Exception):
            self._client.create_log_group(logGroupName=self.group)
        with contextlib.suppress(Exception):
            self._client.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left."""
        with self._lock:
            if self._open:
                self._add(self._open)
                self._open = b""
            self._closed = True
            self._lock.notify_all()
        self._thread.join(30)

    def write(self, output: bytes) -> None:
        """Take what a machine printed; a line is written when it is whole, or very long."""
        with self._lock:
            *lines, self._open = (self._open + output).split(b"\n")
            if len(self._open) >= LONGEST:
                lines, self._open = [*lines, self._open], b""
            for line in lines:
                self._add(line)
            self._lock.notify_all()
            self._lock.wait_for(lambda: len(self._events) < WAITING or self._closed)

    def _add(self, line: bytes) -> None:
        line = line.rstrip(b"\r")
        for at in range(0, max(1, len(line)), LONGEST):
            text = line[at : at + LONGEST].decode("utf-8", "replace")
            # CloudWatch takes no empty message.
            self._events.append({"timestamp": int(time.time() * 1000), "message": text or " "})

    def _pump(self) -> None:
        while True:
            with self._lock:
                while not self._events and not self._closed:
                    self._lock.wait()
                if not self._events:
                    return
                events = self._take()
                self._lock.notify_all()
            with contextlib.suppress(Exception):
                self._client.put_log_events(
                    logGroupName=self.group, logStreamName=self.stream, logEvents=events
                )
            with self._lock:
                self._lock.wait_for(lambda: self._closed or len(self._events) >= MANY, PAUSE)

    def _take(self) -> list[dict[str, Any]]:
        size = count = 0
        for event in self._events[:MANY]:
            size += len(event["message"].encode()) + 26
            if count and size > MOST:
                break
            count += 1
        taken, self._events = self._events[:count], self._events[count:]
        return taken
