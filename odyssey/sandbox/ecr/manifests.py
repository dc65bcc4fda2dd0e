"""Manifests as the registry reads them: which blobs and manifests they refer to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from odyssey.images.manifests import DOCKER, DOCKER_LIST, INDEXES, OCI, OCI_INDEX
from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.ecr.blobs import DIGEST

KNOWN = (DOCKER, OCI, DOCKER_LIST, OCI_INDEX)

LARGEST = 4 << 20
"""Bytes of a manifest."""


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Args:
        digest: Its digest.
        media_type: Its type.
        config_type: The type of its configuration; "" for an index.
        config: The digest of its configuration; "" for an index.
        blobs: The digests of all that it is made of.
        members: Those of the manifests that an index is made of.
        size: Bytes of its layers, as they are stored.
    """

    digest: str
    media_type: str
    config_type: str = ""
    config: str = ""
    blobs: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    size: int = 0


def read(content: bytes, media_type: str) -> Manifest:
    """Return what a manifest says.

    Args:
        content: The manifest.
        media_type: Its type, where it does not say so itself.

    Raises:
        ServiceError: It is none that ECR takes.
    """
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    try:
        told = json.loads(content)
        kind = str(told.get("mediaType") or media_type.partition(";")[0])
        if kind not in KNOWN:
            raise _invalid(f"the manifest is of type '{kind}', and must be one of {KNOWN}")
        if kind in INDEXES:
            members = tuple(_digest(each) for each in told["manifests"])
            return Manifest(digest, kind, members=members)
        # Layers that are somewhere else are not stored here.
        layers = [layer for layer in told["layers"] if not layer.get("urls")]
        config = _digest(told["config"])
        return Manifest(
            digest,
            kind,
            config_type=str(told["config"].get("mediaType", "")),
            config=config,
            blobs=(config, *map(_digest, layers)),
            size=sum(int(layer["size"]) for layer in layers),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _invalid(f"the manifest cannot be read: {type(error).__name__}: {error}") from error


def _digest(descriptor: dict[str, Any]) -> str:
    digest = str(descriptor["digest"])
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"'{digest}' is no digest of sha256")
    return digest


def _invalid(why: str) -> ServiceError:
    return ServiceError(
        "InvalidParameterException",
        f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{why}'",
    )
