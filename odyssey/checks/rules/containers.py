"""Rules for the containers of models: image and model data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import MODEL, containers
from odyssey.checks.outlines import has_holes
from odyssey.checks.parts import Part, told
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html"
_IMAGE = ("sagemaker", "CreateModel", "PrimaryContainer", "Image")

_ECR = re.compile(
    r"(?P<account>[^.]+)\.dkr[.-]ecr(-fips)?\.(?P<region>[^.]+|\$\{[^}]*\})\."
    r"(amazonaws\.com(\.cn)?|on\.aws|\$\{[^}]*\})/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(?P<digest>@.+)?"
)

_URI = re.compile(r"(?P<repository>\$\{[^}]*\}):(?P<tag>[\w.-]+)(?P<digest>@.+)?")
"""The URI of a repository that only a deployment knows, with a tag."""

_MOVING = ("latest", "stable", "main", "master", "dev", "prod")


def _containers(found: Template) -> Iterator[Part]:
    for model in found.of(MODEL):
        yield from containers(model)


def _images(found: Template) -> Iterator[tuple[Part, str]]:
    for container in _containers(found):
        yield from ((container, text) for text in container.texts("Image") if text)


@rule(
    "SM104",
    Severity.WARNING,
    "template",
    "A model has its image by digest",
    source="https://github.com/aws/aws-cdk/issues/15333",
    fix="give the image as REPOSITORY@sha256:..., as odyssey docker push prints it",
)
def image_by_digest(found: Template) -> Iterator[Fault]:
    """A tag can move, and a template that names it stays the same.

    A new image under it is then no change, so nothing is deployed; an instance that SageMaker
    adds later may run another image than those beside it; and a rollback has nothing to go back to.
    """
    for container, text in _images(found):
        seen = _ECR.fullmatch(text) or _URI.fullmatch(text)
        if seen is None or seen["digest"] or _is_immutable(container):
            continue
        tag = seen["tag"]
        if has_holes(tag or seen["repository"].rpartition("/")[2]):
            continue  # What fills the hole may bring a digest of its own.
        moves = tag is None or tag in _MOVING
        yield container.fault(
            f"the image has {f'the tag {tag}' if tag else 'no tag, which is latest'}",
            "Image",
            value=text,
            limit="a digest, @sha256:...",
            severity=None if moves else Severity.INFO,
        )


def _is_immutable(container: Part) -> bool:
    repository = container.target("Image")
    return repository is not None and repository.get("ImageTagMutability") == "IMMUTABLE"


@rule(
    "SM105",
    Severity.ERROR,
    "template",
    "An image's URI has no blanks and at most 255 characters",
    source=_API,
    fix="write the URI as docker push has it",
)
def image_uri(found: Template) -> Iterator[Fault]:
    """SageMaker refuses any other URI."""
    limit = limits.of(*_IMAGE)
    for container, text in _images(found):
        if re.search(r"\s", text) or (not has_holes(text) and not limit.admits(text)):
            yield container.fault(
                f"the image is {told(text)}", "Image", value=text, limit=limit.describe()
            )


@rule(
    "SM106",
    Severity.WARNING,
    "template",
    "An image is in Amazon ECR",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html",
    fix="push the image to ECR, or set ImageConfig.RepositoryAccessMode to Vpc with a VpcConfig",
)
def image_in_ecr(found: Template) -> Iterator[Fault]:
    """SageMaker pulls from ECR; from another registry only where the model's network reaches it."""
    for container, text in _images(found):
        registry = text.partition("/")[0]
        elsewhere = not has_holes(registry) and not _ECR.fullmatch(text)
        if elsewhere and not container.has("ImageConfig") and not re.search(r"\s", text):
            yield container.fault(
                f"the image is {told(text)}",
                "Image",
                value=text,
                limit="ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@DIGEST",
            )


@rule(
    "SM107",
    Severity.ERROR,
    "template",
    "A model's data is one .tar.gz in S3",
    source=_API,
    fix="pack the model as model.tar.gz, or use ModelDataSource for files as they are",
)
def model_data(found: Template) -> Iterator[Fault]:
    """SageMaker unpacks one gzip compressed tar archive, and downloads nothing else.

    A model of several models, in the mode MultiModel, has a prefix here instead.
    """
    for container in _containers(found):
        for text in container.texts("ModelDataUrl"):
            several = container.get("Mode") not in (None, "SingleModel")
            scheme = text.partition("://")[0] if "://" in text else ""
            starts = has_holes(text.partition("/")[0]) or scheme in ("s3", "https")
            ends = text.endswith((".tar.gz", "}")) or several
            if text and not (starts and ends):
                yield container.fault(
                    f"the model's data is {told(text)}",
                    "ModelDataUrl",
                    value=text,
                    limit="s3://BUCKET/KEY.tar.gz",
                )


@rule(
    "SM122",
    Severity.INFO,
    "template",
    "A model's data has a key of its own",
    source="https://github.com/aws/sagemaker-python-sdk/issues/1187",
    fix="put the training job, a version or a digest into the key",
)
def model_key(found: Template) -> Iterator[Fault]:
    """A new model under the same key is no change of the template, so nothing is deployed.

    An instance that SageMaker adds later has the new model beside the old ones.
    """
    for container in _containers(found):
        for text in container.texts("ModelDataUrl"):
            if re.search(r"/(latest|current|newest)(/|\.tar\.gz$)", text):
                yield container.fault(
                    f"the model's data is {told(text)}",
                    "ModelDataUrl",
                    value=text,
                    limit="a key that each model has alone",
                )


@rule(
    "SM108",
    Severity.ERROR,
    "template",
    "Image and model are in the region of the endpoint",
    source=_API,
    fix="push the image to, and copy the model into, the stack's region",
)
def one_region(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a model whose image or data is in another region."""
    expected = found.region
    for container in _containers(found):
        for member, text, region, sure in _regions(container):
            if expected is None:
                expected = region if sure else None
            elif region != expected:
                yield container.fault(
                    f"{member} is of {region}, the rest of {expected}",
                    member,
                    value=text,
                    limit=expected,
                    severity=None if sure else Severity.WARNING,
                )


_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")

_DEFAULT_BUCKET = re.compile(r"s3://sagemaker-([a-z]{2}(?:-[a-z]+)+-\d)-\d{12}/")

_HTTPS = re.compile(r"https://(?:[^/]+\.)?s3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com")


def _regions(container: Part) -> Iterator[tuple[str, str, str, bool]]:
    """Yield member, text and region of what tells its region, and whether it does for sure.

    What a condition chooses is left out: it may be chosen by the region.
    """
    images, places = (list(container.texts(name)) for name in ("Image", "ModelDataUrl"))
    if not container.certain or "Condition" in container.resource.definition:
        return
    for text in images if len(images) == 1 else ():
        seen = _ECR.fullmatch(text)
        if seen and _REGION.fullmatch(seen["region"]):
            yield "Image", text, seen["region"], True
    for text in places if len(places) == 1 else ():
        for pattern, sure in ((_DEFAULT_BUCKET, False), (_HTTPS, True)):
            found = pattern.match(text)
            if found:
                yield "ModelDataUrl", text, found[1], sure
