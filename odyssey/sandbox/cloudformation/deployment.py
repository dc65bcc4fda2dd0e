"""A stack brought to what its template says, resource by resource."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.cloudformation import graph, replacement, template
from odyssey.sandbox.cloudformation.errors import ResourceError, reason
from odyssey.sandbox.cloudformation.resources import handlers, tags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.cloudformation.evaluation import Evaluation
    from odyssey.sandbox.cloudformation.operation import Operation
    from odyssey.sandbox.cloudformation.records import Record

log = logging.getLogger("odyssey.sandbox")

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


class Deployment:
    """Makes and changes the resources of a stack; it deletes none.

    Args:
        operation: The operation on the stack.
        evaluation: The template.
    """

    def __init__(self, operation: Operation, evaluation: Evaluation) -> None:
        """Find which resources there are to be."""
        self.definitions = evaluation.resources()
        self._operation = operation
        self._stack = operation.stack
        self._evaluation = evaluation
        self._needs = template.dependencies(self.definitions)

    def run(self) -> set[str]:
        """Do it.

        Returns:
            The logical ids of the resources that failed.
        """
        return graph.carry_out(self._needs, self._bring, lambda: self._operation.cancelled)

    def _bring(self, logical_id: str) -> bool:
        def work() -> None:
            wanted = properties(self._evaluation, logical_id, self._stack["Tags"])
            current = self._stack["resources"].get(logical_id)
            if current is None or not current["PhysicalResourceId"]:
                self._create(logical_id, wanted)
            elif current["ResourceStatus"] == "CREATE_FAILED":
                self._again(logical_id, current, wanted)
            else:
                self._change(logical_id, current, wanted)

        told = attempt(work)
        if told is None:
            return True
        self._fail(logical_id, told)
        return False

    def _fail(self, logical_id: str, reason: str) -> None:
        with self._operation.records.lock:
            resources = self._stack["resources"]
            record = resources.setdefault(logical_id, self._record(logical_id, "CREATE"))
            is_new = record["ResourceStatus"] in ("CREATE_IN_PROGRESS", "CREATE_FAILED")
            status = "CREATE_FAILED" if is_new else "UPDATE_FAILED"
            self._operation.resource(record, status, reason)
        self._operation.cancel()

    def _create(self, logical_id: str, wanted: Mapping[str, Any]) -> None:
        record = self._record(logical_id, "CREATE")
        with self._operation.records.lock:
            self._stack["resources"][logical_id] = record
            self._operation.resource(record, "CREATE_IN_PROGRESS")
        self._make(record, wanted)
        self._operation.resource(record, "CREATE_COMPLETE")

    def _again(self, logical_id: str, failed: Record, wanted: Mapping[str, Any]) -> None:
        """Create anew what was not made well: it is deleted first."""
        handler = handlers()[failed["ResourceType"]]
        site = self._operation.site(logical_id)
        handler.delete(site, failed["PhysicalResourceId"], failed["properties"])
        self._create(logical_id, wanted)

    def _change(self, logical_id: str, current: Record, wanted: Mapping[str, Any]) -> None:
        different = replacement.changed(current["properties"], wanted)
        kind = current["ResourceType"]
        if any(replacement.replaces(kind, name) for name in different):
            self._replace(logical_id, current, wanted)
        elif different or current["ResourceStatus"] == "UPDATE_FAILED":
            self._operation.resource(current, "UPDATE_IN_PROGRESS")
            change(self._operation, current, wanted)
            self._operation.resource(current, "UPDATE_COMPLETE")
        with self._operation.records.lock:
            self._stack["resources"][logical_id].update(self._template_of(logical_id))

    def _replace(self, logical_id: str, old: Record, wanted: Mapping[str, Any]) -> None:
        name = replacement.custom_name(old["ResourceType"], old["properties"], wanted)
        if name is not None:
            self._operation.resource(old, "UPDATE_IN_PROGRESS")
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {name} and update the stack again."
            )
        record = self._record(logical_id, "UPDATE")
        keep = self.definitions[logical_id].get("UpdateReplacePolicy") == "Retain"
        with self._operation.records.lock:
            self._stack["doomed"].append({**old, "keep": keep})
            self._stack["resources"][logical_id] = record
            in_progress = {**record, "PhysicalResourceId": old["PhysicalResourceId"]}
            self._operation.resource(in_progress, "UPDATE_IN_PROGRESS", REPLACING)
        self._make(record, wanted)
        self._operation.resource(record, "UPDATE_COMPLETE")

    def _make(self, record: Record, wanted: Mapping[str, Any]) -> None:
        """Create what a record stands for, and note what it is."""
        site = self._operation.site(record["LogicalResourceId"])
        handler = handlers()[record["ResourceType"]]
        require_all(record, handler.required, wanted)
        with self._operation.records.lock:
            record["properties"] = dict(wanted)
        physical_id = handler.create(site, wanted)
        attributes = handler.read(site, physical_id, wanted)
        with self._operation.records.lock:
            record["attributes"] = attributes

    def _record(self, logical_id: str, verb: str) -> Record:
        return {
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": "",
            "ResourceType": self.definitions[logical_id]["Type"],
            "ResourceStatus": f"{verb}_IN_PROGRESS",
            "properties": {},
            "attributes": {},
            **self._template_of(logical_id),
        }

    def _template_of(self, logical_id: str) -> Record:
        """Return what the template says of a resource beside its properties."""
        definition = self.definitions[logical_id]
        return {
            "deletion_policy": definition.get("DeletionPolicy", "Delete"),
            "metadata": definition.get("Metadata", {}),
            "needs": sorted(self._needs[logical_id]),
        }


def properties(
    evaluation: Evaluation, logical_id: str, of_stack: list[dict[str, str]]
) -> dict[str, Any]:
    """Return a resource's properties as plain data, with the stack's tags.

    Args:
        evaluation: The template.
        logical_id: The resource.
        of_stack: The stack's tags.

    Raises:
        ServiceError: What they name is not there.
    """
    definition = evaluation.document["Resources"][logical_id]
    resolved = evaluation.resolve(definition.get("Properties", {}))
    return tags.merged(handlers()[definition["Type"]].tags, resolved, of_stack)


def change(operation: Operation, resource: Record, wanted: Mapping[str, Any]) -> None:
    """Change a resource that stays the same one, and note what it now is.

    Args:
        operation: The operation on the stack.
        resource: The resource's record.
        wanted: The properties that it is to have.

    Raises:
        ResourceError: It cannot be changed.
        ClientError: The service refuses.
    """
    site = operation.site(resource["LogicalResourceId"])
    handler = handlers()[resource["ResourceType"]]
    require_all(resource, handler.required, wanted)
    old = resource["attempted"] if "attempted" in resource else resource["properties"]
    with operation.records.lock:
        resource["attempted"] = dict(wanted)
    handler.update(site, resource["PhysicalResourceId"], old, wanted)
    attributes = handler.read(site, resource["PhysicalResourceId"], wanted)
    with operation.records.lock:
        del resource["attempted"]
        resource.update(properties=dict(wanted), attributes=attributes)


def require_all(resource: Record, required: tuple[str, ...], wanted: Mapping[str, Any]) -> None:
    """Return if a resource has the properties that it must have.

    Raises:
        ResourceError: It has not.
    """
    missing = [name for name in required if name not in wanted]
    if missing:
        raise ResourceError(
            f"Properties validation failed for resource {resource['LogicalResourceId']} with "
            f"message: #: required key [{missing[0]}] not found"
        )


def attempt(work: Callable[[], None]) -> str | None:
    """Do something to a resource.

    Args:
        work: What to do.

    Returns:
        Why it failed, or None.
    """
    try:
        work()
    except (ResourceError, ServiceError, ClientError, BotoCoreError) as error:
        return reason(error)
    except Exception as error:
        log.exception("a resource of a stack: a bug in odyssey")
        return f"a bug in odyssey's sandbox: {type(error).__name__}: {error}"
    return None
