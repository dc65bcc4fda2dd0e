"""ECR's operations on layers, for who brings and fetches them without a registry's client."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.ecr.blobs import DIGEST

if TYPE_CHECKING:
    from odyssey.sandbox.ecr.repository import Repository
    from odyssey.sandbox.sandbox import Sandbox

PART = 10 << 20
"""Bytes of a part that ECR asks for."""

LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class EcrLayers:
    """The operations on layers.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is asked yet."""
        self._repositories = sandbox.repositories
        self._passwords = sandbox.passwords
        self._url = f"http://127.0.0.1:{sandbox.server.port}/v2"

    @operation("ecr", "BatchCheckLayerAvailability")
    def check(self, call: Call) -> dict[str, Any]:
        """Tell which layers a repository has."""
        repository = self._repositories.asked(call)
        layers, failures = [], []
        for digest in call.parameters["layerDigests"]:
            size = repository.size(digest)
            if size is not None:
                found = {"layerDigest": digest, "layerAvailability": "AVAILABLE"}
                layers.append({**found, "layerSize": size, "mediaType": LAYER})
                continue
            is_digest = DIGEST.fullmatch(digest)
            failures.append(
                {
                    "layerDigest": digest,
                    "failureCode": "MissingLayerDigest" if is_digest else "InvalidLayerDigest",
                    "failureReason": "The layer does not exist" if is_digest else "It is no digest",
                }
            )
        return {"layers": layers, "failures": failures}

    @operation("ecr", "GetDownloadUrlForLayer")
    def url(self, call: Call) -> dict[str, Any]:
        """Return a URL that answers with a layer, to whoever has it."""
        repository, digest = self._repositories.asked(call), call.parameters["layerDigest"]
        if repository.size(digest) is None:
            raise ServiceError(
                "LayersNotFoundException",
                f"The layer with digest '{digest}' does not exist in the repository with name "
                f"'{repository.name}' in the registry with id '{ACCOUNT}'",
            )
        password = self._passwords.give(call.principal, call.region).text
        url = f"{self._url}/{repository.name}/blobs/{digest}?password={password}"
        return {"downloadUrl": url, "layerDigest": digest}

    @operation("ecr", "InitiateLayerUpload")
    def begin(self, call: Call) -> dict[str, Any]:
        """Begin with a layer that comes in parts."""
        return {"uploadId": self._repositories.asked(call).begin().id, "partSize": PART}

    @operation("ecr", "UploadLayerPart")
    def take(self, call: Call) -> dict[str, Any]:
        """Take the next part of a layer."""
        repository, asked = self._repositories.asked(call), call.parameters
        upload = repository.upload(asked["uploadId"])
        if asked["partFirstByte"] != upload.size:
            last = upload.size - 1
            raise ServiceError(
                "InvalidLayerPartException",
                f"The part begins with byte {asked['partFirstByte']}, and the last byte that came "
                f"is {last}",
                members={"uploadId": upload.id, "lastValidByteReceived": last},
            )
        upload.append(io.BytesIO(asked["layerPartBlob"]))
        return {**_named(repository), "uploadId": upload.id, "lastByteReceived": upload.size - 1}

    @operation("ecr", "CompleteLayerUpload")
    def finish(self, call: Call) -> dict[str, Any]:
        """Keep a layer that has come."""
        repository, asked = self._repositories.asked(call), call.parameters
        upload = repository.upload(asked["uploadId"])
        # There may be several digests: of each algorithm that the client knows.
        wanted = [each for each in asked["layerDigests"] if DIGEST.fullmatch(each)]
        digest = wanted[0] if wanted else asked["layerDigests"][0]
        repository.finish(upload, digest)
        return {**_named(repository), "uploadId": upload.id, "layerDigest": digest}


def _named(repository: Repository) -> dict[str, str]:
    return {"registryId": ACCOUNT, "repositoryName": repository.name}
