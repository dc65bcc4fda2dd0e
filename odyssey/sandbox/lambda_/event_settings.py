"""What becomes of events that nobody waits for: how often they are tried, where it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import destinations, functions, pages
from odyssey.sandbox.lambda_.functions import LATEST, Functions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]

MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventSettings:
    """The operations on the settings, of a function or of a version or an alias of it.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are part of their functions."""
        self._functions = Functions(sandbox.store)

    @operation("lambda", "PutFunctionEventInvokeConfig")
    def put(self, call: Call) -> Record:
        """Set them; what the request does not have is as it is by default."""
        return self._set(call, {})

    @operation("lambda", "UpdateFunctionEventInvokeConfig")
    def update(self, call: Call) -> Record:
        """Change those that the request has."""
        with self._functions.lock:
            *_, found = self._find(call)
            return self._set(call, found)

    @operation("lambda", "GetFunctionEventInvokeConfig")
    def get(self, call: Call) -> Record:
        """Return them."""
        with self._functions.lock:
            function, key, found = self._find(call)
            return _told(function, key, found)

    @operation("lambda", "ListFunctionEventInvokeConfigs")
    def list(self, call: Call) -> Record:
        """Return those of a function and of all its versions and aliases, page by page."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            found = [_told(function, key, each) for key, each in function["events"].items()]
        return pages.page(call, found, "FunctionEventInvokeConfigs")

    @operation("lambda", "DeleteFunctionEventInvokeConfig")
    def delete(self, call: Call) -> Record:
        """Forget them."""
        with self._functions.lock:
            function, key, _ = self._find(call)
            del function["events"][key]
        return {}

    def _set(self, call: Call, before: Mapping[str, Any]) -> Record:
        said = call.parameters
        new = {member: said[member] for member in MEMBERS if member in said}
        for each in new.get("DestinationConfig", {}).values():
            if each.get("Destination"):
                destinations.require(each["Destination"])
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            functions.version_of(function, qualifier)
            made = {**before, **new, "LastModified": datetime.now(UTC)}
            function["events"][qualifier or LATEST] = made
            return _told(function, qualifier or LATEST, made)

    def _find(self, call: Call) -> tuple[Record, str, Record]:
        function, qualifier = self._functions.find(call)
        key = qualifier or LATEST
        if key not in function["events"]:
            what = _arn(function, key)
            raise ServiceError(
                "ResourceNotFoundException",
                f"The function {what} doesn't have an EventInvokeConfig",
                404,
                members={"Type": "User"},
            )
        return function, key, function["events"][key]


def _told(function: Record, key: str, found: Record) -> Record:
    return {"FunctionArn": _arn(function, key), **found}


def _arn(function: Record, key: str) -> str:
    return functions.arn(function["Region"], function["FunctionName"], key)
