"""The images of functions: which one a name means, and whether Lambda takes it.

Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from odyssey.images.manifests import GZIPPED, INDEXES
from odyssey.sandbox.lambda_.functions import invalid
from odyssey.sandbox.machines import MachineError

if TYPE_CHECKING:
    from odyssey.sandbox.ecr.images import Located
    from odyssey.sandbox.sandbox import Sandbox

ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}
"""How Lambda calls what images call otherwise."""


class Resolved(NamedTuple):
    """An image, which stays the same when a tag moves.

    Args:
        asked: Its name, as the request has it.
        uri: Its name with its digest.
        digest: Its digest.
    """

    asked: str
    uri: str
    digest: str


def resolved(sandbox: Sandbox, image: str, region: str, architecture: str) -> Resolved:
    """Return which image a name means now.

    Where jobs run as processes there need not be any: then a name alone will do.

    Args:
        sandbox: The sandbox.
        image: The image, as the request names it.
        region: Where the function is.
        architecture: What it is to run on.

    Raises:
        ServiceError: It is not in the sandbox's ECR, or Lambda does not take such.
    """
    name, _, digest = image.partition("@")
    begin, _, tag = name.rpartition(":")
    bare = begin if begin and "/" not in tag else name
    try:
        located = sandbox.images.locate(image, region, None)
    except MachineError as error:
        if sandbox.executor.name != "process":
            told = f"Source image {image} does not exist. Provide a valid source image."
            raise invalid(told) from error
        digest = digest or f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
        return Resolved(image, f"{bare}@{digest}", digest)
    _require_fitting(sandbox, image, located, architecture)
    return Resolved(image, f"{bare}@{located.stored.digest}", located.stored.digest)


def _require_fitting(sandbox: Sandbox, image: str, located: Located, architecture: str) -> None:
    stored = located.stored
    manifest = json.loads(located.repository.manifest(stored))
    layers = {str(layer.get("mediaType")) for layer in manifest.get("layers", ())}
    if stored.record["media_type"] in INDEXES or layers - GZIPPED:
        raise invalid(
            "The image manifest, config or layer media type for the source image "
            f"{image} is not supported."
        )
    told = json.loads(sandbox.repositories.blobs.read(stored.record["config"]))
    made_for = ARCHITECTURES.get(str(told.get("architecture")), architecture)
    if made_for != architecture:
        # AWS takes it, and each invocation ends in an "exec format error".
        raise invalid(
            f"the source image {image} is made for {made_for}, and Architectures is "
            f"[{architecture}]: such a function could never start"
        )
