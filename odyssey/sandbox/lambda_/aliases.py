"""The names that lead to versions of functions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions, pages
from odyssey.sandbox.lambda_.functions import Functions, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]


class Aliases:
    """The operations on aliases.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are part of their functions."""
        self._functions = Functions(sandbox.store)

    @operation("lambda", "CreateAlias")
    def create(self, call: Call) -> Record:
        """Let a name lead to a version."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            name = call.parameters["Name"]
            if name in function["aliases"]:
                told = f"Alias already exists: {_arn(function, name)}"
                raise ServiceError("ResourceConflictException", told, 409)
            alias = {"Name": name, "Description": ""}
            _change(function, alias, call.parameters)
            function["aliases"][name] = alias
            return _told(function, alias)

    @operation("lambda", "GetAlias")
    def get(self, call: Call) -> Record:
        """Return where a name leads."""
        with self._functions.lock:
            return _told(*self._find(call))

    @operation("lambda", "ListAliases")
    def list(self, call: Call) -> Record:
        """Return the aliases of a function, page by page."""
        number = call.parameters.get("FunctionVersion")
        with self._functions.lock:
            function, _ = self._functions.find(call)
            found = [
                _told(function, alias)
                for _, alias in sorted(function["aliases"].items())
                if number in (None, alias["FunctionVersion"])
            ]
        return pages.page(call, found, "Aliases")

    @operation("lambda", "UpdateAlias")
    def update(self, call: Call) -> Record:
        """Let a name lead to another version."""
        with self._functions.lock:
            function, alias = self._find(call)
            functions.require_revision(call.parameters, alias)
            _change(function, alias, call.parameters)
            return _told(function, alias)

    @operation("lambda", "DeleteAlias")
    def delete(self, call: Call) -> Record:
        """Forget a name, and what was for it alone."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            name = call.parameters["Name"]
            if function["aliases"].pop(name, None) is not None:
                for kind in ("policies", "urls", "events", "provisioned"):
                    function[kind].pop(name, None)
        return {}

    def _find(self, call: Call) -> tuple[Record, Record]:
        function, _ = self._functions.find(call)
        name = call.parameters["Name"]
        if name not in function["aliases"]:
            told = f"Cannot find alias arn: {_arn(function, name)}"
            raise ServiceError("ResourceNotFoundException", told, 404, members={"Type": "User"})
        return function, function["aliases"][name]


def _change(function: Record, alias: Record, said: Mapping[str, Any]) -> None:
    new = {
        member: said[member]
        for member in ("Description", "FunctionVersion", "RoutingConfig")
        if member in said
    }
    weights = new.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    for number in (*([new["FunctionVersion"]] if "FunctionVersion" in new else ()), *weights):
        if number not in function["versions"]:
            raise functions.not_found(
                functions.arn(function["Region"], function["FunctionName"], number)
            )
    if len(weights) > 1:
        raise invalid("An alias leads to two versions at most")
    alias.update(new, RevisionId=str(uuid.uuid4()))


def _told(function: Record, alias: Record) -> Record:
    return {"AliasArn": _arn(function, alias["Name"]), **alias}


def _arn(function: Record, name: str) -> str:
    return functions.arn(function["Region"], function["FunctionName"], name)
