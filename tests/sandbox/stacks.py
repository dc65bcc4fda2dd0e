"""Stacks for the tests of the sandbox's CloudFormation."""

import itertools
import json
from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import client, until

Template = dict[str, Any]

IAM = ["CAPABILITY_NAMED_IAM"]
NUMBERS = itertools.count()


class Stacks:
    """A client of a sandbox's CloudFormation, and the stack that a test is about."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = client(sandbox, "cloudformation")
        self.name = f"stack-{next(NUMBERS)}"

    def create(self, template: Template | str, **more: Any) -> dict[str, Any]:
        """Create the stack and return how it stands when nothing is done any more."""
        self.client.create_stack(**self.request(template, **more))
        return self.settled()

    def update(self, template: Template | str, **more: Any) -> dict[str, Any]:
        """Update it, likewise."""
        self.client.update_stack(**self.request(template, **more))
        return self.settled()

    def delete(self, **more: Any) -> dict[str, Any]:
        """Delete it, likewise."""
        stack_id = self.told()["StackId"]
        self.client.delete_stack(StackName=self.name, **more)
        return self.settled(stack_id)

    def change(self, template: Template | str, name: str = "change", **more: Any) -> Any:
        """Make a change set and return what is said of it."""
        self.client.create_change_set(**self.request(template, ChangeSetName=name, **more))
        return self.client.describe_change_set(
            StackName=self.name, ChangeSetName=name, IncludePropertyValues=True
        )

    def execute(self, name: str = "change", **more: Any) -> dict[str, Any]:
        """Execute it and return how the stack stands when nothing is done any more."""
        self.client.execute_change_set(StackName=self.name, ChangeSetName=name, **more)
        return self.settled()

    def request(self, template: Template | str, **more: Any) -> dict[str, Any]:
        body = template if isinstance(template, str) else json.dumps(template)
        return {"StackName": self.name, "TemplateBody": body, "Capabilities": IAM, **more}

    def told(self, name: str = "") -> dict[str, Any]:
        (found,) = self.client.describe_stacks(StackName=name or self.name)["Stacks"]
        return found

    def settled(self, name: str = "") -> dict[str, Any]:
        def ended() -> Any:
            found = self.told(name)
            return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

        return until(ended)

    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.told().get("Outputs", [])}

    def physical(self, logical_id: str) -> str:
        told = self.client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return told["StackResourceDetail"]["PhysicalResourceId"]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Return the events, the oldest first."""
        pages = self.client.get_paginator("describe_stack_events").paginate(
            StackName=name or self.name
        )
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def statuses(self, logical_id: str = "", name: str = "") -> list[str]:
        """Return the statuses that a resource, or the stack itself, has had."""
        wanted = logical_id or self.name
        return [
            event["ResourceStatus"]
            for event in self.events(name)
            if event["LogicalResourceId"] == wanted
        ]

    def reason(self, logical_id: str, status: str) -> str:
        """Return why a resource came to a status at last."""
        found = [
            event["ResourceStatusReason"]
            for event in self.events()
            if (event["LogicalResourceId"], event["ResourceStatus"]) == (logical_id, status)
        ]
        return found[-1]

    def failures(self) -> dict[str, str]:
        """Return why resources failed."""
        return {
            event["LogicalResourceId"]: event["ResourceStatusReason"]
            for event in self.events()
            if event["ResourceStatus"].endswith("_FAILED")
        }

    def refusal(self, call: str, **request: Any) -> tuple[str, str]:
        """Return the code and the text with which a request is refused."""
        with pytest.raises(ClientError) as caught:
            getattr(self.client, call)(**request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def refused(self, template: Template | str, **more: Any) -> str:
        """Return the text with which a template is refused."""
        return self.refusal("create_stack", **self.request(template, **more))[1]


def template(outputs: dict[str, Any] | None = None, **resources: dict[str, Any]) -> Template:
    """Return a template of resources, and of outputs by their values."""
    told = {name: {"Value": value} for name, value in (outputs or {}).items()}
    return {"Resources": resources, **({"Outputs": told} if told else {})}


def resource(kind: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return a resource, such as ``resource("S3::Bucket")``."""
    return {"Type": f"AWS::{kind}", "Properties": properties or {}, **more}


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    """Return a parameter of Systems Manager, the cheapest resource that there is."""
    return resource("SSM::Parameter", {"Type": "String", "Value": value}, **more)


def role(**more: Any) -> dict[str, Any]:
    """Return a role that nobody takes on."""
    trust = {"Version": "2012-10-17", "Statement": []}
    return resource("IAM::Role", {"AssumeRolePolicyDocument": trust, **more})


def order(events: Iterable[dict[str, Any]], *logical_ids: str) -> list[str]:
    """Return in which order resources came to their last statuses."""
    last = {each["LogicalResourceId"]: number for number, each in enumerate(events)}
    return sorted(logical_ids, key=lambda logical_id: last[logical_id])
