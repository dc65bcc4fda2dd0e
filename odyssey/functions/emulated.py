"""A function that runs beside the emulator: how it is started, asked, and waited for."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SOURCE = Path(__file__).with_name("emulator.py")
"""The emulator: a file of its own, for any Python from 3.9 on."""

FOLDER = "/var/odyssey"
"""Where a container has it."""

RUNTIME = ("-m", "awslambdaric")
"""What Python is told, to run a handler on Lambda."""

SERVE, TRAIN = "app.serve", "app.train"
"""The handlers of an app."""

INVOKE_PATH = "/2015-03-31/functions/function/invocations"
HEALTH_PATH = "/_emulator/health"

REPORT = "X-Odyssey-Report"
FAILED = "X-Amz-Function-Error"

OWN_MB = 64
"""Megabytes that the emulator itself may need, with an event of the largest size."""

PAUSE = 0.02
"""Seconds between two questions whether the function has started."""

PATIENCE = 30.0
"""Seconds that an answer may take beyond the function's own time: it may start first."""


@dataclass(frozen=True)
class Outcome:
    """What became of an event.

    Args:
        payload: The answer, as JSON.
        error: Whether the function failed; `payload` is Lambda's document of that then.
        report: What Lambda reports: ``request_id``, ``duration_ms``, ``billed_ms``,
            ``max_memory_mb``, ``status``, and ``init_ms`` at a cold start.
        status: The HTTP status; other than 200 when the event was refused.
    """

    payload: bytes
    error: bool = False
    report: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Health:
    """How a function's start went.

    Args:
        state: ``starting``, ``ready`` or ``failed``.
        init_ms: Milliseconds that it took; None while they are not known.
        error: Why it failed, as Lambda's document.
    """

    state: str
    init_ms: float | None = None
    error: Mapping[str, Any] | None = None

    @property
    def reason(self) -> str:
        """Why it failed, in one line; "" where it did not."""
        if self.error is None:
            return ""
        message = str(self.error.get("errorMessage", "")).strip()
        return f"{self.error.get('errorType', 'Unknown')}: {message}"


@dataclass(frozen=True)
class Emulated:
    """A function behind the emulator.

    Args:
        address: The host and port where the emulator is reached.

    Example:
        >>> function = Emulated(("127.0.0.1", 8080))
        >>> function.await_ready(30, lambda: True)
        >>> function.invoke(b"{}", 60).payload
    """

    address: tuple[str, int]

    def invoke(self, payload: bytes, timeout: float, request_id: str | None = None) -> Outcome:
        """Send an event and return what became of it.

        Args:
            payload: The event, as JSON.
            timeout: Seconds that the function may take; the answer may take longer, as the
                function may have to start first, or be busy.
            request_id: The number of the request. Default: the emulator chooses.

        Raises:
            RequestError: The emulator gave no answer.
        """
        headers = {"Content-Type": "application/json"}
        if request_id is not None:
            headers["X-Amzn-RequestId"] = request_id
        status, told, body = self._ask("POST", INVOKE_PATH, payload, headers, timeout + PATIENCE)
        report = json.loads(told.get(REPORT) or "{}")
        return Outcome(body, told.get(FAILED) is not None, report, status)

    def health(self) -> Health:
        """Return how the function's start went.

        Raises:
            RequestError: The emulator gave no answer; it may not listen yet.
        """
        _, _, body = self._ask("GET", HEALTH_PATH, b"", {}, 5.0)
        return Health(**json.loads(body))

    def await_ready(
        self,
        seconds: float,
        alive: Callable[[], bool] = lambda: True,
        sleep: Callable[[float], object] = time.sleep,
    ) -> Health:
        """Wait until the function has started, or could not.

        Args:
            seconds: How long to wait.
            alive: Whether there is a use in waiting.
            sleep: Waits.

        Raises:
            RequestError: The emulator does not answer in time, or it has ended.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                health = self.health()
            except RequestError:
                if not alive():
                    raise RequestError("the emulator has ended by itself") from None
            else:
                if health.state != "starting":
                    return health
            if time.monotonic() > deadline:
                raise RequestError(f"the function has not started within {seconds:g} s")
            sleep(PAUSE)

    def _ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException) as error:
            host, port = self.address
            what = f"{type(error).__name__}: {error}"
            raise RequestError(f"the emulator on {host}:{port} gave no answer: {what}") from error
        finally:
            connection.close()


def limit_mb(memory_mb: int, storage_mb: int) -> int:
    """Return the memory of a function's container, in which the emulator keeps the function's.

    Args:
        memory_mb: The function's memory.
        storage_mb: The size of its ``/tmp``, which is in memory here.
    """
    return memory_mb + storage_mb + OWN_MB


def command(
    runtime: Sequence[str],
    *,
    timeout: float,
    python: str = "python",
    source: str = f"{FOLDER}/{SOURCE.name}",
    host: str = "0.0.0.0",  # noqa: S104 - in a container, whose port is on 127.0.0.1 only
    port: int = 8080,
    tunnel: int | None = None,
    quiet: bool = False,
) -> list[str]:
    """Return the words that start the emulator around a function.

    Args:
        runtime: The runtime and what it is told, as ``python -m awslambdaric app.serve``.
        timeout: Seconds that an event may take.
        python: The Python that the emulator runs in.
        source: The emulator's file.
        host: The address where it listens.
        port: The port there.
        tunnel: The port of the function's own machine that leads to the host. Default: none does.
        quiet: Leave out Lambda's lines for each event.
    """
    # -I: what the folder of the file and the user's variables have is not the emulator's.
    words = [python, "-I", source, "--host", host, "--port", str(port), "--timeout", f"{timeout:g}"]
    if tunnel is not None:
        words += ["--tunnel", str(tunnel)]
    if quiet:
        words.append("--quiet")
    return [*words, "--", *runtime]
