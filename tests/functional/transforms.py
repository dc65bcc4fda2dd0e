"""Stand-ins for SageMaker's models and transform jobs, and a command line that uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from odyssey import config, shapes
from odyssey.jobs import transform
from odyssey.jobs.transform import TransformRequest

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{'ab' * 32}"
ROLE = "arn:aws:iam::123456789012:role/jobs"
SETTINGS = f"""
[app]
name = "iris"
[artifacts]
image = "{IMAGE}"
model = "s3://models/one/model.tar.gz"
"""


def refusal(operation: str, message: str, code: str = "ValidationException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class FakeSageMaker:
    """Models and transform jobs; each description of a job is the next of `looks`.

    `refuses` has what an operation raises, one after the other, before it works.
    """

    looks: list[dict[str, Any] | BaseException] = field(default_factory=list)
    refuses: dict[str, list[BaseException]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    on_call: Callable[[str], None] = lambda _: None

    def create_model(self, **request: Any) -> None:
        self._called("CreateModel", request)
        if request["ModelName"] in self.models:
            raise refusal("CreateModel", "Cannot create already existing model")
        self.models[request["ModelName"]] = {**request, "CreationTime": datetime.now(UTC)}

    def delete_model(self, **request: Any) -> None:
        self._called("DeleteModel", request)
        if self.models.pop(request["ModelName"], None) is None:
            raise refusal("DeleteModel", 'Could not find model "arn:aws:sagemaker:..."')

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        if ModelName not in self.models:
            raise refusal("DescribeModel", 'Could not find model "arn:aws:sagemaker:..."')
        return {"ModelArn": f"arn:{ModelName}", "ModelName": ModelName}

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:  # noqa: N803
        return {"Tags": self.models[ResourceArn.removeprefix("arn:")]["Tags"]}

    def list_models(self, **request: Any) -> dict[str, Any]:
        self._called("ListModels", request)
        # A page of one, to see that the others are asked for.
        listed = [
            {"ModelName": name, "CreationTime": model["CreationTime"]}
            for name, model in sorted(self.models.items())
            if request["NameContains"] in name
        ]
        at = int(request.get("NextToken", "0"))
        more = {"NextToken": str(at + 1)} if at + 1 < len(listed) else {}
        return {"Models": listed[at : at + 1], **more}

    def create_transform_job(self, **request: Any) -> None:
        self._called("CreateTransformJob", request)
        self.jobs[request["TransformJobName"]] = {"TransformJobStatus": "InProgress"}

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        if TransformJobName not in self.jobs:
            raise refusal("DescribeTransformJob", "Could not find requested job with name")
        look = self.looks.pop(0) if len(self.looks) > 1 else (self.looks or [{}])[0]
        if isinstance(look, BaseException):
            raise look
        self.jobs[TransformJobName] |= look
        return {"TransformJobName": TransformJobName, **self.jobs[TransformJobName]}

    def has_model(self, name: str, *, made: datetime, temporary: bool = True) -> None:
        tags = [{"Key": "odyssey:temporary", "Value": "true"}] if temporary else []
        self.models[name] = {"Tags": tags, "CreationTime": made}

    def has_job(self, name: str, status: str) -> None:
        self.jobs[name] = {"TransformJobStatus": status}

    def _called(self, operation: str, request: dict[str, Any]) -> None:
        shapes.require("sagemaker", operation, request)
        self.calls.append(operation)
        self.on_call(operation)
        waiting = self.refuses.get(operation)
        if waiting:
            raise waiting.pop(0)


class FakeLogs:
    """The log of a job, whose only stream has the same lines for ever."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        if not self.lines:
            raise refusal("DescribeLogStreams", "no group", "ResourceNotFoundException")
        return {"logStreams": [{"logStreamName": "job/i-1", "lastEventTimestamp": 1}]}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        new = [] if asked.get("nextToken") else self.lines
        events = [{"timestamp": 1, "message": line} for line in new]
        return {"events": events, "nextForwardToken": "end"}


class NoNetwork:
    """The way to AWS of a test that must not need it."""

    def client(self, service: str, region: str | None = None) -> Any:
        raise AssertionError(f"a client for {service} was asked for")


@dataclass
class Fakes:
    """The way to the fake services."""

    services: dict[str, Any]

    def client(self, service: str, region: str | None = None) -> Any:
        return self.services[service]


class NoObjects:
    """A bucket in S3 with nothing in it."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return []


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("job")
@click.option("--wait/--no-wait", default=True)
def command(folder: Path, job: str, wait: bool) -> None:
    """Run a batch transform whose job stays as it is told, and note each call in a file."""

    def note(operation: str) -> None:
        with (folder / "calls").open("a") as calls:
            calls.write(f"{operation}\n")

    sagemaker = FakeSageMaker(looks=[json.loads(job)], on_call=note)
    access = Fakes({"sagemaker": sagemaker, "logs": FakeLogs(), "s3": NoObjects()})
    wanted = TransformRequest("s3://data/in/", "s3://data/out/", ROLE)
    transform.batch(config.load(folder), access, wanted, wait=wait)


if __name__ == "__main__":
    from odyssey.cli import main

    raise SystemExit(main(program=command))
