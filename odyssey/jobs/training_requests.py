"""What SageMaker is asked for a training job; without any call.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey import shapes
from odyssey.errors import UsageError
from odyssey.instances import is_graviton
from odyssey.jobs.job import hyphened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odyssey.config import Config

OPERATION = "CreateTrainingJob"

LONGEST_NAME = 63
"""Characters of a job's name."""

CHANNEL = "training"
"""The channel that ``-i`` is for: ``/opt/ml/input/data/training`` in the container."""

CHECKPOINTS = "checkpoints"
"""The prefix, below that of the models, where spot jobs keep what they have so far."""


@dataclass(frozen=True)
class TrainingRequest:
    """What one training job is to do, besides the settings of ``[training]``.

    Args:
        job: Its name.
        role: The ARN of its role.
        channels: The s3:// URI of the data of each channel.
        output: The s3:// URI that its model goes below: ``OUTPUT/JOB/output/model.tar.gz``.
        hyperparameters: What train() gets; all of them texts.
        content_type: The type of the data. Default: not said.
    """

    job: str
    role: str
    channels: Mapping[str, str]
    output: str
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""


def job_name(name: str, now: datetime, whole: str = "") -> str:
    """Return the name of a job: NAME-DATE-TIME, since a name is taken for ever.

    What SageMaker takes no ``_`` for becomes ``-``, and that is said.

    Args:
        name: What it begins with.
        now: The time.
        whole: The whole name instead.

    Example:
        >>> job_name("iris", datetime(2026, 1, 2, 3, 4, 5))
        'iris-20260102-030405'
    """
    if whole:
        return hyphened(whole)
    suffix = f"-{now:%Y%m%d-%H%M%S}"
    return hyphened(name)[: LONGEST_NAME - len(suffix)].rstrip("-") + suffix


def request(settings: Config, job: TrainingRequest) -> dict[str, Any]:
    """Return the request of CreateTrainingJob.

    Args:
        settings: The app's settings.
        job: What the job is to do.

    Raises:
        UsageError: No image is known, or a rule of AWS is broken; all of them are named.
    """
    _require_sense(settings)
    wanted = settings.training
    made: dict[str, Any] = {
        "TrainingJobName": job.job,
        "AlgorithmSpecification": {
            "TrainingImage": settings.artifacts.image,
            "TrainingInputMode": wanted.input_mode,
        },
        "RoleArn": job.role,
        "InputDataConfig": [
            _channel(name, uri, job.content_type) for name, uri in job.channels.items()
        ],
        "OutputDataConfig": _output(settings, job),
        "ResourceConfig": {
            "InstanceType": wanted.instance_type,
            "InstanceCount": wanted.instance_count,
            "VolumeSizeInGB": wanted.volume_gb,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": wanted.max_runtime},
        "Tags": _tags(settings),
    }
    made |= _spot(settings, job, made["StoppingCondition"]) | _optional(settings, job)
    shapes.require("sagemaker", OPERATION, made)
    return made


def _require_sense(settings: Config) -> None:
    wanted = settings.training
    if not settings.artifacts.image:
        raise UsageError(
            "no image is known: none was pushed from here, and odyssey.toml names none",
            "odyssey docker push",
        )
    if not wanted.spot and settings.origin("training.max_wait").startswith("--"):
        raise UsageError(
            f"--max-wait {wanted.max_wait} is about waiting for spare capacity, and spot is off",
            "--spot, or leave --max-wait out",
        )
    if wanted.spot and wanted.max_wait and wanted.max_wait < wanted.max_runtime:
        raise UsageError(
            f"max_wait is {wanted.max_wait} s, and must not be less than max_runtime, "
            f"{wanted.max_runtime} s: it is the waiting and the running together",
            f"--max-wait {wanted.max_runtime * 2}",
        )
    if is_graviton(wanted.instance_type):
        raise UsageError(
            f"{wanted.instance_type} has Graviton processors, and training jobs have none of them",
            "-in ml.m5.large",
        )


def _channel(name: str, uri: str, content_type: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    kind = {"ContentType": content_type} if content_type else {}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **kind}


def _output(settings: Config, job: TrainingRequest) -> dict[str, str]:
    key = settings.artifacts.kms_key or settings.foundation.kms_key
    return {"S3OutputPath": _prefix(job)} | ({"KmsKeyId": key} if key else {})


def _prefix(job: TrainingRequest) -> str:
    return job.output.rstrip("/")


def _spot(settings: Config, job: TrainingRequest, condition: dict[str, int]) -> dict[str, object]:
    """Return what a job on spare capacity has; its longest wait goes into the condition.

    The role may write below the models only, so the checkpoints are there.
    """
    wanted = settings.training
    if not wanted.spot:
        return {}
    condition["MaxWaitTimeInSeconds"] = wanted.max_wait or 2 * wanted.max_runtime
    place = f"{_prefix(job)}/{CHECKPOINTS}/{job.job}"
    return {"EnableManagedSpotTraining": True, "CheckpointConfig": {"S3Uri": place}}


def _optional(settings: Config, job: TrainingRequest) -> dict[str, object]:
    wanted, network = settings.training, settings.network
    vpc = {"SecurityGroupIds": list(network.security_groups), "Subnets": list(network.subnets)}
    found = {
        "HyperParameters": dict(job.hyperparameters),
        "Environment": dict(wanted.environment),
        "VpcConfig": vpc if network.subnets else {},
        "EnableNetworkIsolation": wanted.network_isolation,
    }
    return {name: value for name, value in found.items() if value}


def _tags(settings: Config) -> list[dict[str, str]]:
    ours = {"odyssey:app": settings.app.name}
    if settings.env:
        ours["odyssey:env"] = settings.env
    return [{"Key": key, "Value": value} for key, value in {**ours, **settings.aws.tags}.items()]


def quota(request: Mapping[str, Any]) -> str:
    """Return the name of the quota that a request's instances count for.

    Example:
        >>> quota({"ResourceConfig": {"InstanceType": "ml.m5.large"}})
        'ml.m5.large for training job usage'
    """
    spot = "spot " if request.get("EnableManagedSpotTraining") else ""
    return f"{request['ResourceConfig']['InstanceType']} for {spot}training job usage"
