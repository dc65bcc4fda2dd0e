"""Batch transform jobs for tests: their requests, and what comes of them."""

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.sandbox import Sandbox

from .answering import Answer, Asked, Containers
from .serving import REGION, Account, client

ENDED = ("Completed", "Failed", "Stopped")
GROUP = "/aws/sagemaker/TransformJobs"


def echo(asked: Asked) -> Answer:
    return asked.body


def counted(asked: Asked) -> Answer:
    """Answer each line with its length."""
    return b"".join(b"%d\n" % len(line) for line in asked.body.splitlines())


class Jobs(Account):
    """A sandbox with a model, and a bucket for inputs and outputs."""

    def __init__(self, sandbox: Sandbox, containers: Containers) -> None:
        super().__init__(sandbox)
        self.containers = containers
        self.logs = client(sandbox, "logs")
        self.allow("s3:GetObject", "arn:aws:s3:::models/*")
        self.model("iris", model__json="{}")
        self.clear()

    def clear(self) -> None:
        """Forget the jobs and their logs, and take another bucket."""
        self.sandbox.faults.clear()
        self.sandbox.store.table("transform-jobs").clear()
        with suppress(self.logs.exceptions.ResourceNotFoundException):
            self.logs.delete_log_group(logGroupName=GROUP)
        self.bucket = f"data-{uuid.uuid4()}"
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def allow(self, action: str, resource: str) -> None:
        """Give a right to the role of the model."""
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        client(self.sandbox, "iam").put_role_policy(
            RoleName="serving",
            PolicyName=uuid.uuid4().hex,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, **objects: bytes | str) -> None:
        for name, body in objects.items():
            self.s3.put_object(Bucket=self.bucket, Key=name.replace("__", "/"), Body=body)

    def request(
        self,
        name: str = "job",
        *,
        source: str = "in/",
        data_type: str = "S3Prefix",
        split: str = "Line",
        count: int = 1,
        input: dict[str, Any] | None = None,
        output: dict[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        return {
            "TransformJobName": name,
            "ModelName": "iris",
            "TransformInput": {
                "DataSource": {
                    "S3DataSource": {"S3DataType": data_type, "S3Uri": self.uri(source)}
                },
                "ContentType": "text/csv",
                "SplitType": split,
                **(input or {}),
            },
            "TransformOutput": {"S3OutputPath": self.uri("out"), **(output or {})},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": count},
            **more,
        }

    def start(self, name: str = "job", **wanted: Any) -> str:
        request = self.request(name, **wanted)
        return str(self.sagemaker.create_transform_job(**request)["TransformJobArn"])

    def run(self, name: str = "job", **wanted: Any) -> dict[str, Any]:
        self.start(name, **wanted)
        return self.ended(name)

    def ended(self, name: str = "job") -> dict[str, Any]:
        return self.wait(name, lambda told: told["TransformJobStatus"] in ENDED)

    def wait(self, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=name)
            if is_so(told):
                return told
            time.sleep(0.02)
        raise AssertionError(told)

    def outputs(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="out").get("Contents", ())
        return {
            each["Key"]: self.s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read()
            for each in found
        }

    def log(self, name: str = "job") -> dict[str, list[str]]:
        """Return the lines of a job's log, by the end of the stream: its instance, data-log."""
        streams = self.logs.describe_log_streams(
            logGroupName=GROUP, logStreamNamePrefix=f"{name}/i-"
        )["logStreams"]
        lines: dict[str, list[str]] = {}
        for stream in (each["logStreamName"] for each in streams):
            events = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream)["events"]
            end = "data-log" if stream.endswith("/data-log") else "container"
            lines.setdefault(end, []).extend(event["message"] for event in events)
        return lines

    def data_log(self, name: str = "job") -> list[str]:
        return [
            line.partition(":[sagemaker logs]: ")[2].removeprefix(f"{self.bucket}/")
            for line in self.log(name).get("data-log", ())
        ]

    def refused(self, **wanted: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as caught:
            self.sagemaker.create_transform_job(**{**self.request(), **wanted})
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]
