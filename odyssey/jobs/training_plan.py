"""A training job worked out: its names, places and role, and the request that they make."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import hyperparameters, names, roles, storage
from odyssey.console import clean
from odyssey.errors import UsageError
from odyssey.jobs import training_requests
from odyssey.jobs.made import DATA, Made
from odyssey.jobs.training_requests import CHANNEL, TrainingRequest
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odyssey.aws import Clients
    from odyssey.config import Config

MODELS = "model"
"""The prefix of the bucket that jobs write their models to."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line, besides the settings.

    Args:
        source: The data: an s3:// URI of an object or a prefix, or a file or folder. Default: the
            app's ``input/data/training``, where no channel is given.
        output: The s3:// URI that models go below. Default: ``model`` in the app's bucket.
        channels: Further data, by the names of their channels, as `source`.
        hyperparameters: Those of this job, stronger than ``input/config/hyperparameters.json``.
        content_type: The type of the data. Default: not said.
        role: The role's ARN or name. Default: that of the foundation stack.
        name: What the job's name begins with. Default: the app's name, with its environment.
        job_name: The job's whole name.
        again: Options that lead to the same place again, for hints; see `following.again`.
    """

    source: str = ""
    output: str = ""
    channels: Mapping[str, str] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    role: str = ""
    name: str = ""
    job_name: str = ""
    again: str = ""


@dataclass(frozen=True)
class Planned:
    """The request that a dry run does not send."""

    request: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it, by its operation."""
        return {training_requests.OPERATION: dict(self.request)}

    def text(self) -> str:
        """Return it for a reader."""
        return json.dumps(self.document(), indent=2)


@dataclass(frozen=True)
class Plan:
    """The request, and what has to be uploaded before it is sent.

    Args:
        request: The request of CreateTrainingJob.
        uploads: Files and folders of this machine, with the prefixes that they go to.
    """

    request: Mapping[str, Any]
    uploads: tuple[tuple[Path, Uri], ...]

    @classmethod
    def of(cls, settings: Config, access: Clients, wanted: Wanted, now: datetime) -> Plan:
        """Work out a job from what was asked for, the settings and the foundation stack.

        Args:
            settings: The app's settings.
            access: The way to AWS.
            wanted: What was asked for.
            now: The time.

        Raises:
            UsageError: A rule of AWS is broken, or something is missing.
            AwsError: AWS refuses.
        """
        made = Made(settings, access)
        name = wanted.name or names.qualified(settings.app.name, settings.env)
        data = _sources(settings, wanted)
        uploads = {
            channel: _upload(made, channel, source, wanted.output)
            for channel, source in data.items()
            if "://" not in source
        }
        channels = {
            channel: str(storage.destination(*uploads[channel]))
            if channel in uploads
            else str(Uri.parse(source))
            for channel, source in data.items()
        }
        output = wanted.output or f"s3://{made.bucket('-m s3://BUCKET/PREFIX')}/{MODELS}"
        job = TrainingRequest(
            job=training_requests.job_name(name, now, wanted.job_name),
            role=roles.arn(wanted.role, access) if wanted.role else made.role(),
            channels=channels,
            output=str(Uri.parse(output)),
            hyperparameters={**hyperparameters.load(settings.folder), **wanted.hyperparameters},
            content_type=wanted.content_type,
        )
        return cls(training_requests.request(settings, job), tuple(uploads.values()))


def _sources(settings: Config, wanted: Wanted) -> dict[str, str]:
    """Return where the data of each channel is: S3, or this machine."""
    if wanted.source and CHANNEL in wanted.channels:
        raise UsageError(
            f"-i {clean(wanted.source)} and --channel {CHANNEL}="
            f"{clean(wanted.channels[CHANNEL])} are for the same channel, {CHANNEL}",
            "leave one of them out, or give the channel another name",
        )
    if wanted.source:
        return {CHANNEL: wanted.source, **wanted.channels}
    if wanted.channels:
        return dict(wanted.channels)
    return {CHANNEL: str(settings.folder / DATA / CHANNEL)}


def _upload(made: Made, channel: str, source: str, results: str) -> tuple[Path, Uri]:
    path = Path(source)
    option = "-i" if channel == CHANNEL else f"--channel {channel}="
    return path, made.home(path, option, channel, results)
