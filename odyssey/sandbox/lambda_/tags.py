"""Tags of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, operation
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.functions import Functions

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]


class Tags:
    """The operations on tags.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are part of their functions."""
        self._functions = Functions(sandbox.store)

    @operation("lambda", "TagResource")
    def add(self, call: Call) -> Record:
        """Set tags."""
        with self._functions.lock:
            self._find(call)["tags"].update(call.parameters["Tags"])
        return {}

    @operation("lambda", "UntagResource")
    def remove(self, call: Call) -> Record:
        """Take tags away."""
        with self._functions.lock:
            found = self._find(call)["tags"]
            for key in call.parameters["TagKeys"]:
                found.pop(key, None)
        return {}

    @operation("lambda", "ListTags")
    def list(self, call: Call) -> Record:
        """Return all tags."""
        with self._functions.lock:
            return {"Tags": dict(self._find(call)["tags"])}

    def _find(self, call: Call) -> Record:
        arn = call.parameters["Resource"]
        found: Record | None = self._functions.table.get((call.region, arn.split(":")[-1]))
        if found is None:
            raise functions.not_found(arn)
        return found
