"""Stand-ins for what is outside: CloudFormation, SageMaker, and the CDK's command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from odyssey.cloudformation.target import Target
from odyssey.infra import assembly
from odyssey.infra.toolkit import Cdk

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

# A cdk that notes how it was called, and then does what the file "script.py" beside it says.
CDK = """
import json, os, pathlib, sys
here = pathlib.Path(__file__).resolve().parent
words = sys.argv[1:]
with open(here / "calls", "a") as calls:
    calls.write(json.dumps({"words": words, "env": dict(os.environ)}) + "\\n")
exec((here / "script.py").read_text())
"""


def refusal(code: str, message: str, operation: str = "DescribeStacks") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def absent(name: str) -> ClientError:
    return refusal("ValidationError", f"Stack with id {name} does not exist")


def event(
    number: int, logical_id: str, status: str, reason: str = "", **more: str
) -> dict[str, Any]:
    """An event as AWS tells it; its number gives its id, and the second it happened in."""
    return {
        "EventId": str(number),
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::S3::Bucket",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": START + timedelta(seconds=number),
        **more,
    }


@dataclass
class FakeCloudFormation:
    """The stacks of an account, of which every call is noted.

    `looks` are lists of new events: each request for events adds the next of them.
    """

    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    templates: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    change_sets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    looks: list[list[dict[str, Any]] | Exception] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    on_execute: Any = None
    on_delete: Any = None

    def put(self, name: str, status: str, **more: Any) -> None:
        self.stacks[name] = {
            "StackId": f"arn:aws:cloudformation:eu-west-1:1:stack/{name}/1",
            "StackName": name,
            "StackStatus": status,
            "CreationTime": START,
            **more,
        }

    def describe_stacks(self, StackName: str = "") -> dict[str, Any]:  # noqa: N803
        if not StackName:
            return {"Stacks": list(self.stacks.values())}
        return {"Stacks": [self._stack(StackName)]}

    def describe_stack_events(self, StackName: str, **_: str) -> dict[str, Any]:  # noqa: N803
        look = self.looks.pop(0) if self.looks else []
        if isinstance(look, Exception):
            raise look
        self.told = [*reversed(look), *self.told]
        return {"StackEvents": self.told}

    def get_template(self, StackName: str, **_: str) -> dict[str, Any]:  # noqa: N803
        return {"TemplateBody": self.templates[self._stack(StackName)["StackName"]]}

    def list_stack_resources(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        name = self._stack(StackName)["StackName"]
        return {"StackResourceSummaries": self.resources.get(name, [])}

    def describe_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:  # noqa: N803
        name = self._stack(StackName)["StackName"]
        if (name, ChangeSetName) not in self.change_sets:
            raise refusal("ChangeSetNotFound", f"ChangeSet [{ChangeSetName}] does not exist")
        named = {"StackName": name, "ChangeSetName": ChangeSetName}
        return named | self.change_sets[name, ChangeSetName]

    def execute_change_set(self, StackName: str, ChangeSetName: str) -> None:  # noqa: N803
        self.calls.append(f"execute {StackName} {ChangeSetName}")
        self.on_execute()

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.calls.append(f"delete {StackName}")
        self.on_delete()

    def _stack(self, name: str) -> dict[str, Any]:
        for stack in self.stacks.values():
            is_there = stack["StackStatus"] != "DELETE_COMPLETE"
            if name == stack["StackId"] or (name == stack["StackName"] and is_there):
                return stack
        raise absent(name)


@dataclass
class FakeSageMaker:
    """Endpoints by name, as AWS describes them."""

    endpoints: dict[str, dict[str, str]] = field(default_factory=dict)

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if EndpointName not in self.endpoints:
            raise refusal("ValidationException", "Could not find endpoint", "DescribeEndpoint")
        return {"EndpointName": EndpointName, **self.endpoints[EndpointName]}


@dataclass
class FakeClients:
    """The way to the fake services."""

    cloudformation: FakeCloudFormation
    sagemaker: FakeSageMaker = field(default_factory=FakeSageMaker)

    def client(self, service: str, region: str | None = None) -> Any:
        return {"cloudformation": self.cloudformation, "sagemaker": self.sagemaker}[service]


@dataclass(frozen=True)
class FakeCdk:
    """A program in the place of the CDK's."""

    package: Path

    @property
    def cdk(self) -> Cdk:
        return Cdk(Path(sys.executable), self.package, "2.1146.1", 55)

    def does(self, script: str) -> None:
        (self.package / "bin" / "script.py").write_text(script)

    def calls(self) -> list[dict[str, Any]]:
        noted = self.package / "bin" / "calls"
        return (
            [json.loads(line) for line in noted.read_text().splitlines()] if noted.exists() else []
        )

    def commands(self) -> list[list[str]]:
        return [call["words"] for call in self.calls()]


def fake_cdk(folder: Path) -> FakeCdk:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "cdk").write_text(CDK)
    (folder / "package.json").write_text('{"name": "aws-cdk", "version": "2.1146.1"}')
    made = FakeCdk(folder)
    made.does("")
    return made


def write_assembly(
    folder: Path,
    stacks: Mapping[str, Mapping[str, Any]],
    *,
    needs: Mapping[str, Iterable[str]] | None = None,
    **properties: Any,
) -> Path:
    """Write an assembly as the CDK does: templates by the names of their stacks."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts = {}
    for name, template in stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
        paths = {
            f"/{name}/{logical_id}/Resource": [{"type": "aws:cdk:logicalId", "data": logical_id}]
            for logical_id in template.get("Resources", {})
        }
        (folder / f"{name}.metadata.json").write_text(json.dumps(paths))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json", **properties},
            "dependencies": list((needs or {}).get(name, ())),
            "additionalMetadataFile": f"{name}.metadata.json",
            "displayName": name,
        }
    manifest = {"version": "55.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def target_of(
    folder: Path, clients: FakeClients, cdk: FakeCdk, words: Iterable[str] = ()
) -> Target:
    whole = assembly.read(folder)
    chosen = assembly.choose(whole.stacks, tuple(words))
    env = {"PATH": os.environ["PATH"], "SEEN_BY": "the child"}
    return Target(whole, chosen, clients, cdk.cdk, env, whole.fingerprint())
