"""What is known of stacks: events, resources, templates, exports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import operation
from odyssey.sandbox.cloudformation import parameters, sources, template
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.pages import newest_first, page

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.cloudformation.change_sets import ChangeSets
    from odyssey.sandbox.cloudformation.engine import Engine
    from odyssey.sandbox.cloudformation.records import Record

OF_RESOURCES = (
    "LogicalResourceId",
    "PhysicalResourceId",
    "ResourceType",
    "ResourceStatus",
    "ResourceStatusReason",
)
NOT_CHECKED = {"DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"}}


class Listings:
    """Answers what is asked of what is known.

    Args:
        engine: The stacks.
        change_sets: The change sets.
        port: The sandbox's port.
    """

    def __init__(self, engine: Engine, change_sets: ChangeSets, port: int) -> None:
        """Nothing was asked for yet."""
        self._engine = engine
        self._records = engine.records
        self._change_sets = change_sets
        self._port = port

    @operation("cloudformation", "DescribeStackEvents")
    def events(self, call: Call) -> dict[str, Any]:
        """Return a page of a stack's events, the newest first."""
        name = call.parameters["StackName"]
        stack = self._records.find(call.region, name)
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        return newest_first("StackEvents", self._records.events(stack), call.parameters)

    @operation("cloudformation", "DescribeStackResources")
    def resources(self, call: Call) -> dict[str, Any]:
        """Return the resources of a stack, of a name or of a physical id."""
        stack = self._stack_with(call)
        wanted = call.parameters.get("LogicalResourceId")
        with self._records.lock:
            found = [
                _resource(stack, each)
                for each in stack["resources"].values()
                if wanted in (None, each["LogicalResourceId"])
            ]
        return {"StackResources": found}

    @operation("cloudformation", "DescribeStackResource")
    def resource(self, call: Call) -> dict[str, Any]:
        """Return one resource of a stack."""
        stack = self._records.get(call.region, call.parameters["StackName"])
        wanted = call.parameters["LogicalResourceId"]
        with self._records.lock:
            found = stack["resources"].get(wanted)
            if found is None:
                name = stack["StackName"]
                raise invalid(f"Resource {wanted} does not exist for stack {name}")
            told = _resource(stack, found)
            metadata = json.dumps(found["metadata"])
        when = {"LastUpdatedTimestamp": told.pop("Timestamp")}
        return {"StackResourceDetail": {**told, **when, "Metadata": metadata}}

    @operation("cloudformation", "ListStackResources")
    def summaries(self, call: Call) -> dict[str, Any]:
        """Return a page of the resources of a stack."""
        stack = self._records.get(call.region, call.parameters["StackName"])
        with self._records.lock:
            told = [
                {**_resource(stack, each), "LastUpdatedTimestamp": each["Timestamp"]}
                for each in stack["resources"].values()
            ]
        return page("StackResourceSummaries", told, call.parameters)

    @operation("cloudformation", "GetTemplate")
    def template(self, call: Call) -> dict[str, Any]:
        """Return the text of a stack's template; nothing is ever transformed."""
        if "ChangeSetName" in call.parameters:
            text = self._change_sets.target_of(call)["template"]
        else:
            text = self._records.get(call.region, call.parameters["StackName"]).get("template", "")
        return {"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]}

    @operation("cloudformation", "ValidateTemplate")
    def validate(self, call: Call) -> dict[str, Any]:
        """Return what a template asks for, if it is in order."""
        document = self._document(call)
        template.require(document)
        found = [
            {key: each[key] for key in each if not key.startswith("ParameterT")}
            for each in parameters.declarations(document)
        ]
        for each in found:
            each.pop("ParameterConstraints", None)
        return {"Parameters": found, **_needs(document)}

    @operation("cloudformation", "GetTemplateSummary")
    def summary(self, call: Call) -> dict[str, Any]:
        """Return what a template has, a stack's or one of the request."""
        if "StackName" in call.parameters:
            stack = self._records.get(call.region, call.parameters["StackName"])
            document = stack["document"]
        else:
            document = self._document(call)
            template.require(document)
        return {
            "Parameters": parameters.declarations(document),
            "ResourceTypes": sorted({each["Type"] for each in document["Resources"].values()}),
            "Version": document.get("AWSTemplateFormatVersion", "2010-09-09"),
            "Metadata": json.dumps(document.get("Metadata", {})),
            **_needs(document),
        }

    @operation("cloudformation", "ListExports")
    def exports(self, call: Call) -> dict[str, Any]:
        """Return the exports of a region."""
        told = [
            {"ExportingStackId": stack["StackId"], "Name": name, "Value": value}
            for name, (stack, value) in sorted(self._records.exports(call.region).items())
        ]
        return page("Exports", told, call.parameters)

    @operation("cloudformation", "ListImports")
    def imports(self, call: Call) -> dict[str, Any]:
        """Return the stacks that use an export."""
        name = call.parameters["ExportName"]
        users = self._records.importers(call.region, name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.")
        return page("Imports", users, call.parameters)

    def _document(self, call: Call) -> dict[str, Any]:
        s3 = self._engine.client(call)("s3")
        return template.parse(sources.text(call.parameters, s3, self._port, None))

    def _stack_with(self, call: Call) -> Record:
        """Return the stack of a name, or the one that has a resource of a physical id."""
        name, physical_id = (
            call.parameters.get(key) for key in ("StackName", "PhysicalResourceId")
        )
        if name:
            return self._records.get(call.region, name)
        with self._records.lock:
            for stack in self._records.all(call.region):
                ids = [each["PhysicalResourceId"] for each in stack["resources"].values()]
                if physical_id in ids:
                    return stack
        raise invalid(f"Stack for {physical_id} does not exist")


def _needs(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a template and the capabilities that it asks for."""
    told: dict[str, Any] = {"Description": str(document.get("Description", ""))}
    asked = template.capabilities(document)
    if asked:
        kinds = {each["Type"] for each in document["Resources"].values()}
        named = ", ".join(sorted(kind for kind in kinds if kind.startswith("AWS::IAM::")))
        told["Capabilities"] = asked
        told["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{named}]"
    return told


def _resource(stack: Record, resource: Record) -> dict[str, Any]:
    told = {name: resource[name] for name in OF_RESOURCES if resource.get(name)}
    named = {name: stack[name] for name in ("StackId", "StackName")}
    return {**named, **told, "Timestamp": resource["Timestamp"], **NOT_CHECKED}
