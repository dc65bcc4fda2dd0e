"""``odyssey sagemaker invoke``: one request to an endpoint in AWS, at once or over its queue.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey import async_requests, limits, names, shapes
from odyssey.errors import UsageError
from odyssey.runtime import CLOCK, READ_TIMEOUT, Answer, Clock, Request, taken

if TYPE_CHECKING:
    from odyssey.aws import Access
    from odyssey.config import Config


def endpoint_name(settings: Config) -> str:
    """Return the name of the app's endpoint."""
    return settings.endpoint.name or names.qualified(settings.app.name, settings.env)


def invoke(
    settings: Config,
    access: Access,
    endpoint: str | None,
    body: bytes,
    content_type: str,
    accept: str | None = None,
    *,
    asynchronous: bool | None = None,
    timeout: float = async_requests.TIMEOUT,
    clock: Clock = CLOCK,
) -> Answer:
    """Send a request to an endpoint and return its answer.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        endpoint: The endpoint's name. Default: that of the app.
        body: What is sent: up to 6,291,456 bytes, serverless 4 MiB, asynchronous 1 GB.
        content_type: Its type.
        accept: The type of the answer. Default: the container chooses.
        asynchronous: Over the queue, with the answer in S3. Default: as the app's endpoint is.
        timeout: Seconds to wait for the answer of an asynchronous endpoint.
        clock: The time.

    Raises:
        UsageError: The body is too large, or a name or a type is none that AWS takes.
        RequestError: The model failed, or there is no such endpoint.
        TimedOutError: No answer came in time.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C while an asynchronous answer was waited for.
    """
    own = endpoint_name(settings)
    sent = Request(endpoint or own, body, content_type, accept)
    # Its size has a message of its own.
    shapes.require("sagemaker-runtime", "InvokeEndpoint", {**sent.parameters(), "Body": b""})
    kind = settings.endpoint.kind if sent.endpoint == own else "instance"
    if asynchronous is None:
        asynchronous = kind == "async"
    if asynchronous:
        return async_requests.ask(settings, access, sent, timeout, clock)
    _require_size(body, serverless=kind == "serverless")
    return _at_once(access, sent, clock)


def _require_size(body: bytes, *, serverless: bool) -> None:
    limit = limits.LARGEST_SERVERLESS if serverless else limits.LARGEST
    if len(body) <= limit:
        return
    kind = "a serverless endpoint" if serverless else "an endpoint on instances"
    raise UsageError(
        f"the body has {len(body):,} bytes, and {kind} takes {limit:,}",
        "odyssey sagemaker batch-transform -i FILE, or an endpoint of kind async, "
        "which takes up to 1 GB",
    )


def _at_once(access: Access, sent: Request, clock: Clock) -> Answer:
    # The one client that does not try again by itself: the model may be at work on the request.
    runtime = access.client(
        "sagemaker-runtime", read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1}
    )
    started = clock.now()

    def ask() -> dict[str, Any]:
        answer: dict[str, Any] = runtime.invoke_endpoint(**sent.parameters(), Body=sent.body)
        return {**answer, "Body": answer["Body"].read()}

    told = taken(ask, sent.endpoint, clock)
    spent = (clock.now() - started) * 1000
    return Answer(sent.endpoint, told.get("ContentType", ""), told["Body"], spent)
