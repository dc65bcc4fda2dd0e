"""Rules of the image on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.console import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.local_image import LocalImage

HOSTING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"


@rule(
    "IMG101",
    Severity.ERROR,
    "image",
    "An image is for the processor of the instances, or of the function, that run it",
    source=HOSTING,
    fix="odyssey docker build makes it for the right platform; else docker build --platform",
)
def platform(found: LocalImage) -> Iterator[Fault]:
    """On another processor the first program ends with "exec format error".

    An endpoint that is made of it fails its health check after minutes, a function at its first
    call. It happens to images that are built on a laptop with an ARM processor.
    """
    if found.platform is not None and found.image.platform != found.platform:
        yield Fault(
            f"the image is for {found.image.platform or 'no known platform'}, and what runs it is "
            f"{found.platform}",
            path=("platform",),
            value=found.image.platform,
            limit=found.platform,
        )


@rule(
    "IMG102",
    Severity.ERROR,
    "image",
    "The ENTRYPOINT of an image is a list, and no line for a shell",
    source=HOSTING,
    fix='write it as a list: ENTRYPOINT ["program", "argument"]',
)
def shell_form(found: LocalImage) -> Iterator[Fault]:
    """A shell drops the word ``serve`` or ``train`` that SageMaker appends, and keeps signals.

    The container then does not start what it is asked for, and is killed where it should end.
    """
    from odyssey.images.manifests import is_shell_form

    if found.on_sagemaker and is_shell_form(found.image.entrypoint):
        yield Fault(
            "the ENTRYPOINT is in shell form, which drops the word that SageMaker appends",
            path=("ENTRYPOINT",),
            value=found.image.entrypoint[-1],
            limit="a list of words",
        )


@rule(
    "IMG103",
    Severity.WARNING,
    "image",
    "An image for SageMaker runs as root",
    source=HOSTING,
    fix="leave USER out of the Dockerfile",
)
def user(found: LocalImage) -> Iterator[Fault]:
    """SageMaker expects its containers to run as root: what it mounts belongs to root.

    Another user can often neither write the model nor read the data. Lambda ignores the user.
    """
    if found.on_sagemaker and found.image.user.partition(":")[0] not in ("", "root", "0"):
        yield Fault(
            f"the image runs as the user {found.image.user}",
            path=("USER",),
            value=found.image.user,
            limit="root",
        )


@rule(
    "IMG104",
    Severity.ERROR,
    "image",
    "An image for Lambda or a serverless endpoint has 10 GB uncompressed at most",
    source=f"{LAMBDA} and https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html",
    fix="leave model and data out with .dockerignore, compilers and caches out of the layers",
)
def too_large(found: LocalImage) -> Iterator[Fault]:
    """A larger image is refused, after it has been pushed for as long as its size takes."""
    from odyssey.images.manifests import LIMIT

    if (found.on_lambda or found.serverless) and found.image.size > LIMIT:
        yield Fault(
            f"the image has {size(found.image.size)}",
            path=("size",),
            value=found.image.size,
            limit=f"at most {LIMIT} bytes",
        )


@rule(
    "IMG105",
    Severity.ERROR,
    "image",
    "An image has one manifest, of Docker's schema 2",
    source=f"{LAMBDA} and https://github.com/aws/amazon-sagemaker-feedback/issues/180",
    fix="odyssey docker build makes it so; else docker buildx build --provenance=false "
    "--sbom=false --output type=docker",
)
def manifest(found: LocalImage) -> Iterator[Fault]:
    """Lambda refuses an index of manifests, which buildx makes for its attestations.

    SageMaker has refused OCI manifests, and takes Docker's. Only an engine with containerd's image
    store knows the manifest before a push; ``odyssey docker push`` looks at what was pushed.
    """
    from odyssey.images.manifests import DOCKER, INDEXES, OCI

    kind = found.image.media_type
    if kind in INDEXES:
        severity = Severity.ERROR if found.on_lambda else Severity.WARNING
        what = "the image is an index of several manifests"
    elif kind == OCI and found.on_sagemaker:
        severity, what = Severity.WARNING, "the image has OCI's manifest"
    else:
        return
    yield Fault(what, path=("mediaType",), value=kind, limit=DOCKER, severity=severity)


@rule(
    "IMG106",
    Severity.WARNING,
    "image",
    "The ENTRYPOINT of an image for SageMaker takes the words train and serve",
    source=HOSTING,
    fix='name the program after it: ENTRYPOINT ["tini", "--", "program"]',
)
def init_alone(found: LocalImage) -> Iterator[Fault]:
    """SageMaker appends ``train`` or ``serve``; an init program alone takes it for the program.

    Where there is no program of this name in the image, the container ends at once.
    """
    words = found.image.entrypoint
    first = words[0].rpartition("/")[2] if words else ""
    alone = all(word.startswith("-") for word in words[1:])
    if found.on_sagemaker and first in ("tini", "dumb-init", "catatonit") and alone:
        yield Fault(
            f"the ENTRYPOINT is {first} alone, which starts the word that SageMaker appends",
            path=("ENTRYPOINT",),
            value=" ".join(words),
        )
