"""``/opt/ml`` as SageMaker lays it out for a container, from the folders of an app.

Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import hyperparameters, staging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.config import Config

    Entry = tuple[str, Path | bytes | None]

ROOT = "opt/ml"
MODEL = f"/{ROOT}/model"
OUTPUT = f"/{ROOT}/output"
HOST = "algo-1"
PORT = 8080
"""The port that a container listens on: SageMaker's rule."""


def training(settings: Config) -> Iterator[Entry]:
    """Yield what a training container finds, as entries below the root of its file system.

    Raises:
        UsageError: ``input/config/hyperparameters.json`` is no JSON object.
    """
    data = settings.folder / "input" / "data"
    for folder in ("", "input", "input/config", "input/data", "model", "output", "output/data"):
        yield f"{ROOT}/{folder}".rstrip("/"), None
    for name, document in _configuration(settings, data).items():
        yield f"{ROOT}/input/config/{name}", json.dumps(document).encode()
    for name, path in _files(data):
        yield f"{ROOT}/input/data/{name}", path


def model(settings: Config) -> Iterator[Entry]:
    """Yield the model's files, as entries below its folder."""
    home = settings.folder / staging.MODEL
    for name, path in _files(home):
        if path.name not in staging.KEPT:
            yield name, path


def _configuration(settings: Config, data: Path) -> dict[str, Any]:
    channels = sorted(path.name for path in data.iterdir() if path.is_dir())
    kind = settings.training.instance_type
    group = "homogeneousCluster"
    return {
        "hyperparameters.json": hyperparameters.load(settings.folder),
        "inputdataconfig.json": {
            name: {
                "TrainingInputMode": "File",
                "S3DistributionType": "FullyReplicated",
                "RecordWrapperType": "None",
            }
            for name in channels
        },
        "resourceconfig.json": {
            "current_host": HOST,
            "current_instance_type": kind,
            "current_group_name": group,
            "hosts": [HOST],
            "instance_groups": [
                {"instance_group_name": group, "instance_type": kind, "hosts": [HOST]}
            ],
            "network_interface_name": "eth0",
        },
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
