"""An AWS of moto's whose ECR is a real registry, run as `python -m tests.e2e.cloud REGISTRY`.

moto's ECR only keeps names: here a repository's address and the password lead to the registry, so
that a push really arrives. A stack has its outputs, which moto forgets after a change set; and a
training job leaves an archive in S3. It prints its port and runs until it is killed.
"""

from __future__ import annotations

import sys
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from moto.cloudformation import models as cloudformation
from moto.core.responses import ActionResult
from moto.ecr import models, responses
from moto.s3.models import s3_backends
from moto.sagemaker import models as sagemaker
from moto.server import ThreadedMotoServer

from tests.e2e.registry import PASSWORD, USER


def remember_outputs() -> None:
    """Have moto's stacks know their outputs after a change set."""
    backend = cloudformation.CloudFormationBackend
    execute = backend.execute_change_set

    def execute_change_set(self: Any, *words: Any, **named: Any) -> None:
        execute(self, *words, **named)
        for stack in self.stacks.values():
            stack._parse_template()
            stack.output_map = stack._create_output_map()

    backend.execute_change_set = execute_change_set  # type: ignore[method-assign]


def leave_models() -> None:
    """Have moto's training jobs leave what they say that they left."""
    backend = sagemaker.SageMakerModelBackend
    create = backend.create_training_job

    def create_training_job(self: Any, *words: Any, **named: Any) -> Any:
        job = create(self, *words, **named)
        place = urlsplit(job.model_artifacts["S3ModelArtifacts"])
        s3_backends[self.account_id]["aws"].put_object(place.netloc, place.path[1:], b"a model")
        return job

    backend.create_training_job = create_training_job  # type: ignore[method-assign]


def lead_to(registry: str) -> None:
    """Have moto's ECR answer with a registry's address and password."""
    make = models.Repository.__init__

    def init(self: Any, *words: Any, **named: Any) -> None:
        make(self, *words, **named)
        self.uri = f"{registry}/{self.name}"

    def token(self: Any) -> ActionResult:
        data = {
            "authorizationToken": b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
            "expiresAt": datetime.now(UTC) + timedelta(hours=12),
            "proxyEndpoint": f"http://{registry}",
        }
        return ActionResult({"authorizationData": [data]})

    create = models.ECRBackend.create_repository

    def create_repository(self: Any, repository_name: str, **named: Any) -> models.Repository:
        # CloudFormation writes the name that it chooses in lower case; moto does not.
        return create(self, repository_name=repository_name.lower(), **named)

    models.ECRBackend.create_repository = create_repository  # type: ignore[method-assign]
    models.Repository.__init__ = init  # type: ignore[method-assign]
    responses.ECRResponse.get_authorization_token = token  # type: ignore[method-assign]


if __name__ == "__main__":
    lead_to(sys.argv[1])
    remember_outputs()
    leave_models()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    time.sleep(1e6)
