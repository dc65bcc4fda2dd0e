"""The policies of functions: who besides the account's own roles may invoke them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.functions import Functions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]

CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
}
"""The members of a request that become conditions of the statement."""


class Permissions:
    """The operations on the policies of functions, versions and aliases.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are part of their functions."""
        self._functions = Functions(sandbox.store)

    @operation("lambda", "AddPermission")
    def add(self, call: Call) -> Record:
        """Add a statement."""
        said = call.parameters
        with self._functions.lock:
            function, qualifier, policy = self._policy(call)
            name = said["StatementId"]
            if any(each["Sid"] == name for each in policy["Statement"]):
                told = f"The statement id ({name}) provided already exists. Please provide a new"
                raise ServiceError(
                    "ResourceConflictException",
                    f"{told} statement id, or remove the existing statement.",
                    409,
                )
            on = functions.arn(function["Region"], function["FunctionName"], qualifier)
            statement = _statement(said, on)
            policy["Statement"].append(statement)
            policy["RevisionId"] = str(uuid.uuid4())
            function["policies"][qualifier or ""] = policy
        return {"Statement": json.dumps(statement)}

    @operation("lambda", "RemovePermission")
    def remove(self, call: Call) -> Record:
        """Take a statement away."""
        with self._functions.lock:
            function, qualifier, policy = self._policy(call)
            name = call.parameters["StatementId"]
            left = [each for each in policy["Statement"] if each["Sid"] != name]
            if len(left) == len(policy["Statement"]):
                raise _missing(f"Statement {name} is not found in resource policy.")
            policy.update(Statement=left, RevisionId=str(uuid.uuid4()))
            if not left:
                del function["policies"][qualifier or ""]
        return {}

    @operation("lambda", "GetPolicy")
    def get(self, call: Call) -> Record:
        """Return the policy."""
        with self._functions.lock:
            *_, policy = self._policy(call)
            if not policy["Statement"]:
                raise _missing("The resource you requested does not exist.")
            document = {
                "Version": "2012-10-17",
                "Id": "default",
                "Statement": policy["Statement"],
            }
            return {"Policy": json.dumps(document), "RevisionId": policy["RevisionId"]}

    def _policy(self, call: Call) -> tuple[Record, str | None, Record]:
        function, qualifier = self._functions.find(call)
        functions.version_of(function, qualifier)
        policy = function["policies"].get(qualifier or "")
        policy = policy or {"Statement": [], "RevisionId": str(uuid.uuid4())}
        if policy["Statement"]:
            functions.require_revision(call.parameters, policy)
        return function, qualifier, policy


def _statement(said: Mapping[str, Any], on: str) -> Record:
    who = said["Principal"]
    if who.endswith(".amazonaws.com"):
        principal: Any = {"Service": who}
    else:
        principal = who if who == "*" else {"AWS": who}
    conditions: dict[str, dict[str, str]] = {}
    for member, (operator, key) in CONDITIONS.items():
        if member in said:
            value = said[member]
            text = str(value).lower() if isinstance(value, bool) else str(value)
            conditions.setdefault(operator, {})[key] = text
    return {
        "Sid": said["StatementId"],
        "Effect": "Allow",
        "Principal": principal,
        "Action": said["Action"],
        "Resource": on,
        **({"Condition": conditions} if conditions else {}),
    }


def _missing(why: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", why, 404, members={"Type": "User"})
