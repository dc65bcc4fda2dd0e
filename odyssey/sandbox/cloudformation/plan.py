"""What a stack's new template would change, before anything is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation import deployment, graph, replacement, template
from odyssey.sandbox.cloudformation.deletion import kept
from odyssey.sandbox.cloudformation.evaluation import LATER, Evaluation
from odyssey.sandbox.cloudformation.intrinsics import plain
from odyssey.sandbox.cloudformation.references import references
from odyssey.sandbox.cloudformation.world import StackWorld, found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.cloudformation.records import Record, Records

BESIDE = {
    "deletion_policy": "DeletionPolicy",
    "metadata": "Metadata",
}
"""What may change of a resource beside its properties: in its record, and as AWS calls it."""


class Plan(StackWorld):
    """The changes that a stack is to see; what they make is known only later.

    Args:
        records: The stacks.
        stack: The stack's record, or a sketch of one that is not there yet.
        wanted: What it is to be.
        client: Returns a client of boto3's, as whoever asks.

    Attributes:
        changes: The changes of resources by logical id, as DescribeChangeSet has them.

    Raises:
        ServiceError: The template cannot be evaluated.
    """

    def __init__(
        self, records: Records, stack: Record, wanted: Record, client: Callable[[str], Any]
    ) -> None:
        """Compare the stack with what it is to be, in the order in which it would be done."""
        super().__init__(records, stack, client)
        self.changes: dict[str, dict[str, Any]] = {}
        self._wanted = wanted
        self._current: dict[str, Record] = stack["resources"]
        merged = {**stack, **wanted}
        document, values = wanted["document"], wanted["resolved"]
        self._evaluation = Evaluation(document, values, merged, stack["region"], self)
        self._definitions = self._evaluation.resources()
        for logical_id in graph.in_order(template.dependencies(self._definitions)):
            change = self._change(logical_id)
            if change is not None:
                self.changes[logical_id] = change
        for logical_id, resource in self._current.items():
            if logical_id not in self._definitions:
                self.changes[logical_id] = _removal(resource)
        self._outputs = self._evaluation.outputs()

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change: no resource, no output, no tag."""
        outputs = {each["OutputKey"]: each for each in self._outputs}
        before = {each["OutputKey"]: each for each in self._stack.get("Outputs", [])}
        same_tags = self._wanted["Tags"] == self._stack.get("Tags", [])
        return not self.changes and outputs == before and same_tags

    def resource(self, logical_id: str, attribute: str) -> Any:
        """Return a resource's attribute, or what stands for one that is known only later."""
        change = self.changes.get(logical_id)
        if change is None:
            return found(self._current.get(logical_id), logical_id, attribute)
        changes_in = {detail["Target"].get("Name") for detail in change["Details"]}
        if change["Action"] == "Add" or change["Replacement"] != "False" or attribute in changes_in:
            return LATER
        return found(self._current.get(logical_id), logical_id, attribute)

    def _change(self, logical_id: str) -> dict[str, Any] | None:
        definition = self._definitions[logical_id]
        wanted = deployment.properties(self._evaluation, logical_id, self._wanted["Tags"])
        after = json.dumps({"Properties": wanted}, default=str)
        current = self._current.get(logical_id)
        if current is None or not current["PhysicalResourceId"]:
            return {
                "Action": "Add",
                "LogicalResourceId": logical_id,
                "ResourceType": definition["Type"],
                "Scope": [],
                "Details": [],
                "AfterContext": after,
            }
        self._require_type(current, definition)
        details = [*self._details(logical_id, current, wanted), *_beside(current, definition)]
        if not details and not current["ResourceStatus"].endswith("_FAILED"):
            return None
        replaced = _replacement(details)
        return {
            **_told(current, "Modify"),
            **({} if replaced == "False" else {"PolicyAction": _replaced_policy(definition)}),
            "Replacement": replaced,
            "Scope": sorted({detail["Target"]["Attribute"] for detail in details}),
            "Details": details,
            "BeforeContext": json.dumps({"Properties": current["properties"]}, default=str),
            "AfterContext": after,
        }

    def _require_type(self, current: Record, definition: Mapping[str, Any]) -> None:
        from odyssey.sandbox.cloudformation.errors import invalid

        if current["ResourceType"] != definition["Type"]:
            raise invalid(
                "Update of resource type is not permitted. The new template modifies resource type "
                f"of the following resources: [{current['LogicalResourceId']}]"
            )

    def _details(
        self, logical_id: str, current: Record, wanted: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        details = []
        for name in replacement.changed(current["properties"], wanted):
            recreates = replacement.replaces(current["ResourceType"], name)
            target = {
                "Attribute": "Tags" if name == "Tags" else "Properties",
                "Name": name,
                "RequiresRecreation": "Always" if recreates else "Never",
                "Path": f"/Properties/{name}",
                **_values(current["properties"].get(name), wanted.get(name)),
            }
            cause = self._cause(logical_id, name, wanted.get(name))
            details.append({"Target": target, **cause})
        return details

    def _cause(self, logical_id: str, name: str, value: Any) -> dict[str, Any]:
        """Return why a property is another one: an edit, a parameter, or another resource."""
        raw = self._definitions[logical_id].get("Properties", {}).get(name)
        named = references(raw)
        changed = sorted(each for each in named if each[0] in self.changes)
        if LATER in json.dumps(value, default=str) and changed:
            resource, attribute = changed[0]
            source = "ResourceAttribute" if attribute else "ResourceReference"
            cause = f"{resource}.{attribute}" if attribute else resource
            return {"Evaluation": "Dynamic", "ChangeSource": source, "CausingEntity": cause}
        old = self._stack["document"]["Resources"].get(logical_id, {}).get("Properties", {})
        of_parameters = sorted(each for each, _ in named if each in self._wanted["values"])
        if raw is not None and raw == old.get(name) and of_parameters:
            return {
                "Evaluation": "Static",
                "ChangeSource": "ParameterReference",
                "CausingEntity": of_parameters[0],
            }
        return {"Evaluation": "Static", "ChangeSource": "DirectModification"}


def _removal(resource: Record) -> dict[str, Any]:
    return {
        **_told(resource, "Remove"),
        "PolicyAction": "Retain" if kept(resource, rolls_back=False) else "Delete",
        "Scope": [],
        "Details": [],
        "BeforeContext": json.dumps({"Properties": resource["properties"]}, default=str),
    }


def _told(resource: Record, action: str) -> dict[str, Any]:
    named = ("LogicalResourceId", "PhysicalResourceId", "ResourceType")
    return {"Action": action, **{name: resource[name] for name in named}}


def _beside(current: Record, definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the details of what has changed beside the properties."""
    default = {"deletion_policy": "Delete", "metadata": {}}
    return [
        {
            "Target": {"Attribute": attribute, "RequiresRecreation": "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name, attribute in BESIDE.items()
        if plain(definition.get(attribute, default[name])) != plain(current[name])
    ]


def _replacement(details: list[dict[str, Any]]) -> str:
    evaluated = {
        detail["Evaluation"]
        for detail in details
        if detail["Target"]["RequiresRecreation"] == "Always"
    }
    return "True" if "Static" in evaluated else "Conditional" if evaluated else "False"


def _replaced_policy(definition: Mapping[str, Any]) -> str:
    retains = definition.get("UpdateReplacePolicy") == "Retain"
    return "ReplaceAndRetain" if retains else "ReplaceAndDelete"


def _values(before: Any, after: Any) -> dict[str, str]:
    """Return the values of a property, for whoever asks for them."""
    kind = "Add" if before is None else "Remove" if after is None else "Modify"
    written = {"BeforeValue": before, "AfterValue": after}
    return {
        "AttributeChangeType": kind,
        **{
            name: value if isinstance(value, str) else json.dumps(value, default=str)
            for name, value in written.items()
            if value is not None
        },
    }
