"""The requests of a batch transform, from settings alone: nothing is sent and nothing asked.

Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html,
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError
from odyssey.jobs.temporary import TAG
from odyssey.model_location import NO_MODEL
from odyssey.variables import container_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.config import Config

TOGETHER = 100
"""Megabytes that the requests at once on one instance may have."""

PROCESSED = ("text/csv", "application/json", "application/jsonlines")
"""The types of records that SageMaker can filter, and put beside their answers."""


def require_sense(settings: Config) -> None:
    """Check what several settings of ``[transform]`` must be together.

    Raises:
        UsageError: A rule of SageMaker is broken.
    """
    wanted = settings.transform
    together = wanted.max_payload * wanted.max_concurrent
    if together > TOGETHER:
        raise UsageError(
            f"--max-payload {wanted.max_payload} x --max-concurrent {wanted.max_concurrent} = "
            f"{together} MB, and SageMaker takes {TOGETHER} MB at once on one instance",
            f"--max-concurrent {max(TOGETHER // wanted.max_payload, 1)}, or "
            f"--max-payload {max(TOGETHER // wanted.max_concurrent, 1)}",
        )
    if wanted.split_type == "None" and settings.origin("transform.strategy") != "default":
        raise UsageError(
            f"--strategy {wanted.strategy} is about records, and --split-type None makes none of "
            "an object",
            "--split-type Line, or leave --strategy out",
        )
    for option in _processing_options(settings):
        _require_processable(settings, option)


def model(settings: Config, *, name: str, role: str) -> dict[str, Any]:
    """Return the request of CreateModel for the job of this name.

    Args:
        settings: The app's settings.
        name: The name of both.
        role: The ARN of the role that the containers run as.

    Raises:
        UsageError: There is no image, or no model.
    """
    made = settings.artifacts
    if not made.image:
        raise UsageError("no image is recorded", "odyssey docker push, or image under [artifacts]")
    if not made.model:
        raise UsageError("no model is recorded", "odyssey sagemaker train, or -m s3://...tar.gz")
    return _without_nothing(
        {
            "ModelName": name,
            "PrimaryContainer": _without_nothing(
                {
                    "Image": made.image,
                    "ModelDataUrl": None if made.model == NO_MODEL else made.model,
                    "Environment": container_environment(settings),
                }
            ),
            "ExecutionRoleArn": role,
            "VpcConfig": _network(settings),
            "EnableNetworkIsolation": settings.endpoint.network_isolation or None,
            "Tags": [*_tags(settings), {"Key": TAG, "Value": "true"}],
        }
    )


def job(settings: Config, *, name: str, source: str, output: str) -> dict[str, Any]:
    """Return the request of CreateTransformJob.

    Args:
        settings: The app's settings.
        name: The name of the job and of its model.
        source: The s3:// URI of the input, an object or a prefix.
        output: The s3:// URI that the answers go below.
    """
    wanted = settings.transform
    splits = wanted.split_type != "None"
    return _without_nothing(
        {
            "TransformJobName": name,
            "ModelName": name,
            "MaxConcurrentTransforms": wanted.max_concurrent or None,
            "MaxPayloadInMB": wanted.max_payload,
            "BatchStrategy": wanted.strategy if splits else None,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
                "ContentType": wanted.content_type,
                "SplitType": wanted.split_type,
            },
            "TransformOutput": _output(settings, output),
            "TransformResources": {
                "InstanceType": wanted.instance_type,
                "InstanceCount": wanted.instance_count,
            },
            "DataProcessing": _without_nothing(
                {
                    "InputFilter": wanted.input_filter or None,
                    "JoinSource": "Input" if wanted.join == "input" else None,
                    "OutputFilter": wanted.output_filter or None,
                }
            ),
            "Tags": _tags(settings),
        }
    )


def require_shape(model: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """Check both requests against AWS's own patterns, enums and limits.

    Raises:
        UsageError: One breaks a rule; all of them are named.
    """
    from odyssey import shapes

    shapes.require("sagemaker", "CreateTransformJob", job)
    shapes.require("sagemaker", "CreateModel", model)


def _processing_options(settings: Config) -> list[str]:
    """Return the options that are given and take a record apart."""
    wanted = settings.transform
    given = {
        "--join input": wanted.join == "input",
        f"--input-filter {wanted.input_filter}": wanted.input_filter,
        f"--output-filter {wanted.output_filter}": wanted.output_filter,
    }
    return [option for option, is_given in given.items() if is_given]


def _require_processable(settings: Config, option: str) -> None:
    wanted = settings.transform
    without = f"leave {option.partition(' ')[0]} out"
    if _media(wanted.content_type) not in PROCESSED:
        raise UsageError(
            f"{option}: records of {wanted.content_type} cannot be joined or filtered; "
            f"SageMaker takes {', '.join(PROCESSED)} apart",
            f"--content-type text/csv, or {without}",
        )
    if wanted.accept and _media(wanted.accept) != _media(wanted.content_type):
        raise UsageError(
            f"{option}: the answers must have the input's type {wanted.content_type}, and "
            f"--accept is {wanted.accept}",
            f"--accept {wanted.content_type}, or leave --accept out",
        )
    for other, value in (
        ("--split-type", wanted.split_type),
        ("--assemble-with", wanted.assemble_with),
    ):
        if value != "Line":
            raise UsageError(f"{option} goes line by line, and {other} is {value}", f"{other} Line")


def _output(settings: Config, output: str) -> dict[str, Any]:
    wanted = settings.transform
    processes = bool(_processing_options(settings))
    # Without records there is nothing to put a line break between, unless somebody asks for it.
    asked = wanted.split_type != "None" or settings.origin("transform.assemble_with") != "default"
    return _without_nothing(
        {
            "S3OutputPath": output,
            "Accept": wanted.accept or (wanted.content_type if processes else None),
            "AssembleWith": wanted.assemble_with if asked else None,
            "KmsKeyId": settings.artifacts.kms_key or settings.foundation.kms_key or None,
        }
    )


def _network(settings: Config) -> dict[str, Any] | None:
    wanted = settings.network
    if not wanted.subnets and not wanted.security_groups:
        return None
    return {"Subnets": list(wanted.subnets), "SecurityGroupIds": list(wanted.security_groups)}


def _tags(settings: Config) -> list[dict[str, str]]:
    tags = {"odyssey:app": settings.app.name, **settings.aws.tags}
    if settings.env:
        tags["odyssey:env"] = settings.env
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def _media(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _without_nothing(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without the members that nothing is said about."""
    return {name: value for name, value in request.items() if value is not None and value != {}}
