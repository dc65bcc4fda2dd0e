"""How many events a function works on at once: what is reserved, and what is kept ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.lambda_ import functions, pages
from odyssey.sandbox.lambda_.functions import LATEST, Functions, invalid

if TYPE_CHECKING:
    from odyssey.sandbox.sandbox import Sandbox

    Record = dict[str, Any]

MOST = 1000
"""What an account has of it."""


class Concurrency:
    """The operations on concurrency.

    What is to be kept ready is noted, and told to be READY: an environment still starts with the
    first event that wants it.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """It is part of the functions."""
        self._functions = Functions(sandbox.store)

    @operation("lambda", "PutFunctionConcurrency")
    def reserve(self, call: Call) -> Record:
        """Limit the events that a function works on at once."""
        count = call.parameters["ReservedConcurrentExecutions"]
        if count > MOST - 100:
            raise invalid(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                "UnreservedConcurrentExecution below its minimum value of [100]."
            )
        with self._functions.lock:
            function, _ = self._functions.find(call)
            function["reserved"] = count
        return {"ReservedConcurrentExecutions": count}

    @operation("lambda", "GetFunctionConcurrency")
    def reserved(self, call: Call) -> Record:
        """Return the limit."""
        with self._functions.lock:
            count = self._functions.find(call).function["reserved"]
        return {} if count is None else {"ReservedConcurrentExecutions": count}

    @operation("lambda", "DeleteFunctionConcurrency")
    def release(self, call: Call) -> Record:
        """Take the limit away."""
        with self._functions.lock:
            self._functions.find(call).function["reserved"] = None
        return {}

    @operation("lambda", "GetAccountSettings")
    def account(self, call: Call) -> Record:
        """Return what the account may have and has."""
        with self._functions.lock:
            here = [
                each for (region, _), each in self._functions.table.items() if region == call.region
            ]
        reserved = sum(each["reserved"] or 0 for each in here)
        limit = {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": MOST,
            "UnreservedConcurrentExecutions": MOST - reserved,
        }
        return {
            "AccountLimit": limit,
            "AccountUsage": {"TotalCodeSize": 0, "FunctionCount": len(here)},
        }

    @operation("lambda", "PutProvisionedConcurrencyConfig")
    def provision(self, call: Call) -> Record:
        """Note how many environments of a version or an alias are to be kept ready."""
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            functions.version_of(function, qualifier)
            if qualifier is None or qualifier == LATEST:
                raise invalid(
                    "Provisioned Concurrency Configs cannot be applied to unpublished function "
                    "versions."
                )
            count = call.parameters["ProvisionedConcurrentExecutions"]
            reserved = function["reserved"]
            if reserved is not None and count > reserved:
                raise invalid(
                    "Requested Provisioned Concurrency should not be greater than the "
                    "reservedConcurrentExecution for function"
                )
            made = {
                "RequestedProvisionedConcurrentExecutions": count,
                "LastModified": functions.now(),
            }
            function["provisioned"][qualifier] = made
        return {**made, "Status": "IN_PROGRESS"}

    @operation("lambda", "GetProvisionedConcurrencyConfig")
    def provisioned(self, call: Call) -> Record:
        """Return how many are to be ready."""
        with self._functions.lock:
            _, found = self._find(call)
            return _told(found)

    @operation("lambda", "ListProvisionedConcurrencyConfigs")
    def list(self, call: Call) -> Record:
        """Return that of all versions and aliases, page by page."""
        with self._functions.lock:
            function, _ = self._functions.find(call)
            region, name = function["Region"], function["FunctionName"]
            found = [
                {"FunctionArn": functions.arn(region, name, key), **_told(each)}
                for key, each in function["provisioned"].items()
            ]
        return pages.page(call, found, "ProvisionedConcurrencyConfigs")

    @operation("lambda", "DeleteProvisionedConcurrencyConfig")
    def unprovision(self, call: Call) -> Record:
        """Forget it."""
        with self._functions.lock:
            function, qualifier = self._functions.find(call)
            function["provisioned"].pop(qualifier, None)
        return {}

    def _find(self, call: Call) -> tuple[Record, Record]:
        function, qualifier = self._functions.find(call)
        if qualifier not in function["provisioned"]:
            raise ServiceError(
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
                404,
                members={"Type": "User"},
            )
        return function, function["provisioned"][qualifier]


def _told(found: Record) -> Record:
    count = found["RequestedProvisionedConcurrentExecutions"]
    return {
        **found,
        "AllocatedProvisionedConcurrentExecutions": count,
        "AvailableProvisionedConcurrentExecutions": count,
        "Status": "READY",
    }
