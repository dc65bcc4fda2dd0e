"""An AWS for an experiment: a sandbox of its own, and what is in it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.reliability.scene import Scene, SetupError

REGION = "eu-west-1"


@dataclass
class Account:
    """A sandbox that runs.

    Attributes:
        scene: Where it was started.
        record: What ``odyssey sandbox start`` has told of it.
    """

    scene: Scene
    record: dict[str, Any]

    @property
    def url(self) -> str:
        """Where it answers."""
        return str(self.record["url"])

    def client(self, service: str) -> Any:
        """Return a client of boto3 for a service of it."""
        import boto3
        from botocore.config import Config

        variables = self.scene.variables
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 1}, max_pool_connections=64),
        )

    def order(self, **fault: Any) -> None:
        """Order a fault."""
        self._control("POST", json.dumps(fault).encode())

    def calm(self) -> None:
        """Take all faults back."""
        self._control("DELETE", None)

    def _control(self, method: str, body: bytes | None) -> None:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        with contextlib.closing(connection):
            connection.request(method, "/_sandbox/faults", body)
            if connection.getresponse().status != 200:
                raise SetupError("the sandbox takes no faults")

    def kill(self) -> None:
        """Kill its process, as a machine that loses its memory does."""
        os.kill(self.record["pid"], signal.SIGKILL)

    def stacks(self, app: str) -> dict[str, str]:
        """Return the states of an app's stacks that there are."""
        listed = self.client("cloudformation").describe_stacks()["Stacks"]
        own = {f"{app}-{part}" for part in ("foundation", "endpoint", "train", "serve", "function")}
        return {s["StackName"]: s["StackStatus"] for s in listed if s["StackName"] in own}

    def resources(self, app: str) -> list[str]:
        """Return the types and states of all resources of an app's stacks."""
        client = self.client("cloudformation")
        found = [
            f"{one['ResourceType']} {one['ResourceStatus'].replace('UPDATE', 'CREATE')}"
            for stack, status in self.stacks(app).items()
            if status != "DELETE_COMPLETE"
            for one in client.describe_stack_resources(StackName=stack)["StackResources"]
        ]
        return sorted(found)

    def bucket(self, name: str) -> str:
        """Return the name of a bucket, made if it is missing."""
        with contextlib.suppress(self.client("s3").exceptions.BucketAlreadyOwnedByYou):
            self.client("s3").create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        return name

    def role(self) -> str:
        """Return the ARN of a role that SageMaker may take on, made if it is missing."""
        iam = self.client("iam")
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(
                RoleName="reliability",
                AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}),
            )
        return str(iam.get_role(RoleName="reliability")["Role"]["Arn"])


def enter(scene: Scene, app: Path, *options: str, executor: str = "process") -> Account:
    """Start a sandbox whose jobs the rocket of an app runs; the scene's variables lead there.

    Args:
        scene: Where; the sandbox is stopped with it.
        app: The app's folder.
        options: More of ``odyssey sandbox start``.
        executor: What runs the jobs.
    """
    # Its temporary files are its own while it runs, and looked for when it has stopped.
    apart = {"TMPDIR": str(scene.apart)}
    words = ("sandbox", "start", "--executor", executor, *options)
    record = scene.must(*words, cwd=app, **apart)
    told = scene.must("sandbox", "env", cwd=app)
    # Stopped with variables that do not lead into it, and even where it was killed.
    scene.stack.callback(_leave, scene, app)
    scene.variables |= told
    return Account(scene, record)


def _leave(scene: Scene, app: Path) -> None:
    for name in [name for name in scene.variables if name.startswith(("AWS_", "ODYSSEY_"))]:
        del scene.variables[name]
    scene.run("sandbox", "stop", cwd=app)


def archive(folder: Path) -> bytes:
    """Return the ``model.tar.gz`` of a trained app."""
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        made.add(folder / "model" / "model.pkl", "model.pkl")
    return packed.getvalue()


def put(account: Account, bucket: str, key: str, body: bytes) -> str:
    """Put an object into a bucket, and return its URI."""
    account.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"
