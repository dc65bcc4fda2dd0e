"""Functions of a sandbox, for the tests of its Lambda."""

from __future__ import annotations

import json
from typing import Any

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox import registry_client
from tests.sandbox.serving import ACCOUNT, REGION, TRUST, client

REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app"
RUNTIME = ["python", "-m", "awslambdaric"]


class Lambda:
    """A client of Lambda, a role that it may take on, and the images of a repository."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = client(sandbox, "lambda")
        self.ecr = client(sandbox, "ecr")
        self.role = self.trusted("function", "lambda.amazonaws.com")
        self.ecr.create_repository(repositoryName="app")

    def trusted(self, name: str, service: str) -> str:
        """Make a role that a service may take on."""
        trust = json.dumps(TRUST).replace("sagemaker.amazonaws.com", service)
        iam = client(self.sandbox, "iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        return str(made["Role"]["Arn"])

    @property
    def registry(self) -> registry_client.Client:
        return registry_client.Client(self.sandbox, registry_client.password(self.ecr))

    def push(self, tag: str, content: bytes = b"layer", architecture: str = "amd64") -> str:
        """Push an image; return its digest."""
        config = json.dumps({"architecture": architecture, "os": "linux"}).encode()
        return self.registry.push("app", tag, content, config=config)

    def make(self, name: str, image: str = f"{REPOSITORY}:1", **more: Any) -> dict[str, Any]:
        """Make a function."""
        request = {"Role": self.role, "Code": {"ImageUri": image}, "PackageType": "Image", **more}
        made: dict[str, Any] = self.client.create_function(FunctionName=name, **request)
        return made
