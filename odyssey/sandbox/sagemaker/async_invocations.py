"""Asynchronous invocations: requests wait in a queue, and their answers go to S3.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.sagemaker.async_queue import TABLE, AsyncQueue
from odyssey.sandbox.sagemaker.endpoint import not_found
from odyssey.sandbox.sagemaker.runtime import payload
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sagemaker.endpoint import Endpoint
    from odyssey.sandbox.sagemaker.endpoints import Endpoints
    from odyssey.sandbox.sandbox import Sandbox

INLINE = 128_000
"""Bytes of a body that needs no object in S3."""

LIFE = 21_600
"""Seconds that a request may wait and be worked on, where it does not say."""

TIMEOUT = 900
"""Seconds that a container may take, where the request does not say."""


class AsyncInvocations:
    """Invocations that are answered in S3.

    Args:
        sandbox: The sandbox.
        endpoints: The endpoints.
    """

    def __init__(self, sandbox: Sandbox, endpoints: Endpoints) -> None:
        """Nothing waits."""
        self._sandbox = sandbox
        self._store = sandbox.store
        self._endpoints = endpoints
        self._queues: dict[tuple[str, str], AsyncQueue] = {}

    def resume(self) -> None:
        """Take up what waited, or was worked on, when the sandbox stopped."""
        with self._store.lock:
            waiting = list(self._store.table(TABLE).items())
        for (region, key), item in waiting:
            try:
                endpoint = self._endpoints.find(region, item["asked"]["EndpointName"])
            except ServiceError:
                with self._store.lock:  # It was deleted just before the sandbox stopped.
                    del self._store.table(TABLE)[region, key]
            else:
                self._queue(endpoint).add(key, item)

    @operation("sagemaker-runtime", "InvokeEndpointAsync")
    def invoke(self, call: Call) -> dict[str, Any]:
        """Put a request into the queue, and say where its answer will be."""
        asked = call.parameters
        endpoint = self._endpoints.find(call.region, asked["EndpointName"])
        plan = _plan(endpoint)
        body = payload(call, INLINE)
        if bool(body) == ("InputLocation" in asked):
            told = "A request has either an InputLocation or a Body"
            raise ServiceError("ValidationError", told)
        key = str(uuid.uuid4())
        item = _item(key, asked, body, plan)
        with self._store.lock:
            self._store.table(TABLE)[call.region, key] = item
        self._queue(endpoint).add(key, item)
        answer = {"InferenceId": item["inference"], "OutputLocation": item["output"]}
        return {**answer, **({"FailureLocation": item["failure"]} if item["failure"] else {})}

    def _queue(self, endpoint: Endpoint) -> AsyncQueue:
        with self._store.lock:
            key = (endpoint.region, endpoint.name)
            found = self._queues.get(key)
            # One that was deleted and made again is another endpoint.
            if found is None or found.endpoint is not endpoint:
                found = self._queues[key] = AsyncQueue(self._sandbox, endpoint)
            return found


def _plan(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return the plan that an endpoint serves by.

    Raises:
        ServiceError: It does not serve, or is not asynchronous.
    """
    fleet = endpoint.fleet
    if fleet is None:
        raise not_found(endpoint.name)
    if fleet.plan["async"] is None:
        raise ServiceError(
            "ValidationError",
            f"Endpoint {endpoint.name} of account {ACCOUNT} is no asynchronous inference endpoint: "
            "it takes InvokeEndpoint.",
        )
    return fleet.plan


def _item(
    key: str, asked: Mapping[str, Any], body: bytes, plan: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a request as it waits."""
    now, config = datetime.now(UTC), plan["async"]["OutputConfig"]
    output = Uri.parse(config["S3OutputPath"])
    if "S3OutputPathExtension" in asked:
        output = output / asked["S3OutputPathExtension"]
    failure = config.get("S3FailurePath", "")
    (variant,) = plan["variants"]
    return {
        "asked": dict(asked),
        "body": body,
        "role": variant["model"]["ExecutionRoleArn"],
        "inference": asked.get("InferenceId", key),
        "output": str(output / asked.get("Filename", f"{key}.out")),
        "failure": str(Uri.parse(failure) / f"{key}-error.out") if failure else "",
        "received": now,
        "expires": now + timedelta(seconds=asked.get("RequestTTLSeconds", LIFE)),
        "timeout": asked.get("InvocationTimeoutSeconds", TIMEOUT),
        "topics": config.get("NotificationConfig", {}),
    }
