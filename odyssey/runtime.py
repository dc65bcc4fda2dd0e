"""Requests to SageMaker's runtime: sent again while AWS does not take them, and explained.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws, client
from odyssey.console import clean
from odyssey.errors import AwsError, OdysseyError, RequestError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

READ_TIMEOUT = 70
"""Seconds that we wait for an answer: SageMaker gives the container 60."""

PATIENCE = 60.0
"""Seconds during which a request that AWS has not taken is sent again."""

NOT_TAKEN = frozenset(
    {
        "ModelNotReadyException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Refusals after which the model has not seen the request, so that it may be sent again."""

SHOWN = 1000
"""Characters of a model's own words that an error repeats."""


@dataclass(frozen=True)
class Clock:
    """The time, and waiting: another one for tests.

    Args:
        now: Seconds that only grow.
        sleep: Waits for some seconds.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Args:
        endpoint: The endpoint's name.
        content_type: The type of the body; empty when it is not known.
        body: The bytes.
        milliseconds: From sending the request to having the whole answer.
        location: The s3:// URI of the answer, asynchronous endpoints only.
    """

    endpoint: str
    content_type: str
    body: bytes
    milliseconds: float
    location: str = ""

    def document(self) -> dict[str, Any]:
        """Return the answer as JSON takes it; the body as `odyssey.client.Answer` shows it."""
        kind = self.content_type
        if not kind and self.body.lstrip()[:1] in (b"{", b"["):
            kind = client.JSON
        shown = client.Answer(200, "OK", kind, self.body, self.milliseconds).document()
        del shown["status"]
        place = {"location": self.location} if self.location else {}
        return {"endpoint": self.endpoint, **shown, **place}


@dataclass(frozen=True)
class Request:
    """What is sent to an endpoint.

    Args:
        endpoint: The endpoint's name.
        body: The bytes.
        content_type: Their type.
        accept: The type of the answer. Default: the container chooses.
    """

    endpoint: str
    body: bytes
    content_type: str
    accept: str | None

    def parameters(self) -> dict[str, Any]:
        """Return what both kinds of request have in common, as AWS takes it."""
        accept = {"Accept": self.accept} if self.accept else {}
        return {"EndpointName": self.endpoint, "ContentType": self.content_type, **accept}


def taken(ask: Callable[[], dict[str, Any]], endpoint: str, clock: Clock) -> dict[str, Any]:
    """Ask until AWS takes the request, within `PATIENCE`, and return its answer.

    Args:
        ask: Sends the request.
        endpoint: The endpoint's name.
        clock: The time.

    Raises:
        RequestError: The model failed, or there is no such endpoint.
        TimedOutError: No answer came in time.
        AwsError: AWS refuses.
    """
    try:
        return patiently(ask, clock)
    except AwsError as error:
        raise _meant(error, endpoint) from error


def patiently(
    ask: Callable[[], dict[str, Any]], clock: Clock, not_taken: Container[str] = NOT_TAKEN
) -> dict[str, Any]:
    """Ask again as long as AWS does not take the request, within `PATIENCE`.

    Args:
        ask: Sends the request.
        clock: The time.
        not_taken: Refusals after which nothing has seen the request.

    Raises:
        AwsError: AWS refuses.
    """
    deadline, pause = clock.now() + PATIENCE, 1.0
    while True:
        try:
            with aws.explained():
                return ask()
        except AwsError as error:
            if code(error) not in not_taken or clock.now() + pause > deadline:
                raise
        clock.sleep(pause)
        pause = min(pause * 2, 8.0)


def _meant(error: AwsError, endpoint: str) -> OdysseyError:
    """Return what a refusal of SageMaker's runtime means."""
    told = aws.answer(error)
    message = str(told.get("Error", {}).get("Message", ""))
    if type(error.__cause__).__name__ == "ReadTimeoutError":
        what = f"the endpoint {endpoint} gave no answer within {READ_TIMEOUT} s"
        return TimedOutError(what, log_command(endpoint))
    if code(error) == "ModelError":
        status = told.get("OriginalStatusCode")
        said = str(told.get("OriginalMessage") or message)
        return failed(endpoint, said, f" with {status}" if status else "")
    if code(error).startswith("Validation") and "not found" in message.lower():
        return RequestError(
            f"there is no endpoint {endpoint}: {clean(message)}",
            "odyssey sagemaker serve, or name another with --endpoint-name",
        )
    if code(error).startswith("Validation") and "async" in message.lower():
        return RequestError(
            f"the endpoint {endpoint} does not take this kind of request: {clean(message)}",
            "an endpoint of kind async takes requests with --async only, and another without",
        )
    return error


def failed(endpoint: str, said: str, status: str = "", *, hint: str | None = None) -> RequestError:
    """Return the error for a model that failed.

    Args:
        endpoint: The name of the endpoint or the function.
        said: The model's own words.
        status: Its HTTP status, as in `` with 400``.
        hint: What to do. Default: to look at the log of the endpoint.
    """
    said = clean(said.strip())
    cut = said if len(said) <= SHOWN else f"{said[:SHOWN]}..."
    return RequestError(
        f"the model of {endpoint} failed{status}: {cut}", hint or log_command(endpoint)
    )


def log_command(endpoint: str) -> str:
    """Return the command that shows the log of an endpoint."""
    return f"odyssey sagemaker logs {endpoint} --since 10m"


def code(error: AwsError) -> str:
    """Return AWS's word for a refusal; empty where no answer came."""
    return str(aws.answer(error).get("Error", {}).get("Code", ""))
