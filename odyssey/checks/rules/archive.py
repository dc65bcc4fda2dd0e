"""Rules of the files of a model."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.console import clean, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.archive import ModelFiles

DEPLOYING = "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"
SERVERLESS = "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"
FUNCTION = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
PACK = "odyssey sagemaker upload packs the files of a model as SageMaker unpacks them"

DISK = 5 * 1024**3
"""Bytes of the disk of a serverless endpoint, whatever its memory is."""

_VERSION = re.compile(r"\d+|code")
"""Folders that servers want at the top: the versions of TensorFlow Serving, and code/."""


@rule(
    "MDL101",
    Severity.ERROR,
    "model",
    "A model is a .tar.gz",
    source=DEPLOYING,
    fix=PACK,
)
def unreadable(found: ModelFiles) -> Iterator[Fault]:
    """SageMaker unpacks a gzipped tar archive, and the endpoint fails with anything else."""
    if found.broken:
        yield Fault(f"the archive is no whole .tar.gz: {found.broken}", limit="a gzipped tar")


@rule("MDL102", Severity.ERROR, "model", "A model has files", source=DEPLOYING, fix=PACK)
def empty(found: ModelFiles) -> Iterator[Fault]:
    """An endpoint of an empty model starts, and fails its health check minutes later."""
    if not found.broken and not found.files:
        yield Fault("the model has no file in it")


@rule(
    "MDL103",
    Severity.WARNING,
    "model",
    "A model's archive is flat: no folder that all of it is in",
    source=f"{DEPLOYING} and https://github.com/aws/sagemaker-python-sdk/issues/831",
    fix="pack what is in the folder: tar -czf model.tar.gz -C FOLDER .",
)
def parent_folder(found: ModelFiles) -> Iterator[Fault]:
    """SageMaker unpacks into /opt/ml/model, where the app looks for its files.

    With a folder around them they are one level too deep, and get_model does not find them.
    """
    if not found.packed:
        return
    tops = {_parts(each.name)[:1] for each in found.files}
    if len(tops) != 1 or any(len(_parts(each.name)) == 1 for each in found.files):
        return
    top = next(iter(tops))[0]
    if not _VERSION.fullmatch(top):
        yield Fault(
            f'all files of the archive are in its folder "{clean(top)}"',
            path=(top,),
            value=found.files[0].name,
            limit="the files at the top",
        )


@rule(
    "MDL104",
    Severity.ERROR,
    "model",
    "No file of a model is outside of the folder that it is unpacked into",
    source=f"{DEPLOYING} and https://docs.python.org/3/library/tarfile.html#tarfile-extraction-filter",
    fix=PACK,
)
def outside(found: ModelFiles) -> Iterator[Fault]:
    """A path from the root, or with ``..``, is refused by what unpacks it, or lands elsewhere."""
    for each in found.members:
        path = PurePosixPath(each.name)
        if path.is_absolute() or ".." in path.parts:
            yield Fault(
                f'"{clean(each.name)}" would land outside of the model\'s folder',
                path=(each.name,),
                value=each.name,
                limit="a relative path without ..",
            )


@rule(
    "MDL105",
    Severity.WARNING,
    "model",
    "A model has no links",
    source="https://github.com/aws/sagemaker-tensorflow-serving-container/issues/122",
    fix="put the file itself there: tar --dereference, or odyssey sagemaker upload",
)
def links(found: ModelFiles) -> Iterator[Fault]:
    """What unpacks the archive may leave links out, and one that leads out of it leads nowhere."""
    for each in found.members:
        if each.kind == "link":
            yield Fault(
                f'"{clean(each.name)}" is a link to {clean(each.leads_to)}',
                path=(each.name,),
                value=each.leads_to,
                limit="files and folders",
            )


@rule(
    "MDL106",
    Severity.ERROR,
    "model",
    "A model has files and folders alone: no devices, pipes or sockets",
    source="https://docs.python.org/3/library/tarfile.html#tarfile-extraction-filter",
    fix=PACK,
)
def devices(found: ModelFiles) -> Iterator[Fault]:
    """Nothing that unpacks an archive of somebody makes a device, and none can be loaded."""
    for each in found.members:
        if each.kind == "device":
            yield Fault(f'"{clean(each.name)}" is neither a file nor a folder', path=(each.name,))


@rule(
    "MDL107",
    Severity.WARNING,
    "model",
    "A model fits on the disk that it is unpacked on",
    source=f"{SERVERLESS} and {FUNCTION}",
    fix="take an endpoint on instances, or more of function.storage_mb",
)
def too_large(found: ModelFiles) -> Iterator[Fault]:
    """A serverless endpoint has a disk of 5 GB, whatever its memory is; a function has its /tmp.

    What does not fit ends with "no space left on device", when it starts.
    """
    total = sum(each.size for each in found.members)
    if found.serverless and total > DISK:
        yield Fault(
            f"the model has {size(total)} unpacked, and a serverless endpoint 5 GB of disk",
            value=total,
            limit=f"at most {DISK} bytes",
        )
    if found.storage_mb and total > found.storage_mb * 1024**2:
        yield Fault(
            f"the model has {size(total)} unpacked, and the function {found.storage_mb} MB of /tmp",
            value=total,
            limit=f"at most {found.storage_mb} MB, which is function.storage_mb",
        )


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name).parts
