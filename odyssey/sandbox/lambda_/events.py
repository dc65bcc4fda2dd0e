"""Events that nobody waits for: they are tried again, and what became of them is sent on.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.lambda_ import destinations, functions
from odyssey.sandbox.lambda_.functions import Functions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.functions.emulated import Outcome
    from odyssey.sandbox.lambda_.environments import Environments
    from odyssey.sandbox.sandbox import Sandbox

RETRIES = 2
"""How often an event is tried again where the function does not say."""

PAUSES = (0.5, 1.0)
"""Seconds before each further attempt; on AWS they are minutes."""

BUSY = 0.5
"""Seconds until an event is tried again that nothing was free for."""


@dataclass(frozen=True)
class Event:
    """An event on its way.

    Args:
        region: The region of the function.
        name: Its name.
        qualifier: By what it was invoked.
        payload: The event, as JSON.
        request_id: Its number, the same in each attempt.
    """

    region: str
    name: str
    qualifier: str | None
    payload: bytes
    request_id: str


class Events:
    """Delivers events, each in a task of its own; those that wait end with the sandbox.

    Args:
        sandbox: The sandbox.
        environments: What runs functions.
    """

    def __init__(self, sandbox: Sandbox, environments: Environments) -> None:
        """Nothing is on its way."""
        self._sandbox = sandbox
        self._environments = environments
        self._functions = Functions(sandbox.store)

    def take(
        self, function: Mapping[str, Any], qualifier: str | None, payload: bytes, request_id: str
    ) -> None:
        """Deliver an event, soon.

        Args:
            function: The function's record.
            qualifier: By what it is invoked.
            payload: The event, as JSON.
            request_id: Its number.
        """
        event = Event(function["Region"], function["FunctionName"], qualifier, payload, request_id)
        self._sandbox.tasks.start(f"event for {event.name}", lambda: self._deliver(event))

    def _deliver(self, event: Event) -> None:
        attempt = 0
        while True:
            try:
                function, version, outcome = self._attempt(event)
            except ServiceError as error:
                # The function is gone, or cannot run: nobody is left to be told.
                if error.status != 429 or self._sandbox.tasks.stopping.wait(BUSY):
                    return
                continue
            settings = function["events"].get(event.qualifier or functions.LATEST, {})
            is_last = attempt >= settings.get("MaximumRetryAttempts", RETRIES)
            if not outcome.error or is_last:
                told = _told(event, function, version, outcome, attempt + 1)
                self._send(function, version, settings, told, outcome)
                return
            if self._sandbox.tasks.stopping.wait(PAUSES[attempt]):
                return
            attempt += 1

    def _attempt(self, event: Event) -> tuple[dict[str, Any], dict[str, Any], Outcome]:
        """Run the function, as it is now, on an event."""
        with self._functions.lock:
            found = self._functions.table.get((event.region, event.name))
            if found is None:
                raise functions.not_found(functions.arn(event.region, event.name))
            version = functions.version_of(found, event.qualifier)
            function, version = copy.deepcopy((found, version))
        with self._environments.one(function, version) as environment:
            return function, version, environment.invoke(event.payload, event.request_id)

    def _send(
        self,
        function: Mapping[str, Any],
        version: Mapping[str, Any],
        settings: Mapping[str, Any],
        told: Mapping[str, Any],
        outcome: Outcome,
    ) -> None:
        """Send on what became of an event, as the function's role."""
        kind = "OnFailure" if outcome.error else "OnSuccess"
        wanted = [settings.get("DestinationConfig", {}).get(kind, {}).get("Destination")]
        if outcome.error:
            wanted.append((version["DeadLetterConfig"] or {}).get("TargetArn"))
        for number, target in enumerate(wanted):
            # A dead letter is the event itself.
            body = told["requestPayload"] if number else told
            if target:
                destinations.send(
                    self._sandbox, function["Region"], version["Role"], target, json.dumps(body)
                )


def _told(
    event: Event,
    function: Mapping[str, Any],
    version: Mapping[str, Any],
    outcome: Outcome,
    attempts: int,
) -> dict[str, Any]:
    qualifier = event.qualifier or functions.LATEST
    failure = {"functionError": "Unhandled"} if outcome.error else {}
    return {
        "version": "1.0",
        "timestamp": functions.now().replace("+0000", "Z"),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": functions.arn(event.region, function["FunctionName"], qualifier),
            "condition": "RetriesExhausted" if outcome.error else "Success",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": json.loads(event.payload),
        "responseContext": {"statusCode": 200, "executedVersion": version["Version"], **failure},
        "responsePayload": json.loads(outcome.payload or b"null"),
    }
