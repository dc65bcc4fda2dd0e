"""Rules of functions that are container images: what image, and what such a function cannot have.

Source: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from odyssey.checks import policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.functions import FUNCTION, is_image

if TYPE_CHECKING:
    from odyssey.checks.template import Path_, Resource, Template

_IMAGES = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"
_SCHEMA = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html"
_SNAPSTART = "https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html"
_UPDATE = "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"

_URI: Path_ = ("Code", "ImageUri")
_HOST = re.compile(r"^\d{12}\.dkr[.-](ecr|ecr-fips)\.([a-z0-9-]+)\.(on\.aws|amazonaws\.com)")
_REGION = re.compile(r"^arn:aws[a-z-]*:[a-z0-9-]+:([a-z]{2}(?:-[a-z]+)+-\d):")
_WRITTEN = (
    "HOME",
    "HF_HOME",
    "TRANSFORMERS_CACHE",
    "TORCH_HOME",
    "MPLCONFIGDIR",
    "NUMBA_CACHE_DIR",
    "XDG_CACHE_HOME",
    "JOBLIB_TEMP_FOLDER",
)
"""Variables that name a folder which libraries write to."""


def _images(found: Template) -> Iterator[tuple[Resource, str]]:
    """Yield the functions of images with their images; what is not known is a hole."""
    for each in found.of(FUNCTION):
        for uri in found.branches(each.raw(*_URI)):
            if uri is not None:
                yield each, policies.text(found, uri)


@rule(
    "LM121",
    Severity.ERROR,
    "template",
    "A function of a container image has no runtime, handler, layers or SnapStart",
    source=f"{_SCHEMA}, {_SNAPSTART}",
    fix="leave it out: the image has the runtime, ImageConfig.Command names the handler",
)
def zip_only(found: Template) -> Iterator[Fault]:
    """Lambda refuses a function of an image with what belongs to a ZIP file."""
    for each in found.of(FUNCTION):
        if each.get("PackageType") != "Image":
            continue
        for name in ("Runtime", "Handler", "Layers"):
            if each.raw(name):
                yield Fault(
                    f"{name} beside an image", each, (name,), each.get(name) or None, "none"
                )
        if each.get("SnapStart", "ApplyOn") == "PublishedVersions":
            yield Fault(
                "SnapStart of an image",
                each,
                ("SnapStart", "ApplyOn"),
                "PublishedVersions",
                "None",
                severity=Severity.WARNING,
            )


@rule(
    "LM122",
    Severity.ERROR,
    "template",
    "A function's package type and its code are of one kind",
    source=_SCHEMA,
    fix="say PackageType: Image beside Code.ImageUri, and nowhere else",
)
def package_type(found: Template) -> Iterator[Fault]:
    """Without a package type the code is a ZIP file, and a function of an image is refused."""
    for each in found.of(FUNCTION):
        kind, image = each.get("PackageType"), each.raw(*_URI)
        if image is not None and kind in (None, "Zip"):
            message = f"an image, and the package type is {kind or 'Zip, the default'}"
            yield Fault(message, each, ("PackageType",), kind, "Image")
        elif kind == "Image" and image is None and each.get("Code"):
            yield Fault("package type Image without an image", each, _URI, None, "an ImageUri")


@rule(
    "LM123",
    Severity.WARNING,
    "template",
    "A function's image is named by its digest",
    source=f"{_UPDATE}, https://github.com/aws/aws-cdk/issues/15333",
    fix="name it as REPOSITORY@sha256:…, which docker push prints",
)
def digest(found: Template) -> Iterator[Fault]:
    """Lambda looks a tag up once, when the function is made or updated.

    An image that is pushed to the same tag later changes nothing in the template, so that nothing
    is deployed; and after a rollback nobody knows which image the tag meant.
    """
    for each, uri in _images(found):
        last = uri.rpartition("/")[2]
        if "@sha256:" in uri or last.endswith(policies.HOLE):
            continue
        tag = last.rpartition(":")[2] if ":" in last else ""
        said = f'the tag "{tag}"' if tag else "no tag, which is latest"
        yield Fault(f"the image is named by {said}", each, _URI, tag or None, "a digest")


@rule(
    "LM124",
    Severity.ERROR,
    "template",
    "A function's image is in a private repository of Amazon ECR",
    source=_IMAGES,
    fix="push the image to a repository of your own, and name its usual host, not the FIPS one",
)
def registry(found: Template) -> Iterator[Fault]:
    """Lambda takes images of Amazon ECR only, and none by ECR's FIPS endpoints."""
    for each, uri in _images(found):
        host, separator, _ = uri.partition("/")
        if policies.HOLE in host:
            continue
        match = _HOST.match(host)
        if match is None or not separator:
            yield Fault(
                f"the image is at {host if separator else 'no registry'}",
                each,
                _URI,
                uri,
                "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY",
            )
        elif "fips" in match[1]:
            yield Fault(f"the image is at a FIPS endpoint, {host}", each, _URI, uri, "no FIPS")


@rule(
    "LM125",
    Severity.ERROR,
    "template",
    "A function's image is in the function's region",
    source=_IMAGES,
    fix="push the image to a repository of this region, or let ECR replicate it there",
)
def image_region(found: Template) -> Iterator[Fault]:
    """Lambda refuses an image of another region; one of another account is fine."""
    for each, uri in _images(found):
        match = _HOST.match(uri.partition("/")[0])
        here = found.region or _told_region(each)
        if match and here and match[2] != here:
            yield Fault(
                f"the image is in {match[2]}, the function in {here}", each, _URI, uri, here
            )


def _told_region(found: Resource) -> str | None:
    """Return the region that a function's own ARNs tell: what they name must be in its own."""
    for path in (("KmsKeyArn",), ("DeadLetterConfig", "TargetArn")):
        for _, arn in found.each(*path):
            match = _REGION.match(str(arn))
            if match:
                return match[1]
    return None


@rule(
    "LM126",
    Severity.INFO,
    "template",
    "What a function's libraries write goes to /tmp",
    source="https://github.com/danielgatis/rembg/issues/373",
    fix="set HF_HOME, TORCH_HOME, MPLCONFIGDIR, NUMBA_CACHE_DIR or XDG_CACHE_HOME below /tmp",
)
def caches(found: Template) -> Iterator[Fault]:
    """A function can write to /tmp alone; its home cannot be written to.

    Hugging Face, PyTorch, Matplotlib, Numba and others write below the home unless a variable says
    otherwise, in the template or in the image.
    """
    for each in found.of(FUNCTION):
        if not is_image(each):
            continue
        told = each.raw("Environment", "Variables")
        inside = {name: each.get("Environment", "Variables", name) for name in _WRITTEN}
        if not any(name in told for name in _WRITTEN) if isinstance(told, Mapping) else not told:
            message = "no variable names a folder that libraries may write to"
            yield Fault(message, each, ("Environment", "Variables"), None, "folders below /tmp")
        for name, value in inside.items():
            if isinstance(value, str) and value and not value.startswith("/tmp"):  # noqa: S108
                path = ("Environment", "Variables", name)
                yield Fault(f"{name} is {value}", each, path, value, "a folder below /tmp")
