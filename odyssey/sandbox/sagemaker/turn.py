"""A request's turn at an instance of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from odyssey.sandbox.sagemaker import model_errors
from odyssey.sandbox.sagemaker.connections import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odyssey.sandbox.calls import ServiceError
    from odyssey.sandbox.sagemaker.connections import Answer
    from odyssey.sandbox.sagemaker.endpoint import Endpoint

HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "SessionId": "X-Amzn-SageMaker-Session-Id",
}
"""Members of a request that the container gets, and the headers that say them: no others."""


class Turn:
    """Takes an instance for the length of a ``with`` block.

    Args:
        endpoint: The endpoint.
        target: The variant that is to answer; None is any.

    Raises:
        ServiceError: Nothing can answer.
    """

    def __init__(self, endpoint: Endpoint, target: str | None = None) -> None:
        """Choose the instance, which counts the request until the end of the block."""
        self._endpoint = endpoint
        self.fleet, self.variant, self._instance, self._host = endpoint.take(target)
        self._stream = self._instance.stream

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the instance back."""
        self.fleet.give_back(self._instance)

    def send(
        self,
        asked: Mapping[str, Any],
        body: bytes | Iterable[bytes],
        timeout: float,
        length: int | None = None,
    ) -> Answer:
        """Send the request, and return the answer when its head says that all is well.

        Args:
            asked: The members of the request.
            body: Its body.
            timeout: Seconds for all of it.
            length: The length of a body that is no bytes.

        Raises:
            ServiceError: The container's answer is an error, or there is none.
        """
        headers = {header: asked[name] for name, header in HEADERS.items() if name in asked}
        if length is not None:
            headers["Content-Length"] = str(length)
        try:
            answer = self._host.send("POST", "/invocations", body, headers, timeout)
            if 200 <= answer.status < 300:
                return answer
            with answer:
                told = answer.read().decode("utf-8", "replace")
        except NoAnswerError as error:
            raise self.unanswered(error) from error
        raise self.failed(answer.status, told)

    def failed(self, status: int, message: str) -> ServiceError:
        """Return the refusal for an answer of the container's that is an error."""
        return model_errors.failed(self._endpoint, self._stream, status, message)

    def unanswered(self, error: NoAnswerError) -> ServiceError:
        """Return the refusal for a container that gives no answer, or not all of it."""
        return model_errors.unanswered(self._endpoint, self._stream, error)
