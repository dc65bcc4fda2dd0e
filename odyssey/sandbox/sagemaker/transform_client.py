"""Requests to the container of a transform job, repeated where that may help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from odyssey.sandbox.sagemaker.connections import NoAnswerError
from odyssey.sandbox.sagemaker.transform_errors import ALGORITHM, INTERNAL, ObjectFailedError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping

    from odyssey.sandbox.sagemaker.connections import Answer
    from odyssey.sandbox.sagemaker.hosting import Host

    Body = bytes | Iterable[bytes]

Taken = TypeVar("Taken")

TIMEOUT = 600
RETRIES = 3

PAUSE = 0.2
"""Seconds before the first repetition; each further one waits twice as long."""

SHOWN = 20
"""Lines of a refusal that the log shows."""


class Invoker:
    """Asks one container.

    Args:
        host: The container.
        request: The request of CreateTransformJob.
        cancelled: Set when nobody wants the answers any more.
    """

    def __init__(self, host: Host, request: Mapping[str, Any], cancelled: threading.Event) -> None:
        """Nothing is asked yet."""
        self._host = host
        self._cancelled = cancelled
        wanted = request.get("ModelClientConfig", {})
        self._timeout = wanted.get("InvocationsTimeoutInSeconds", TIMEOUT)
        self._retries = wanted.get("InvocationsMaxRetries", RETRIES)
        types = {
            "Content-Type": request["TransformInput"].get("ContentType"),
            "Accept": request["TransformOutput"].get("Accept"),
        }
        self._headers = {name: value for name, value in types.items() if value}

    def ask(self, body: Callable[[], Body], take: Callable[[Answer], Taken]) -> Taken:
        """Return what is taken of the answer to a request.

        What the container refuses is not repeated; that it fails, does not answer in time or
        breaks off is.

        Args:
            body: Returns the request's body, anew for each repetition.
            take: Reads the answer.

        Raises:
            ObjectFailedError: There is no good one.
        """
        pause = PAUSE
        for left in reversed(range(self._retries + 1)):
            try:
                return self._once(body(), take)
            except (NoAnswerError, _FailsError) as error:
                if not left or self._host.exit_code() is not None or self._cancelled.wait(pause):
                    raise self._failure(error) from error
                pause *= 2
        raise AssertionError("there is always a first time")

    def _once(self, body: Body, take: Callable[[Answer], Taken]) -> Taken:
        path = "/invocations"
        with self._host.send("POST", path, body, self._headers, self._timeout) as answer:
            if 200 <= answer.status < 300:
                return take(answer)
            said = answer.read().decode("utf-8", "replace")
        if answer.status >= 500:
            raise _FailsError(answer.status, said)
        raise ObjectFailedError(f"ClientError: {answer.status}", *_message(said))

    def _failure(self, error: NoAnswerError | _FailsError) -> ObjectFailedError:
        if isinstance(error, _FailsError):
            head = f"Bad HTTP status received from algorithm: {error.status}"
            return ObjectFailedError(head, *_message(error.said), reason=ALGORITHM)
        if isinstance(error.__cause__, TimeoutError):
            told = (
                f"Model server did not respond to /invocations request within {self._timeout} "
                "seconds"
            )
            return ObjectFailedError(told, reason=INTERNAL)
        return ObjectFailedError(f"Unable to get response from algorithm: {error}", reason=INTERNAL)


class _FailsError(Exception):
    """The container answers that it fails."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said


def _message(said: str) -> list[str]:
    return ["", "Message:", *said.splitlines()[:SHOWN]] if said.strip() else []
