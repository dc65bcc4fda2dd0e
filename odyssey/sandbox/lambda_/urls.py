"""The addresses of functions, at which they answer HTTP."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions, pages
from odyssey.sandbox.lambda_.functions import Functions, invalid

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]

PATH = "/_function-url/"
"""What the paths of all addresses begin with: no name of a bucket does."""


class Urls:
    """The operations on addresses, each of a function or of an alias.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are part of their functions."""
        self._functions = Functions(sandbox.store)
        self._root = f"{sandbox.url}{PATH}"

    @operation("lambda", "CreateFunctionUrlConfig")
    def create(self, call: Call) -> Record:
        """Give a function an address."""
        said = call.parameters
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            functions.version_of(function, qualifier)
            if qualifier is not None and qualifier not in function["aliases"]:
                raise invalid("A function URL is that of $LATEST, without a qualifier, or an alias")
            key, on = qualifier or "", _arn(function, qualifier or "")
            if key in function["urls"]:
                told = f"Failed to create function url config for [functionArn = {on}]"
                raise ServiceError(
                    "ResourceConflictException",
                    f"{told}. Error message:  FunctionUrlConfig exists for this Lambda function",
                    409,
                )
            letters = string.ascii_lowercase + string.digits
            made = {
                "Id": "".join(secrets.choice(letters) for _ in range(32)),
                "CreationTime": functions.now(),
            }
            _change(made, said)
            function["urls"][key] = made
            return self._told(function, key, made)

    @operation("lambda", "GetFunctionUrlConfig")
    def get(self, call: Call) -> Record:
        """Return a function's address."""
        with self._functions.lock:
            return self._told(*self._find(call))

    @operation("lambda", "UpdateFunctionUrlConfig")
    def update(self, call: Call) -> Record:
        """Change who may ask at an address, and how."""
        with self._functions.lock:
            function, key, found = self._find(call)
            _change(found, call.parameters)
            return self._told(function, key, found)

    @operation("lambda", "DeleteFunctionUrlConfig")
    def delete(self, call: Call) -> Record:
        """Take an address away."""
        with self._functions.lock:
            function, key, _ = self._find(call)
            del function["urls"][key]
        return {}

    @operation("lambda", "ListFunctionUrlConfigs")
    def list(self, call: Call) -> Record:
        """Return the addresses of a function and of its aliases, page by page."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            found = [self._told(function, key, each) for key, each in function["urls"].items()]
        return pages.page(call, found, "FunctionUrlConfigs")

    def _find(self, call: Call) -> tuple[Record, str, Record]:
        function, qualifier = self._functions.find(call)
        key = qualifier or ""
        if key not in function["urls"]:
            told = "The resource you requested does not exist."
            raise ServiceError("ResourceNotFoundException", told, 404, members={"Type": "User"})
        return function, key, function["urls"][key]

    def _told(self, function: Record, key: str, found: Record) -> Record:
        told = {name: value for name, value in found.items() if name != "Id"}
        address = f"{self._root}{found['Id']}/"
        return {"FunctionUrl": address, "FunctionArn": _arn(function, key), **told}


def _change(url: Record, said: Any) -> None:
    if said.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise invalid("the sandbox's function URLs answer BUFFERED, not as a stream")
    url.update({member: said[member] for member in ("AuthType", "Cors") if member in said})
    url.update(InvokeMode="BUFFERED", LastModifiedTime=functions.now())


def _arn(function: Record, key: str) -> str:
    return functions.arn(function["Region"], function["FunctionName"], key or None)
