"""Whether Lambda would take the image, asked of ECR before anything is deployed.

CloudFormation would tell of it only after minutes, and of a wrong processor only the first
invocation does.

Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from __future__ import annotations

import json
import re
import urllib.request
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, aws
from odyssey.console import clean, note
from odyssey.errors import AwsError, UsageError
from odyssey.images import manifests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.aws import Access
    from odyssey.config import Config

PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
"""The platform of an image, by the architecture of a function."""

ACCEPTED = (manifests.DOCKER, manifests.OCI, manifests.DOCKER_LIST, manifests.OCI_INDEX)
PUSH = "odyssey docker build, then odyssey docker push"
TIMEOUT = 30
"""Seconds to wait for the configuration of an image."""

_ADDRESS = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.-]+/"
    r"(?P<name>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})"
)


def require_deployable(settings: Config, access: Access) -> None:
    """Make sure that Lambda takes the image of the settings.

    What ECR does not let us see is left to the deployment.

    Args:
        settings: The app's settings.
        access: The way to AWS.

    Raises:
        UsageError: Lambda would refuse it, or could not run it.
        AwsError: ECR refuses in another way than by forbidding it.
    """
    image = settings.artifacts.image
    found = _ADDRESS.fullmatch(image)
    if found is None or found["fips"]:
        raise UsageError(
            f"the image {clean(image)}: Lambda takes images of ECR only, and of no FIPS endpoint",
            "odyssey docker push",
        )
    if found["region"] != access.region:
        raise UsageError(
            f"the image {image} is in {found['region']}, and the functions in {access.region}: "
            "Lambda takes an image of its own region only",
            f"odyssey docker push --region {access.region}, or --region {found['region']}",
        )
    if artifacts.stands_in(image):
        return
    try:
        problems = _problems(settings, access.client("ecr"), found)
    except AwsError as error:
        if not aws.is_refusal(error.message):
            raise
        note(f"{image} cannot be looked at with these credentials: {clean(error.message)}")
        return
    if problems:
        raise UsageError(f"the image {image}: {'; '.join(problems)}", PUSH)


def _problems(settings: Config, ecr: Any, found: re.Match[str]) -> tuple[str, ...]:
    place = {"registryId": found["account"], "repositoryName": found["name"]}
    media_type, manifest = _manifest(ecr, place, found["digest"], settings.artifacts.image)
    problems = manifests.function_problems(media_type, manifest)
    if problems:
        return problems
    seen = _platform(ecr, place, manifest)
    architecture = settings.function.architecture
    if seen in {None, PLATFORMS[architecture]}:
        return ()
    other = {platform: name for name, platform in PLATFORMS.items()}.get(seen or "")
    instead = f'architecture = "{other}" under [function], or ' if other else ""
    return (
        f"it is for {seen}, and function.architecture is {architecture}: it would end with "
        f'"exec format error"; {instead}build it for {PLATFORMS[architecture]}',
    )


def _manifest(
    ecr: Any, place: Mapping[str, str], digest: str, image: str
) -> tuple[str, dict[str, Any]]:
    with aws.explained():
        told = ecr.batch_get_image(
            **place, imageIds=[{"imageDigest": digest}], acceptedMediaTypes=list(ACCEPTED)
        )
    if not told.get("images"):
        raise UsageError(f"the image {image} is not in ECR", "odyssey docker push")
    (one,) = told["images"]
    try:
        return str(one.get("imageManifestMediaType", "")), dict(json.loads(one["imageManifest"]))
    except ValueError as error:
        raise AwsError(f"BatchGetImage: the manifest of {image} is no JSON object") from error


def _platform(ecr: Any, place: Mapping[str, str], manifest: Mapping[str, Any]) -> str | None:
    """Return what an image is built for, or None where its configuration does not come."""
    digest = manifest.get("config", {}).get("digest")
    with aws.explained():
        url = ecr.get_download_url_for_layer(**place, layerDigest=digest)["downloadUrl"]
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  # ECR's own
            return manifests.platform_of(json.load(answer))
    except (OSError, ValueError) as error:
        note(f"what the image is built for cannot be looked at: {clean(str(error))}")
        return None
