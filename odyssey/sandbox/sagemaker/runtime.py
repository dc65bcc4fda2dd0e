"""SageMaker's runtime: a request goes to a container, and its answer comes back.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from odyssey.limits import LARGEST, LARGEST_SERVERLESS
from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.sagemaker import event_stream
from odyssey.sandbox.sagemaker.capture import Capture
from odyssey.sandbox.sagemaker.connections import NoAnswerError
from odyssey.sandbox.sagemaker.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.sandbox.sagemaker.connections import Answer
    from odyssey.sandbox.sagemaker.endpoint import Endpoint
    from odyssey.sandbox.sagemaker.endpoints import Endpoints
    from odyssey.sandbox.sagemaker.fleet import Variant
    from odyssey.sandbox.sandbox import Sandbox

TIMEOUT = 60.0
"""Seconds that a container may take."""

STREAM_TIMEOUT = 480.0
"""Seconds that a container may take to send all parts of an answer."""

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
ANSWERED = (
    "Content-Type",
    ATTRIBUTES,
    "X-Amzn-SageMaker-New-Session-Id",
    "X-Amzn-SageMaker-Closed-Session-Id",
)
"""Headers of the container's answer that the caller gets."""

INVOKED = "x-Amzn-Invoked-Production-Variant"
PIECE = 1 << 20


class Runtime:
    """Invocations that are answered at once.

    Args:
        sandbox: The sandbox.
        endpoints: The endpoints.
    """

    def __init__(self, sandbox: Sandbox, endpoints: Endpoints) -> None:
        """Nothing is asked yet."""
        self._endpoints = endpoints
        self._capture = Capture(sandbox)

    @operation("sagemaker-runtime", "InvokeEndpoint")
    def invoke(self, call: Call) -> Response:
        """Return a container's whole answer."""
        endpoint = self._ready(call)
        with Turn(endpoint, call.parameters.get("TargetVariant")) as turn:
            most = _most(turn.variant)
            body = payload(call, most)
            answer = turn.send(call.parameters, body, TIMEOUT)
            content = _whole(turn, answer, most)
        if turn.fleet.plan["capture"]:
            kind = answer.headers.get("Content-Type", "")
            self._capture.note(endpoint, turn, call, body, content, kind)
        headers = {name: answer.headers[name] for name in ANSWERED if name in answer.headers}
        return Response(content, 200, {**headers, INVOKED: turn.variant.name})

    @operation("sagemaker-runtime", "InvokeEndpointWithResponseStream")
    def stream(self, call: Call) -> Response:
        """Return a container's answer part by part, as it comes."""
        endpoint = self._ready(call)
        with ExitStack() as stack:
            turn = stack.enter_context(Turn(endpoint, call.parameters.get("TargetVariant")))
            body = payload(call, _most(turn.variant))
            answer = stack.enter_context(turn.send(call.parameters, body, STREAM_TIMEOUT))
            kind = answer.headers.get("Content-Type", "application/octet-stream")
            headers = {INVOKED: turn.variant.name, "X-Amzn-SageMaker-Content-Type": kind}
            if ATTRIBUTES in answer.headers:
                headers[ATTRIBUTES] = answer.headers[ATTRIBUTES]
            made = Response(_parts(answer), 200, headers, content_type=event_stream.CONTENT_TYPE)
            made.call_on_close(stack.pop_all().close)
            return made

    def _ready(self, call: Call) -> Endpoint:
        """Return the endpoint that is asked.

        Raises:
            ServiceError: There is none, or it is asynchronous.
        """
        endpoint = self._endpoints.find(call.region, call.parameters["EndpointName"])
        fleet = endpoint.fleet
        if fleet is not None and fleet.plan["async"]:
            raise ServiceError(
                "ValidationError",
                f"Endpoint {endpoint.name} of account {ACCOUNT} is an asynchronous inference "
                "endpoint: it takes InvokeEndpointAsync alone.",
            )
        return endpoint


def payload(call: Call, most: int) -> bytes:
    """Return the body of a request.

    Args:
        call: The request.
        most: The bytes that it may have.

    Raises:
        ServiceError: It has more.
    """
    length = int(call.headers.get("content-length") or 0)
    if length > most:
        raise _too_large(most)
    assert call.body is not None  # noqa: S101 - the runtime's requests have one
    pieces, size = [], 0
    # Without a length it comes chunked, and ends when it ends.
    while piece := call.body.read(min(PIECE, most + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise _too_large(most)
    return b"".join(pieces)


def _too_large(most: int) -> ServiceError:
    return ServiceError("413", f"HTTP content length exceeded {most} bytes.", 413)


def _most(variant: Variant) -> int:
    return LARGEST_SERVERLESS if "ServerlessConfig" in variant.plan else LARGEST


def _whole(turn: Turn, answer: Answer, most: int) -> bytes:
    pieces, size = [], 0
    with answer:
        try:
            while piece := answer.read1():
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    told = f"Response payload size exceeded maximum allowed payload ({most} bytes)."
                    raise turn.failed(0, told)
        except NoAnswerError as error:
            raise turn.unanswered(error) from error
    return b"".join(pieces)


def _parts(answer: Answer) -> Iterator[bytes]:
    try:
        while piece := answer.read1():
            yield event_stream.event("PayloadPart", piece)
    except NoAnswerError as error:
        told: Mapping[str, str] = {"Message": str(error), "ErrorCode": "StreamBroken"}
        yield event_stream.error("ModelStreamError", told)
