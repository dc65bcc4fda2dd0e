"""Invocations: an event goes to a function, and its answer comes back.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import base64
import copy
import json
import uuid
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.functions import Functions

if TYPE_CHECKING:
    from odyssey.sandbox.lambda_.environments import Environments
    from odyssey.sandbox.lambda_.events import Events
    from odyssey.sandbox.sandbox import Sandbox

LARGEST = 6 * 1024 * 1024
LARGEST_EVENT = 1024 * 1024
SPARE = 100
"""Bytes that Lambda takes beyond the six megabytes that it speaks of."""


class Invocations:
    """The operation that runs functions.

    Args:
        sandbox: The sandbox.
        environments: What runs them.
        events: Takes those that nobody waits for.
    """

    def __init__(self, sandbox: Sandbox, environments: Environments, events: Events) -> None:
        """Nothing is asked yet."""
        self._functions = Functions(sandbox.store)
        self._environments = environments
        self._events = events

    @operation("lambda", "Invoke")
    def invoke(self, call: Call) -> Response:
        """Run a function: now, later, or not at all."""
        said = call.parameters
        with self._functions.lock:
            found = self._functions.version(call)
            function, version = copy.deepcopy(found)
            _, qualifier = self._functions.find(call)
        kind = said.get("InvocationType", "RequestResponse")
        if kind == "DryRun":
            return Response(b"", 204)
        payload = _payload(said.get("Payload", b""), kind)
        request_id = str(uuid.uuid4())
        if kind == "Event":
            self._events.take(function, qualifier, payload, request_id)
            return Response(b"", 202, {"x-amzn-RequestId": request_id})
        with self._environments.one(function, version) as environment:
            outcome = environment.invoke(payload, request_id)
            tail = environment.tail() if said.get("LogType") == "Tail" else None
        headers = {
            "x-amzn-RequestId": request_id,
            "X-Amz-Executed-Version": version["Version"],
        }
        if outcome.error:
            headers["X-Amz-Function-Error"] = "Unhandled"
        if tail is not None:
            headers["X-Amz-Log-Result"] = base64.b64encode(tail).decode()
        return Response(outcome.payload, 200, headers, content_type="application/json")

    @operation("lambda", "InvokeAsync", "InvokeWithResponseStream")
    def refuse(self, call: Call) -> Response:
        """Refuse what functions are not asked by here."""
        raise functions.invalid(f"the sandbox runs functions by Invoke, not by {call.operation}")


def _payload(said: Any, kind: str) -> bytes:
    """Return an event as JSON.

    Raises:
        ServiceError: It is too large, or no JSON.
    """
    payload: bytes = said.encode() if isinstance(said, str) else said
    most = LARGEST_EVENT if kind == "Event" else LARGEST
    if len(payload) > most + (0 if kind == "Event" else SPARE):
        told = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
        raise ServiceError("RequestTooLargeException", told, 413, members={"Type": "User"})
    try:
        json.loads(payload or b"{}")
    except ValueError as error:
        raise ServiceError(
            "InvalidRequestContentException",
            f"Could not parse request body into json: {error}",
            members={"Type": "User"},
        ) from error
    return payload or b"{}"
