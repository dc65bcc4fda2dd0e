"""The names of images, as jobs have them, lead to what was pushed."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from moto.ecr.models import ecr_backends

from odyssey.images.manifests import DOCKER
from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.ecr.blobs import Blobs
from odyssey.sandbox.ecr.images import Images
from odyssey.sandbox.ecr.passwords import Passwords
from odyssey.sandbox.ecr.repositories import Repositories
from odyssey.sandbox.iam.identities import Principal
from odyssey.sandbox.machines import MachineError
from odyssey.sandbox.store import Store
from tests.sandbox.conftest import Start
from tests.sandbox.registry_client import Client, digest_of, manifest_of, password, refusal

REGION = "eu-west-1"
ECR = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/trainer"
ARN = f"arn:aws:ecr:{REGION}:123456789012:repository/team/iris"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
MANIFEST = manifest_of(b"{}", b"weights")
DIGEST = digest_of(MANIFEST)


class Watch:
    """A guard that remembers what it was asked, and refuses what it is told to."""

    def __init__(self) -> None:
        self.refused = ""
        self.asked: list[tuple[str | None, str, str]] = []

    def require(
        self, principal: Principal, action: str, resource: str, context: Any = None
    ) -> None:
        self.asked.append((principal.role, action, resource))
        if action == self.refused:
            raise ServiceError("AccessDeniedException", f"{action} is not allowed", 403)


class NoEngine:
    """An engine that nobody may ask."""


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def images(tmp_path: Path, watch: Watch) -> Images:
    """The images of a repository of one region, with one image of the tags latest and v1."""
    BackendDict.reset()
    ecr_backends[ACCOUNT][REGION].create_repository("team/iris", None, {}, None, "MUTABLE", [])
    store = Store()
    repositories = Repositories(store, Blobs(tmp_path))
    repository = repositories.open(REGION, "team/iris")
    for blob in (b"{}", b"weights"):
        upload = repository.begin()
        upload.append(io.BytesIO(blob))
        repository.finish(upload, digest_of(blob))
    for tag in ("v1", "latest"):
        repository.put(MANIFEST, DOCKER, tag)
    return Images(4566, repositories, Passwords(store), watch)  # type: ignore[arg-type]


def test_every_name_of_an_image_leads_to_it(images: Images) -> None:
    places = [ECR, f"{ECR}.cn", ECR.replace("123", "987"), "127.0.0.1:1", "localhost:5000"]
    references = ["", ":v1", f"@{DIGEST}", f":v1@{DIGEST}"]
    for place, reference in itertools.product(places, references):
        located = images.locate(f"{place}/team/iris{reference}", REGION, None)
        assert located.stored.digest == DIGEST
        assert located.repository.arn == ARN


@pytest.mark.parametrize(
    "image",
    [
        "public.ecr.aws/docker/library/python:3.12",
        "python:3.12",
        "docker.io/library/python",
        "10.0.0.1:5000/team/iris",
        f"{ECR}.evil.example/team/iris",
        f"{ECR}/team/iris@sha256:short",
        f"{ECR}/",
    ],
)
def test_what_is_not_of_ecr_is_refused_as_sagemaker_does(images: Images, image: str) -> None:
    with pytest.raises(MachineError) as caught:
        images.locate(image, REGION, None)
    assert str(caught.value) == (
        f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.'
    )


def test_a_repository_that_is_not_there_is_told_with_the_role(images: Images) -> None:
    with pytest.raises(MachineError) as caught:
        images.locate(f"{ECR}/other:v1", REGION, ROLE)
    assert str(caught.value) == (
        "Cannot find repository: other in registry ID: 123456789012 Please check if your ECR "
        f"repository exists and role {ROLE} has proper pull permissions for SageMaker: "
        "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
    )


@pytest.mark.parametrize("reference", [":v2", "@sha256:" + "0" * 64])
def test_an_image_that_was_never_pushed_is_not_found(images: Images, reference: str) -> None:
    with pytest.raises(MachineError) as caught:
        images.pull(NoEngine(), f"{ECR}/team/iris{reference}", REGION, None)  # type: ignore[arg-type]
    assert str(caught.value) == f"Requested image {ECR}/team/iris{reference} not found."


@pytest.mark.parametrize("image", [f"{ECR}/team/iris", "127.0.0.1:1/team/iris"])
def test_an_image_of_another_region_is_not_found(images: Images, image: str) -> None:
    with pytest.raises(MachineError, match="not found: it is of the region|Cannot find repository"):
        images.locate(image, "us-east-1", None)


def test_the_role_of_the_job_needs_to_be_allowed_to_pull(images: Images, watch: Watch) -> None:
    images.locate(f"{ECR}/team/iris", REGION, ROLE)
    assert watch.asked == [
        (ROLE, "ecr:GetAuthorizationToken", "*"),
        *((ROLE, action, ARN) for action in PULL),
    ]


@pytest.mark.parametrize("action", ["ecr:GetAuthorizationToken", *PULL])
def test_a_role_that_may_not_pull_is_told_what_it_needs(
    images: Images, watch: Watch, action: str
) -> None:
    watch.refused = action
    with pytest.raises(MachineError) as caught:
        images.locate(f"{ECR}/team/iris", REGION, ROLE)
    assert str(caught.value).startswith(
        "Access denied for repository: team/iris in registry ID: 123456789012. Please check if "
        f"your ECR repository and image exist and role {ROLE} has proper pull permissions"
    )
    assert str(caught.value).endswith(f"({action} is not allowed)")


def test_who_may_push_and_who_may_pull_is_for_iam_to_say(start: Start) -> None:
    # given
    sandbox = start(enforce_iam=True)
    sandbox.clients.client("ecr", REGION).create_repository(repositoryName="team/iris")
    iam = sandbox.clients.client("iam", REGION)
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
    }
    iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    allowed = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": PULL, "Resource": ARN},
        ],
    }
    # when
    with pytest.raises(MachineError, match="is not authorized to perform"):
        sandbox.images.locate(f"{ECR}/team/iris", REGION, ROLE)
    iam.put_role_policy(RoleName="trainer", PolicyName="pull", PolicyDocument=json.dumps(allowed))
    # then
    with pytest.raises(MachineError, match="Requested image .* not found"):
        sandbox.images.locate(f"{ECR}/team/iris", REGION, ROLE)
    # and
    registry = Client(sandbox, password(sandbox.clients.client("ecr", REGION, ROLE)))
    answer = registry.ask("POST", "/v2/team/iris/blobs/uploads/")
    status, code, message = refusal(answer)
    assert (status, code) == (403, "DENIED")
    assert "is not authorized to perform: ecr:InitiateLayerUpload" in message
    assert registry.ask("GET", "/v2/team/iris/manifests/v1").status_code == 404
