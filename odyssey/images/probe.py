"""Requests to a server that may break every rule of HTTP, and what came of them."""

from __future__ import annotations

import contextlib
import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from odyssey.images.rules import EACH_PING, INVOCATION

MOST = 64 * 2**20
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Args:
        status: The HTTP status; None where no answer came.
        body: The answer's body.
        connecting: Seconds until the connection was there.
        seconds: Seconds until the answer was there.
        problem: Why no answer came, in a few words.
        timed_out: No answer came in time.
    """

    status: int | None
    body: bytes = b""
    connecting: float = 0.0
    seconds: float = 0.0
    problem: str = ""
    timed_out: bool = False

    @property
    def seen(self) -> str:
        """What came, in words: the status, or why there is none."""
        return f"answered {self.status}" if self.status is not None else self.problem


@dataclass(frozen=True)
class Probe:
    """Sends requests to one server, a connection for each.

    Args:
        url: The server's address, such as ``http://127.0.0.1:32768``.
    """

    url: str

    def ping(self, timeout: float = EACH_PING) -> Answer:
        """Ask for ``/ping``.

        Args:
            timeout: Seconds to wait.
        """
        return self._exchange("GET", "/ping", None, {}, timeout)

    def predict(self, body: bytes, content_type: str, timeout: float = INVOCATION) -> Answer:
        """Ask for a prediction.

        Args:
            body: What to send.
            content_type: Its type; "" sends none.
            timeout: Seconds to wait.
        """
        headers = {"Content-Type": content_type} if content_type else {}
        return self._exchange("POST", "/invocations", body, headers, timeout)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        timeout: float,
    ) -> Answer:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
        start = time.perf_counter()
        connecting = 0.0
        try:
            connection.connect()
            connecting = time.perf_counter() - start
            # A server that refuses a body may say why and hang up before it has read all of it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            content = response.read(MOST)
        except TimeoutError:
            spent = time.perf_counter() - start
            problem = f"gave no answer within {timeout:g} s"
            return Answer(None, b"", connecting, spent, problem, timed_out=True)
        except (OSError, http.client.HTTPException) as error:
            return Answer(None, b"", connecting, time.perf_counter() - start, _words(error))
        finally:
            connection.close()
        return Answer(response.status, content, connecting, time.perf_counter() - start)


def _words(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, (ConnectionError, http.client.IncompleteRead)):
        return "closed the connection without an answer"
    return f"gave no answer that is HTTP ({type(error).__name__})"
