"""Rules for the containers of models: image, model data and environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import MODEL, containers
from odyssey.checks.outlines import HOLE, has_holes
from odyssey.checks.parts import Part, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html"
_IMAGE = ("sagemaker", "CreateModel", "PrimaryContainer", "Image")
_ENVIRONMENT = ("sagemaker", "CreateModel", "PrimaryContainer", "Environment")

_ECR = re.compile(
    r"(?P<account>[^.]+)\.dkr[.-]ecr(-fips)?\.(?P<region>[^.]+|\$\{[^}]*\})\."
    r"(amazonaws\.com(\.cn)?|on\.aws|\$\{[^}]*\})/(?P<repository>[^:@]+)"
    r"(:(?P<tag>[^@]+))?(?P<digest>@.+)?"
)
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
        seen = _ECR.fullmatch(text)
        if seen is None or seen["digest"] or _is_immutable(container):
            continue
        tag = seen["tag"]
        if tag is not None and (has_holes(tag) or has_holes(seen["repository"]) and ":" in tag):
            continue
        if tag is None and has_holes(seen["repository"].rpartition("/")[2]):
            continue  # What fills the hole may bring its own digest.
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
    """Yield member, text and region of what tells its region, and whether it does for sure."""
    for text in container.texts("Image"):
        seen = _ECR.fullmatch(text)
        if seen and _REGION.fullmatch(seen["region"]):
            yield "Image", text, seen["region"], True
    for text in container.texts("ModelDataUrl"):
        for pattern, sure in ((_DEFAULT_BUCKET, False), (_HTTPS, True)):
            found = pattern.match(text)
            if found:
                yield "ModelDataUrl", text, found[1], sure


@rule(
    "SM109",
    Severity.ERROR,
    "template",
    "A container's environment has at most 100 variables, 1024 bytes each, and 32 KB in all",
    source=_API,
    fix="shorten the environment, and name variables with letters, digits and underscores",
)
def environment(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a larger environment, and other names.

    The 32 KB are of all containers of a model together.
    """
    for model in found.of(MODEL):
        total = 0
        for container in containers(model):
            yield from _variables(container)
            total += sum(len(f"{k}{v}".encode()) for k, v in _environment(container))
        if total > 32 * 1024:
            yield Fault(
                f"the environment has {total} bytes in all",
                model,
                ("PrimaryContainer", "Environment")
                if model.raw("PrimaryContainer")
                else ("Containers",),
                total,
                "at most 32768 bytes",
            )


def _environment(container: Part) -> Iterator[tuple[str, Any]]:
    found = container.get("Environment")
    if isinstance(found, dict):
        yield from ((k, "" if v is UNKNOWN or v is None else v) for k, v in found.items())


def _variables(container: Part) -> Iterator[Fault]:
    key, value = (limits.of(*_ENVIRONMENT, part) for part in ("key", "value"))
    most = limits.of(*_ENVIRONMENT)
    given = dict(_environment(container))
    if not most.admits(given):
        yield container.fault(
            f"the environment has {len(given)} variables",
            "Environment",
            value=len(given),
            limit=most.describe(),
        )
    for name, text in given.items():
        if name.startswith("Fn::"):
            continue
        if not key.admits(name):
            yield container.fault(
                f"a variable is named {told(name)}",
                "Environment",
                name,
                value=name,
                limit=key.describe(),
            )
        if value.max is not None and len(str(text).encode()) > value.max:
            yield container.fault(
                f"the variable {name} has {len(str(text).encode())} bytes",
                "Environment",
                name,
                value=len(str(text).encode()),
                limit=f"at most {value.max:g} bytes",
            )


_SECRET_NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|PRIVATE_KEY|CREDENTIALS?)$"
)
_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{30,}|hf_[A-Za-z]{30,}|sk-[\w-]{20,}"
    r"|xox[abp]-[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\w+://[^/\s:@]+:[^/\s:@]+@\S+"
)


@rule(
    "SM110",
    Severity.WARNING,
    "template",
    "No secret is in a container's environment",
    source=_API,
    fix="keep it in Secrets Manager, give the container its ARN, and let the role read it",
)
def secrets(found: Template) -> Iterator[Fault]:
    """The environment is shown to everyone who may describe the model, and stays in templates."""
    for container in _containers(found):
        for name, value in _environment(container):
            text = str(value)
            named = _SECRET_NAME.search(name.upper()) and _may_be_secret(text)
            if named or _SECRET_VALUE.search(HOLE.sub("", text)):
                yield container.fault(
                    f"the variable {name} looks like a secret",
                    "Environment",
                    name,
                    value="(not shown)",
                    limit="the ARN or the name of a secret",
                )


def _may_be_secret(text: str) -> bool:
    plain = text.lower() in ("", "true", "false", "none", "null")
    return not (plain or text.startswith(("arn:", "{{resolve:", "/")) or text.isdigit())


@rule(
    "SM111",
    Severity.WARNING,
    "template",
    "An isolated container reads nothing from S3 itself",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    fix="give the model by ModelDataUrl, or set EnableNetworkIsolation to false",
)
def isolation(found: Template) -> Iterator[Fault]:
    """With network isolation a container has no network and no credentials.

    What its environment tells it to fetch never comes; only SageMaker's own download does.
    """
    for model in found.of(MODEL):
        if str(model.get("EnableNetworkIsolation")).lower() != "true":
            continue
        for container in containers(model):
            for name in dict(_environment(container)):
                for text in container.texts("Environment", name):
                    if text.startswith("s3://") or ".s3." in text:
                        yield container.fault(
                            f"{name} is {told(text)}, which an isolated container cannot read",
                            "Environment",
                            name,
                            value=text,
                            limit="no place in S3",
                        )
