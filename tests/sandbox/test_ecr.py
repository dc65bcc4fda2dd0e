"""ECR's control plane, by boto3."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.images.manifests import DOCKER
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.registry_client import CONFIG, Client, digest_of, manifest_of, password

REGION = "eu-west-1"


@pytest.fixture
def ecr(shared: Sandbox) -> Iterator[Any]:
    """ECR with one repository."""
    client = shared.clients.client("ecr", REGION)
    client.create_repository(repositoryName="iris")
    yield client
    for repository in client.describe_repositories()["repositories"]:
        client.delete_repository(repositoryName=repository["repositoryName"], force=True)


@pytest.fixture
def registry(shared: Sandbox, ecr: Any) -> Client:
    return Client(shared, password(ecr))


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_repository_s_address_leads_to_the_registry(shared: Sandbox, ecr: Any) -> None:
    # when
    made = ecr.create_repository(repositoryName="team/app", tags=[{"Key": "a", "Value": "b"}])
    # then
    uri = f"127.0.0.1:{shared.server.port}/team/app"
    assert made["repository"]["repositoryUri"] == uri
    arn = "arn:aws:ecr:eu-west-1:123456789012:repository/team/app"
    assert made["repository"]["repositoryArn"] == arn
    (found,) = ecr.describe_repositories(repositoryNames=["team/app"])["repositories"]
    assert found["repositoryUri"] == uri
    assert found["imageTagMutability"] == "MUTABLE"
    assert found["createdAt"] - datetime.now(UTC) < timedelta(minutes=1)
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "b"}]


def test_settings_of_a_repository_are_kept(ecr: Any) -> None:
    ecr.create_repository(
        repositoryName="set",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": "alias/mine"},
    )
    (found,) = ecr.describe_repositories(repositoryNames=["set"])["repositories"]
    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    assert found["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": "alias/mine"}


def test_what_is_only_said_of_a_repository_moto_keeps(ecr: Any) -> None:
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3},
        "action": {"type": "expire"},
    }
    policy = json.dumps({"rules": [rule]})
    ecr.put_lifecycle_policy(repositoryName="iris", lifecyclePolicyText=policy)
    assert ecr.get_lifecycle_policy(repositoryName="iris")["lifecyclePolicyText"] == policy


def test_repositories_are_described_in_pages(ecr: Any) -> None:
    for number in range(4):
        ecr.create_repository(repositoryName=f"number-{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    sizes = [len(page["repositories"]) for page in pages]
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize(
    ("ask", "asked", "expected"),
    [
        ("create_repository", {"repositoryName": "iris"}, "RepositoryAlreadyExistsException"),
        ("create_repository", {"repositoryName": "Iris"}, "InvalidParameterException"),
        ("describe_repositories", {"repositoryNames": ["no"]}, "RepositoryNotFoundException"),
        ("delete_repository", {"repositoryName": "no"}, "RepositoryNotFoundException"),
        ("describe_images", {"repositoryName": "no"}, "RepositoryNotFoundException"),
        (
            "describe_images",
            {"repositoryName": "iris", "registryId": "999999999999"},
            "RepositoryNotFoundException",
        ),
        (
            "describe_images",
            {"repositoryName": "iris", "imageIds": [{"imageTag": "no"}]},
            "ImageNotFoundException",
        ),
        ("describe_images", {"repositoryName": "iris", "imageIds": [{}]}, "InvalidParameter"),
        (
            "get_download_url_for_layer",
            {"repositoryName": "iris", "layerDigest": "sha256:00"},
            "LayersNotFoundException",
        ),
        (
            "put_image",
            {"repositoryName": "iris", "imageManifest": "{}", "imageTag": "one"},
            "InvalidParameterException",
        ),
        (
            "start_image_scan",
            {"repositoryName": "iris", "imageId": {"imageTag": "no"}},
            "ImageNotFoundException",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_ecr_s_codes(
    ecr: Any, ask: str, asked: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(ecr, ask)(**asked)
    assert code(caught).startswith(expected)


def test_a_password_is_good_for_twelve_hours(shared: Sandbox, ecr: Any) -> None:
    (told,) = ecr.get_authorization_token()["authorizationData"]
    user, _, text = base64.b64decode(told["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    assert timedelta(hours=11.9) < told["expiresAt"] - datetime.now(UTC) < timedelta(hours=12.1)
    assert told["proxyEndpoint"] == f"http://127.0.0.1:{shared.server.port}"
    assert password(ecr) != text


def test_a_password_is_remembered_by_its_hash_alone(shared: Sandbox, ecr: Any) -> None:
    text = password(ecr)
    assert text.partition(".")[2] not in repr(shared.store.tables)


def test_images_are_described_as_they_arrived(registry: Client, ecr: Any) -> None:
    # given
    digest = registry.push("iris", "one", b"weights", b"code", config=b'{"os": "linux"}')
    registry.put("iris", "two", manifest_of(b'{"os": "linux"}', b"weights", b"code"))
    # when
    (found,) = ecr.describe_images(repositoryName="iris")["imageDetails"]
    # then
    assert found["imageDigest"] == digest
    assert found["imageTags"] == ["one", "two"]
    assert found["imageSizeInBytes"] == len(b"weights") + len(b"code")
    assert timedelta(0) <= datetime.now(UTC) - found["imagePushedAt"] < timedelta(minutes=1)
    assert found["imageManifestMediaType"] == DOCKER
    assert found["artifactMediaType"] == CONFIG
    assert "imageScanStatus" not in found


def test_images_are_listed_by_tag_and_the_untagged_by_digest(registry: Client, ecr: Any) -> None:
    # given
    old = registry.push("iris", "latest", b"old")
    new = registry.push("iris", "latest", b"new")
    # then
    ids = ecr.list_images(repositoryName="iris")["imageIds"]
    assert ids == [{"imageDigest": old}, {"imageDigest": new, "imageTag": "latest"}]
    chosen = ecr.list_images(repositoryName="iris", filter={"tagStatus": "UNTAGGED"})["imageIds"]
    assert chosen == [{"imageDigest": old}]
    pages = ecr.get_paginator("list_images").paginate(
        repositoryName="iris", PaginationConfig={"PageSize": 1}
    )
    assert [each for page in pages for each in page["imageIds"]] == ids


def test_manifests_are_got_in_a_batch_with_what_is_missing(registry: Client, ecr: Any) -> None:
    digest = registry.push("iris", "one", b"weights")
    wanted = [{"imageTag": "one"}, {"imageDigest": digest}, {"imageTag": "no"}]
    answer = ecr.batch_get_image(repositoryName="iris", imageIds=wanted)
    assert [image["imageId"] for image in answer["images"]] == [
        {"imageDigest": digest, "imageTag": "one"},
        {"imageDigest": digest},
    ]
    assert answer["images"][0]["imageManifest"].encode() == manifest_of(b"{}", b"weights")
    (failure,) = answer["failures"]
    assert (failure["failureCode"], failure["imageId"]) == ("ImageNotFound", {"imageTag": "no"})


def test_an_image_goes_with_its_last_tag_or_by_its_digest(registry: Client, ecr: Any) -> None:
    # given
    digest = registry.push("iris", "one", b"weights")
    registry.put("iris", "two", manifest_of(b"{}", b"weights"))
    # when
    ecr.batch_delete_image(repositoryName="iris", imageIds=[{"imageTag": "one"}])
    # then
    (left,) = ecr.describe_images(repositoryName="iris")["imageDetails"]
    assert left["imageTags"] == ["two"]
    # and
    answer = ecr.batch_delete_image(
        repositoryName="iris",
        imageIds=[{"imageTag": "one", "imageDigest": digest}, {"imageDigest": digest}, {}],
    )
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": "two"}]
    codes = [failure["failureCode"] for failure in answer["failures"]]
    assert codes == ["ImageTagDoesNotMatchDigest", "MissingDigestAndTag"]
    assert ecr.describe_images(repositoryName="iris")["imageDetails"] == []


def test_an_image_is_brought_through_ecr_s_own_operations(registry: Client, ecr: Any) -> None:
    # given
    for blob in (b"{}", b"weights"):
        upload = ecr.initiate_layer_upload(repositoryName="iris")["uploadId"]
        named = {"repositoryName": "iris", "uploadId": upload}
        for first in range(len(blob)):
            told = ecr.upload_layer_part(
                **named,
                partFirstByte=first,
                partLastByte=first,
                layerPartBlob=blob[first : first + 1],
            )
            assert told["lastByteReceived"] == first
        ecr.complete_layer_upload(**named, layerDigests=[digest_of(blob)])
    # when
    manifest = manifest_of(b"{}", b"weights")
    image = ecr.put_image(repositoryName="iris", imageManifest=manifest.decode(), imageTag="one")
    # then
    assert image["image"]["imageId"] == {"imageDigest": digest_of(manifest), "imageTag": "one"}
    assert registry.ask("GET", "/v2/iris/manifests/one").content == manifest
    # and
    with pytest.raises(ClientError) as caught:
        ecr.put_image(repositoryName="iris", imageManifest=manifest.decode(), imageTag="one")
    assert code(caught) == "ImageAlreadyExistsException"
    ecr.put_image(repositoryName="iris", imageManifest=manifest.decode(), imageTag="two")
    assert registry.ask("GET", "/v2/iris/manifests/two").content == manifest


def test_a_part_that_is_not_the_next_is_refused(ecr: Any) -> None:
    upload = ecr.initiate_layer_upload(repositoryName="iris")["uploadId"]
    with pytest.raises(ClientError) as caught:
        ecr.upload_layer_part(
            repositoryName="iris",
            uploadId=upload,
            partFirstByte=5,
            partLastByte=6,
            layerPartBlob=b"ab",
        )
    assert code(caught) == "InvalidLayerPartException"
    assert caught.value.response["lastValidByteReceived"] == -1


def test_layers_are_checked_and_fetched_by_a_url(registry: Client, ecr: Any) -> None:
    # given
    digest, other = registry.bring("iris", b"weights"), digest_of(b"else")
    # then
    answer = ecr.batch_check_layer_availability(
        repositoryName="iris", layerDigests=[digest, other, "bogus"]
    )
    (layer,) = answer["layers"]
    assert (layer["layerAvailability"], layer["layerSize"]) == ("AVAILABLE", 7)
    codes = [failure["failureCode"] for failure in answer["failures"]]
    assert codes == ["MissingLayerDigest", "InvalidLayerDigest"]
    # and
    url = ecr.get_download_url_for_layer(repositoryName="iris", layerDigest=digest)["downloadUrl"]
    registry.password = None
    assert registry.ask("GET", url).content == b"weights"


def test_a_repository_with_images_is_deleted_by_force_only(registry: Client, ecr: Any) -> None:
    # given
    registry.push("iris", "one", b"weights")
    # when
    with pytest.raises(ClientError) as caught:
        ecr.delete_repository(repositoryName="iris")
    # then
    assert code(caught) == "RepositoryNotEmptyException"
    ecr.delete_repository(repositoryName="iris", force=True)
    folder = registry.sandbox.settings.folder / "registry"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    ecr.create_repository(repositoryName="iris")
    assert ecr.list_images(repositoryName="iris")["imageIds"] == []


def test_a_scan_finds_nothing_and_says_that_nothing_was_scanned(registry: Client, ecr: Any) -> None:
    # given
    registry.push("iris", "one", b"weights")
    named = {"repositoryName": "iris", "imageId": {"imageTag": "one"}}
    with pytest.raises(ClientError) as caught:
        ecr.describe_image_scan_findings(**named)
    assert code(caught) == "ScanNotFoundException"
    # when
    ecr.start_image_scan(**named)
    ecr.get_waiter("image_scan_complete").wait(**named)
    # then
    found = ecr.describe_image_scan_findings(**named)
    assert found["imageScanFindings"]["findings"] == []
    assert "scans nothing" in found["imageScanStatus"]["description"]


def test_what_is_scanned_on_push_is_scanned(registry: Client, ecr: Any) -> None:
    ecr.put_image_scanning_configuration(
        repositoryName="iris", imageScanningConfiguration={"scanOnPush": True}
    )
    registry.push("iris", "one", b"weights")
    (found,) = ecr.describe_images(repositoryName="iris")["imageDetails"]
    assert found["imageScanStatus"]["status"] == "COMPLETE"
