"""One training on AWS Lambda: data from S3, rocket/train over a layout below /tmp, model to S3."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rocket.processes import die_with_parent
from rocket.settings import APP, Layout
from rocket.workplace import workplace

log = logging.getLogger("rocket")

#: What an event may have, and the type of each.
KEYS = {"hyperparameters": dict, "data": str, "models": str}


class TrainingFailed(Exception):
    """Training ended without a model; the message is the first line of output/failure."""


@dataclass(frozen=True)
class Job:
    """What one training is to do.

    Attributes:
        data: Place on S3 with one folder for each channel; "" for the layout's own data.
        models: Place on S3 for the model's folder; "" to leave the model in the layout's folder.
        hyperparameters: In addition to those of the layout's hyperparameters.json, if there is one.
        home: The layout that `data` and `models` fall back to.
    """

    data: str = ""
    models: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    home: Layout = field(default_factory=Layout.from_environment)

    @classmethod
    def from_event(cls, event: Any, environ: Mapping[str, str] = os.environ) -> Job:
        """Reads the event of app.train, and what it leaves out from the environment.

        Raises:
            ValueError: The event has another key, or a value of another type.
        """
        if event is None or (isinstance(event, dict) and "detail-type" in event):
            event = {}  # A rule of EventBridge sends its own document: that it is time.
        if not isinstance(event, dict):
            raise ValueError(f"the event is a {type(event).__name__}: send a JSON object")
        for key, value in event.items():
            if key not in KEYS:
                raise ValueError(f'the event has "{key}": only {", ".join(KEYS)} are known')
            if not isinstance(value, KEYS[key]):
                wanted = "an object" if KEYS[key] is dict else "a string"
                raise ValueError(f"the event's {key} must be {wanted}, got {json.dumps(value)}")
        return cls(
            data=event.get("data") or environ.get("DATA_URI", ""),
            models=event.get("models") or environ.get("MODELS_URI", ""),
            hyperparameters=event.get("hyperparameters", {}),
        )

    def run(self, function: str, request_id: str) -> str:
        """Trains, and returns the place of the model.

        Args:
            function: The function's name, with which the model's name begins.
            request_id: The id of the request, whose first characters end it.

        Raises:
            TrainingFailed: rocket/train ended with another exit code than 0.
            TransferError: S3 refuses, or /tmp is too small.
        """
        with workplace("rocket-train-") as root:
            layout = Layout(root)
            self._lay_out(layout)
            _train(layout)
            if not self.models:
                return str(self.home.model)
            stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
            name = f"{function}-{stamp}-{request_id[:8]}"
            return _deliver(layout, f"{self.models.rstrip('/')}/{name}/model.tar.gz")

    def _lay_out(self, layout: Layout) -> None:
        """Makes what rocket/train finds: data, hyperparameters, and a folder for the model."""
        layout.config.mkdir(parents=True)
        parameters = {**_read_object(self.home), **self.hyperparameters}
        if parameters:
            path = layout.config / "hyperparameters.json"
            path.write_text(json.dumps(parameters), encoding="utf-8")
        if self.data:
            from rocket import s3

            s3.fetch_folder(self.data, layout.channels)
        elif self.home.channels.is_dir():
            layout.channels.symlink_to(self.home.channels.resolve())
        if not self.models:
            self.home.model.mkdir(parents=True, exist_ok=True)
            layout.model.symlink_to(self.home.model.resolve())


def _read_object(home: Layout) -> dict[str, Any]:
    path = home.config / "hyperparameters.json"
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if not isinstance(found, dict):
        raise ValueError(f"{path} must be a JSON object, name to value")
    return found


def _train(layout: Layout) -> None:
    """Runs rocket/train, as a container would, and waits for its end."""
    parent = os.getpid()
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(APP / "rocket" / "train")],
        env={**os.environ, "ROCKET_ML_ROOT": str(layout.root)},
        preexec_fn=lambda: die_with_parent(parent),
        check=False,
    )
    if ended.returncode != 0:
        reason = f"rocket/train ended with exit code {ended.returncode}"
        if layout.failure.exists():
            reason = layout.failure.read_text("utf-8").partition("\n")[0] or reason
        raise TrainingFailed(reason)


def _deliver(layout: Layout, uri: str) -> str:
    """Packs the model and sends it to S3."""
    import shutil

    from rocket import s3

    # The data has done its work, and /tmp may be small.
    shutil.rmtree(layout.channels, ignore_errors=True)
    s3.send_archive(layout.model, uri, bench=layout.root)
    log.info("the model is %s", uri)
    return uri
