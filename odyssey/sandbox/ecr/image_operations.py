"""ECR's operations on images, which tell what the registry has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.ecr import manifests
from odyssey.sandbox.ecr.repository import NOT_FOUND
from odyssey.sandbox.ecr.service import page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.ecr.repository import Repository, StoredImage
    from odyssey.sandbox.sandbox import Sandbox

SCANNED = {"status": "COMPLETE", "description": "The sandbox scans nothing, and finds nothing."}

_DIGEST = re.compile(r"[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
_TAGGED = {"ANY": (True, False), "TAGGED": (True,), "UNTAGGED": (False,)}


class EcrImages:
    """The operations on images.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is asked yet."""
        self._lock = sandbox.store.lock
        self._repositories = sandbox.repositories

    @operation("ecr", "DescribeImages")
    def describe(self, call: Call) -> dict[str, Any]:
        """Describe the images of a repository, or some of them."""
        repository = self._repositories.asked(call)
        if "imageIds" in call.parameters:
            wanted = [_require(repository, each) for each in call.parameters["imageIds"]]
            images = list({image.digest: image for image in wanted}.values())
        else:
            images = _filtered(call, repository)
        return page(call, images, "imageDetails", lambda image: _details(repository, image))

    @operation("ecr", "ListImages")
    def list(self, call: Call) -> dict[str, Any]:
        """List the tags and digests of a repository."""
        images = _filtered(call, self._repositories.asked(call))
        found = [_id(image, tag) for image in images for tag in image.tags or (None,)]
        return page(call, found, "imageIds", lambda each: each)

    @operation("ecr", "BatchGetImage")
    def get(self, call: Call) -> dict[str, Any]:
        """Return the manifests of images."""
        repository = self._repositories.asked(call)

        def manifest(wanted: Mapping[str, str]) -> list[dict[str, Any]]:
            image = _find(repository, wanted)
            return [_with_manifest(repository, image, wanted.get("imageTag"))]

        return _each(call, "images", manifest)

    @operation("ecr", "BatchDeleteImage")
    def delete(self, call: Call) -> dict[str, Any]:
        """Delete images by digest, or take tags away from them."""
        repository = self._repositories.asked(call)

        def gone(wanted: Mapping[str, str]) -> list[dict[str, str]]:
            image = _find(repository, wanted)
            if "imageDigest" not in wanted:
                repository.remove(wanted["imageTag"])
                return [_id(image, wanted["imageTag"])]
            repository.remove(image.digest)
            return [_id(image, tag) for tag in image.tags or (None,)]

        with self._lock:
            return _each(call, "imageIds", gone)

    @operation("ecr", "PutImage")
    def put(self, call: Call) -> dict[str, Any]:
        """Keep an image whose layers have come, or give it another tag."""
        repository, asked = self._repositories.asked(call), call.parameters
        content, tag = asked["imageManifest"].encode(), asked.get("imageTag")
        kind = asked.get("imageManifestMediaType", "")
        digest = manifests.read(content, kind).digest
        if asked.get("imageDigest", digest) != digest:
            raise ServiceError(
                "ImageDigestDoesNotMatchException",
                f"The image's digest is {digest}, and '{asked['imageDigest']}' was told",
            )
        with self._lock:
            there = repository.find(digest)
            if there is not None and (tag is None or tag in there.tags):
                raise ServiceError(
                    "ImageAlreadyExistsException",
                    f"Image with digest '{digest}' and tag '{tag}' already exists in the "
                    f"repository with name '{repository.name}' in registry with id '{ACCOUNT}'",
                )
            image = repository.put(content, kind, tag)
        return {"image": _with_manifest(repository, image, tag)}

    @operation("ecr", "StartImageScan")
    def scan(self, call: Call) -> dict[str, Any]:
        """Begin a scan, which is over at once: the sandbox scans nothing."""
        repository = self._repositories.asked(call)
        with self._lock:
            image = _require(repository, call.parameters["imageId"])
            repository.scan(image.digest)
        return {**_named(repository, image), "imageScanStatus": {"status": "IN_PROGRESS"}}

    @operation("ecr", "DescribeImageScanFindings")
    def findings(self, call: Call) -> dict[str, Any]:
        """Tell that nothing was found."""
        repository = self._repositories.asked(call)
        wanted = call.parameters["imageId"]
        image = _require(repository, wanted)
        scanned_at = image.record["scanned_at"]
        if scanned_at is None:
            raise ServiceError(
                "ScanNotFoundException",
                f"Image scan does not exist for the image with '{_shown(wanted)}' "
                f"in the repository with name '{repository.name}' in the registry with id "
                f"'{ACCOUNT}'",
            )
        found = {"imageScanCompletedAt": scanned_at, "findings": [], "findingSeverityCounts": {}}
        return {
            **_named(repository, image),
            "imageScanStatus": SCANNED,
            "imageScanFindings": found,
        }


def _each(
    call: Call, member: str, answer: Callable[[Mapping[str, str]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """Return what is answered for each image of a request, and which of them are refused."""
    done: list[dict[str, Any]] = []
    failures = []
    for wanted in call.parameters["imageIds"]:
        try:
            done += answer(wanted)
        except ServiceError as error:
            failed = {"failureCode": error.code, "failureReason": error.message}
            failures.append({"imageId": dict(wanted), **failed})
    return {member: done, "failures": failures}


def _find(repository: Repository, wanted: Mapping[str, str]) -> StoredImage:
    """Return the image of an ``imageId``.

    Raises:
        ServiceError: There is none, or it is no id, by the codes of a batch's failures.
    """
    digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
    if digest is None and tag is None:
        raise ServiceError(
            "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
        )
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise ServiceError(
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex "
            f"'{_DIGEST.pattern}'",
        )
    image = repository.find(digest or tag or "")
    if image is None:
        raise ServiceError("ImageNotFound", NOT_FOUND)
    if tag is not None and tag not in image.tags:
        raise ServiceError("ImageTagDoesNotMatchDigest", "Tag does not match digest")
    return image


def _require(repository: Repository, wanted: Mapping[str, str]) -> StoredImage:
    try:
        return _find(repository, wanted)
    except ServiceError as error:
        if error.code != "ImageNotFound":
            raise ServiceError("InvalidParameterException", error.message) from error
        raise ServiceError(
            "ImageNotFoundException",
            f"The image with imageId {_shown(wanted)} does not exist within the repository with "
            f"name '{repository.name}' in the registry with id '{ACCOUNT}'",
        ) from error


def _shown(wanted: Mapping[str, str]) -> str:
    digest, tag = wanted.get("imageDigest", "null"), wanted.get("imageTag", "null")
    return f"{{imageDigest:'{digest}', imageTag:'{tag}'}}"


def _filtered(call: Call, repository: Repository) -> list[StoredImage]:
    wanted = _TAGGED[call.parameters.get("filter", {}).get("tagStatus", "ANY")]
    return [image for image in repository.images() if bool(image.tags) in wanted]


def _id(image: StoredImage, tag: str | None) -> dict[str, str]:
    return {"imageDigest": image.digest, **({"imageTag": tag} if tag else {})}


def _named(repository: Repository, image: StoredImage) -> dict[str, Any]:
    tag = image.tags[-1] if image.tags else None
    return {
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageId": _id(image, tag),
    }


def _details(repository: Repository, image: StoredImage) -> dict[str, Any]:
    record = image.record
    details: dict[str, Any] = {
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageSizeInBytes": record["size"],
        "imagePushedAt": record["pushed_at"],
        "imageManifestMediaType": record["media_type"],
    }
    if image.tags:
        details["imageTags"] = list(image.tags)
    if record["config_type"]:
        details["artifactMediaType"] = record["config_type"]
    if record["scanned_at"] is not None:
        details["imageScanStatus"] = SCANNED
        details["imageScanFindingsSummary"] = {
            "imageScanCompletedAt": record["scanned_at"],
            "findingSeverityCounts": {},
        }
    return details


def _with_manifest(repository: Repository, image: StoredImage, tag: str | None) -> dict[str, Any]:
    return {
        "registryId": ACCOUNT,
        "repositoryName": repository.name,
        "imageId": _id(image, tag),
        "imageManifest": repository.manifest(image).decode(),
        "imageManifestMediaType": image.record["media_type"],
    }
