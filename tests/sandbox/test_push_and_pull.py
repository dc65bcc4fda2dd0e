"""Pushing to the sandbox's ECR and pulling from it, with the real engine."""

from __future__ import annotations

import base64
import hashlib
import io
import secrets
import tarfile
from collections.abc import Iterator
from typing import Any

import docker
import pytest
from docker.errors import ImageNotFound

from odyssey.ecr import Destination
from odyssey.errors import ImageError
from odyssey.images import image as images
from odyssey.images import manifests, push
from odyssey.images.image import Image
from odyssey.sandbox.machines import MachineError
from odyssey.sandbox.sandbox import Sandbox

REGION = "eu-west-1"


@pytest.fixture
def small(engine: docker.DockerClient) -> Iterator[Image]:
    """An image of one random layer, which nobody has yet."""
    name = f"odyssey-sandbox-{secrets.token_hex(4)}"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("weights")
        member.size = 3_000_000
        tar.addfile(member, io.BytesIO(secrets.token_bytes(member.size)))
    engine.api.import_image_from_data(archive.getvalue(), repository=name)
    image = images.find(engine, f"{name}:latest")
    yield image
    remove(engine, image)


@pytest.fixture
def ecr(shared: Sandbox) -> Iterator[Any]:
    """ECR with one repository, whose tags do not move."""
    client = shared.clients.client("ecr", REGION)
    client.create_repository(repositoryName="team/iris", imageTagMutability="IMMUTABLE")
    yield client
    for repository in client.describe_repositories()["repositories"]:
        client.delete_repository(repositoryName=repository["repositoryName"], force=True)


def remove(engine: docker.DockerClient, image: Image) -> None:
    try:
        engine.api.remove_image(image.id, force=True)
    except ImageNotFound:
        return


def destination(ecr: Any, name: str = "team/iris") -> Destination:
    """Where an image goes, as `odyssey docker push` finds out."""
    (repository,) = ecr.describe_repositories(repositoryNames=["team/iris"])["repositories"]
    (told,) = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(told["authorizationToken"]).decode().partition(":")
    uri = repository["repositoryUri"].replace("team/iris", name)
    return Destination(uri, user, password, told["proxyEndpoint"])


def send(engine: docker.DockerClient, image: Image, where: Destination) -> push.Pushed:
    return push.push(engine, image, where, platform="linux/amd64", tested=True)


def names(image: str, shared: Sandbox) -> list[str]:
    """The names by which a request may ask for an image of the repository."""
    return [
        f"123456789012.dkr.ecr.{REGION}.amazonaws.com/team/iris{image}",
        f"127.0.0.1:{shared.server.port}/team/iris{image}",
        f"localhost:1/team/iris{image}",
    ]


def test_an_image_is_pushed_described_removed_and_pulled_again(
    engine: docker.DockerClient, shared: Sandbox, ecr: Any, small: Image
) -> None:
    # when
    pushed = send(engine, small, destination(ecr))
    # then
    (found,) = ecr.describe_images(repositoryName="team/iris")["imageDetails"]
    assert found["imageDigest"] == pushed.digest
    assert found["imageTags"] == [pushed.tag]
    assert found["imageSizeInBytes"] == pushed.size > 3_000_000
    assert found["imageManifestMediaType"] == manifests.DOCKER
    # and
    for name in [*names(f":{pushed.tag}", shared), *names(f"@{pushed.digest}", shared)]:
        remove(engine, small)
        with pytest.raises(ImageError):
            images.find(engine, small.id)
        assert shared.images.pull(engine, name, REGION, None).id == small.id
        layers = engine.api.inspect_image(small.id)["RootFS"]["Layers"]
        assert len(layers) == 1
    # and
    ecr.batch_delete_image(repositoryName="team/iris", imageIds=[{"imageDigest": pushed.digest}])
    with pytest.raises(MachineError, match="Requested image .* not found"):
        shared.images.pull(engine, name, REGION, None)
    assert images.find(engine, small.id).id == small.id


def test_a_second_push_finds_the_layers_and_the_tag_that_is_taken(
    engine: docker.DockerClient, ecr: Any, small: Image
) -> None:
    first = send(engine, small, destination(ecr))
    again = send(engine, small, destination(ecr))
    assert (first.layers_pushed, again.layers_pushed, again.layers_there) == (1, 0, 1)
    assert again.digest == first.digest


def test_a_tag_that_another_image_has_is_not_moved(
    engine: docker.DockerClient, ecr: Any, small: Image
) -> None:
    # given
    where = destination(ecr)
    pushed = send(engine, small, where)
    manifest = ecr.batch_get_image(
        repositoryName="team/iris", imageIds=[{"imageDigest": pushed.digest}]
    )["images"][0]["imageManifest"]
    other = manifest + " "
    ecr.batch_delete_image(repositoryName="team/iris", imageIds=[{"imageTag": pushed.tag}])
    send(engine, small, where)
    # when
    with pytest.raises(ecr.exceptions.ImageTagAlreadyExistsException, match="tag is immutable"):
        ecr.put_image(repositoryName="team/iris", imageManifest=other, imageTag=pushed.tag)
    # then
    ids = ecr.list_images(repositoryName="team/iris")["imageIds"]
    assert ids == [{"imageDigest": pushed.digest, "imageTag": pushed.tag}]
    assert hashlib.sha256(other.encode()).hexdigest() not in pushed.digest


def test_a_push_to_a_repository_that_is_not_there_says_so(
    engine: docker.DockerClient, ecr: Any, small: Image
) -> None:
    with pytest.raises(ImageError, match="repository with name 'other' does not exist"):
        send(engine, small, destination(ecr, "other"))


def test_a_push_with_a_wrong_password_is_refused(
    engine: docker.DockerClient, ecr: Any, small: Image
) -> None:
    where = destination(ecr)
    wrong = Destination(where.repository_uri, "AWS", "guess", where.endpoint)
    with pytest.raises(ImageError, match="unauthorized"):
        send(engine, small, wrong)
    assert ecr.list_images(repositoryName="team/iris")["imageIds"] == []


def test_a_layer_that_another_repository_has_is_not_sent_again(
    engine: docker.DockerClient, shared: Sandbox, ecr: Any, small: Image
) -> None:
    # given
    first = send(engine, small, destination(ecr))
    ecr.create_repository(repositoryName="other")
    # when
    second = send(engine, small, destination(ecr, "other"))
    # then
    assert second.digest == first.digest
    folder = shared.settings.folder / "registry" / "sha256"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 3
