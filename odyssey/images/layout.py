"""``/opt/ml`` as SageMaker lays it out for a container, from the folders of an app.

Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import hyperparameters, staging

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from odyssey.config import Config

    Entry = tuple[str, Path | bytes | None]

ROOT = "opt/ml"
MODEL = f"/{ROOT}/model"
OUTPUT = f"/{ROOT}/output"
FOLDERS = ("input", "input/config", "input/data", "model", "output", "output/data")
"""What a training container finds below the root."""

HOST = "algo-1"
PORT = 8080
"""The port that a container listens on: SageMaker's rule."""


@dataclass(frozen=True)
class Group:
    """Instances of one type that a training job runs on.

    Args:
        hosts: Their names.
        instance_type: Their type.
        name: The group's name; this one is that of the group that is alone.
    """

    hosts: tuple[str, ...]
    instance_type: str
    name: str = "homogeneousCluster"


def training(settings: Config) -> Iterator[Entry]:
    """Yield what a training container finds, as entries below the root of its file system.

    Raises:
        UsageError: ``input/config/hyperparameters.json`` is no JSON object.
    """
    data = settings.folder / "input" / "data"
    for folder in ("", *FOLDERS):
        yield f"{ROOT}/{folder}".rstrip("/"), None
    channels = sorted(path.name for path in data.iterdir() if path.is_dir())
    documents = configuration(
        hyperparameters.load(settings.folder),
        {name: channel() for name in channels},
        [Group((HOST,), settings.training.instance_type)],
        HOST,
    )
    for name, content in documents.items():
        yield f"{ROOT}/input/config/{name}", content
    for name, path in _files(data):
        yield f"{ROOT}/input/data/{name}", path


def model(settings: Config) -> Iterator[Entry]:
    """Yield the model's files, as entries below its folder."""
    home = settings.folder / staging.MODEL
    for name, path in _files(home):
        if path.name not in staging.KEPT:
            yield name, path


def configuration(
    parameters: Mapping[str, str],
    channels: Mapping[str, Mapping[str, str]],
    groups: Sequence[Group],
    host: str,
) -> dict[str, bytes]:
    """Return the files of ``/opt/ml/input/config``, by their names.

    Args:
        parameters: The hyperparameters.
        channels: What `channel` says of each channel, by its name.
        groups: The instances.
        host: The name of the instance that they are for.
    """
    own = next(group for group in groups if host in group.hosts)
    documents = {
        "hyperparameters.json": dict(parameters),
        "inputdataconfig.json": {name: dict(found) for name, found in channels.items()},
        "resourceconfig.json": {
            "current_host": host,
            "current_instance_type": own.instance_type,
            "current_group_name": own.name,
            "hosts": sorted(name for group in groups for name in group.hosts),
            "instance_groups": [
                {
                    "instance_group_name": group.name,
                    "instance_type": group.instance_type,
                    "hosts": list(group.hosts),
                }
                for group in groups
            ],
            "network_interface_name": "eth0",
        },
    }
    return {name: json.dumps(document).encode() for name, document in documents.items()}


def channel(
    mode: str = "File",
    *,
    distribution: str = "FullyReplicated",
    wrapper: str = "None",
    content_type: str = "",
) -> dict[str, str]:
    """Return what a training container is told of a channel."""
    kind = {"ContentType": content_type} if content_type else {}
    return {
        "TrainingInputMode": mode,
        **kind,
        "S3DistributionType": distribution,
        "RecordWrapperType": wrapper,
    }


def _files(home: Path) -> Iterator[tuple[str, Path]]:
    """Yield files with their names below a folder, sorted; links are followed, as data often is."""
    for place, folders, names in os.walk(home, followlinks=True):
        here = Path(place).resolve()
        # But not those that lead to a folder above themselves, and so to all of it again.
        folders[:] = sorted(
            name for name in folders if not here.is_relative_to(Path(place, name).resolve())
        )
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and name not in staging.KEPT:
                yield path.relative_to(home).as_posix(), path
