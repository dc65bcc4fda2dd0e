"""HTTP to a machine, over connections that are kept."""

from __future__ import annotations

import http.client
import select
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Mapping
    from types import TracebackType

PIECE = 1 << 16
"""Bytes that are read at once."""


class NoAnswerError(Exception):
    """The machine did not answer: it cannot be reached, breaks off, or takes too long."""


class TooLateError(NoAnswerError):
    """The machine took too long."""


class Answer:
    """What a machine answers; its connection is kept for others as soon as all of it is read.

    Args:
        response: The answer, of which the head is read.
        connection: Whence it comes.
        sock: The connection's socket, which the connection itself may have let go of.
        deadline: When all of it must have come.
        kept: Where the connection goes afterwards.

    Attributes:
        status: The HTTP status.
        headers: The headers.
    """

    def __init__(
        self,
        response: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        sock: socket.socket,
        deadline: float,
        kept: deque[http.client.HTTPConnection],
    ) -> None:
        """Nothing of the body is read yet."""
        self.status = response.status
        self.headers = response.headers
        self._response = response
        self._connection = connection
        self._sock = sock
        self._deadline = deadline
        self._kept = kept
        self._ended = False

    def read(self) -> bytes:
        """Return all that is left.

        Raises:
            NoAnswerError: It breaks off, or takes too long.
        """
        return b"".join(iter(self.read1, b""))

    def read1(self) -> bytes:
        """Return the next piece as soon as there is one; empty at the end.

        Raises:
            NoAnswerError: It breaks off, or takes too long.
        """
        if self._ended:
            return b""
        try:
            if self._sock.fileno() >= 0:
                self._sock.settimeout(_left(self._deadline))
            piece = self._response.read1(PIECE)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _no_answer(error) from error
        if not piece and self._response.length:
            self.close()
            raise NoAnswerError("the answer breaks off")
        if not piece or self._response.length == 0:
            self._end()
        return piece

    def _end(self) -> None:
        self._ended = True
        self._response.close()
        if self._connection.sock is not None:
            self._kept.append(self._connection)

    def close(self) -> None:
        """Give up what is left, and the connection with it."""
        if not self._ended:
            self._ended = True
            self._response.close()
            self._connection.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give up what nobody has read."""
        self.close()


class Connections:
    """Connections to one machine, for any number of threads.

    Args:
        address: Host and port.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        """There is none yet."""
        self._address = address
        self._kept: deque[http.client.HTTPConnection] = deque()

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Answer:
        """Send a request and return its answer as soon as its head is there.

        Args:
            method: Such as ``POST``.
            path: Such as ``/invocations``.
            body: Its body; what is no bytes goes out piece by piece, chunked unless its length is
                among the headers.
            headers: Its headers.
            timeout: Seconds for all of it, the body of the answer included.

        Raises:
            NoAnswerError: There is no answer.
        """
        deadline = time.monotonic() + timeout
        can_repeat = body is None or isinstance(body, bytes)
        kept = self._usable() if can_repeat else None
        try:
            if kept is not None:
                try:
                    return self._ask(kept, method, path, body, headers, deadline)
                except ConnectionError:
                    pass  # The machine gave it up just when it was taken: a new one will do.
            new = http.client.HTTPConnection(*self._address, timeout=timeout)
            return self._ask(new, method, path, body, headers, deadline)
        except (OSError, http.client.HTTPException) as error:
            raise _no_answer(error) from error

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        deadline: float,
    ) -> Answer:
        try:
            if connection.sock is None:
                connection.connect()
            sock = connection.sock
            sock.settimeout(_left(deadline))
            connection.request(method, path, body, headers)
            sock.settimeout(_left(deadline))
            return Answer(connection.getresponse(), connection, sock, deadline, self._kept)
        except BaseException:
            connection.close()
            raise

    def _usable(self) -> http.client.HTTPConnection | None:
        """Return a kept connection that the machine has not given up; None where there is none."""
        while self._kept:
            try:
                connection = self._kept.pop()
            except IndexError:  # Another thread was faster.
                return None
            poll = select.poll()
            poll.register(connection.sock, select.POLLIN)
            if not poll.poll(0):
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close those that are kept."""
        while self._kept:
            try:
                self._kept.pop().close()
            except IndexError:
                return


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _no_answer(error: Exception) -> NoAnswerError:
    kind = TooLateError if isinstance(error, TimeoutError) else NoAnswerError
    return kind(str(error) or type(error).__name__)
