"""Resources deleted: those of a stack, or those that an update or a failure left over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation import graph
from odyssey.sandbox.cloudformation.deployment import attempt
from odyssey.sandbox.cloudformation.errors import is_gone
from odyssey.sandbox.cloudformation.resources import handlers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.sandbox.cloudformation.operation import Operation
    from odyssey.sandbox.cloudformation.records import Record


def delete(operation: Operation, resources: Iterable[Record]) -> set[str]:
    """Delete resources, each before those that it needs, and keep those whose ``keep`` is set.

    Args:
        operation: The operation on the stack.
        resources: Their records.

    Returns:
        The logical ids of those that could not be deleted.
    """
    # An update may leave several resources of one logical id.
    records = {f"{number}": resource for number, resource in enumerate(resources)}
    needs = {
        key: {
            other
            for other, each in records.items()
            if each["LogicalResourceId"] in resource["needs"]
        }
        for key, resource in records.items()
    }

    def work(key: str) -> bool:
        return _delete(operation, records[key])

    failed = graph.carry_out(graph.backwards(needs), work, lambda: operation.cancelled)
    return {records[key]["LogicalResourceId"] for key in failed}


def kept(resource: Record, *, rolls_back: bool) -> bool:
    """Return whether a resource outlives its stack.

    Args:
        resource: Its record.
        rolls_back: Whether it was made by the very operation that is undone.
    """
    policy = resource["deletion_policy"]
    return policy == "Retain" or (policy == "RetainExceptOnCreate" and not rolls_back)


def _delete(operation: Operation, resource: Record) -> bool:
    if resource["ResourceStatus"] == "DELETE_COMPLETE" or not resource["PhysicalResourceId"]:
        return True
    if resource.get("keep"):
        operation.resource(resource, "DELETE_SKIPPED")
        return True
    operation.resource(resource, "DELETE_IN_PROGRESS")
    told = attempt(lambda: _ask(operation, resource))
    operation.resource(resource, "DELETE_FAILED" if told else "DELETE_COMPLETE", told or "")
    return told is None


def _ask(operation: Operation, resource: Record) -> None:
    site = operation.site(resource["LogicalResourceId"])
    handler = handlers()[resource["ResourceType"]]
    try:
        handler.delete(site, resource["PhysicalResourceId"], resource["properties"])
    except ClientError as error:
        if not is_gone(error):
            raise
